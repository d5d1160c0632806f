// Bugs that tests plant on purpose: the simulator has to find each of them (test/long). No setting
// reaches them; where one is looked at, what is shipped is the other branch.

export type Plant =
  /** The store is written before the transaction is committed. */
  | 'cut-order-reversed'
  /** The group's offsets are committed by themselves, before the transaction. */
  | 'offsets-outside'
  /** Deletes do not reach the changelog. */
  | 'tombstones-lost'
  /** After a cut that failed, what runs goes on from memory instead of from its store. */
  | 'stale-cut-used'
  /** Members that are gone are not fenced, and offsets are taken from whoever sends them. */
  | 'fence-ignored'
  /** Restoring reads what was never committed, or was aborted. */
  | 'restore-uncommitted'
  /** Restoring ends where committed data ends now, and does not wait for what is open. */
  | 'target-too-early'
  /** The store notes that it has the changelog up to behind the next cut. */
  | 'changelog-position-ahead'
  /** Output of exactly_once is sent outside the transaction. */
  | 'output-outside'
  /** A standby becomes the owner with what it has copied so far. */
  | 'promoted-behind'

export const noPlants: ReadonlySet<Plant> = new Set()

// Kinds of faults of a simulation, and what is told of one that happened: what a caller sees of
// them.

export const faultKinds = [
  'crash',
  'pause',
  'slow-disk',
  'full-disk',
  'lost-connections',
  'bad-network',
  'broker-restart',
  'join',
  'leave',
  'compaction',
  'machine-crash',
  'wipe',
] as const

export type FaultKind = (typeof faultKinds)[number]

export interface Fault {
  /** ms after the beginning. */
  readonly atMs: number
  readonly kind: FaultKind
  /** What it happened to. */
  readonly what: string
}

// An engine that this machine does not have. Thrown while engines are prepared.
export class Missing extends Error {}

/** What an engine may do to be there. */
export interface Tools {
  /** Packages, jars and modules may be fetched into the cache. */
  readonly mayFetch: boolean
  say(line: string): void
}

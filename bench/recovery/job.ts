// What a process of worker.ts is asked to do, and what it says: lines of JSON on standard output,
// each at once, so that a kill -9 loses none.
import type { Logger } from '../../src/index.ts'
import type { SettingsInput } from '../../src/settings.ts'

export interface RecoveryJob {
  readonly appId: string
  readonly topic: string
  /** A key of each partition, whose rows it is to tell of. */
  readonly probes: readonly string[]
  readonly settings: SettingsInput
}

/** `atMs`: wall clock. */
export type RecoveryLine = {
  readonly atMs: number
} /** All modules are there, nothing has been started. */ & (
  | { readonly kind: 'loaded' }
  /** The probe of the partition has been read: its newest window counts events up to this id. */
  | { readonly kind: 'row'; readonly partition: number; readonly newest: number }
  | ({ readonly kind: 'state' } & RecoveryState)
  | {
      readonly kind: 'log'
      readonly level: keyof Logger
      readonly message: string
      readonly error: string | undefined
    }
)

export interface RecoveryState {
  /** Partitions that are read here, in order. */
  readonly held: readonly number[]
  /** Tables that are being restored. */
  readonly recovering: number
  /** Partitions that are copied here, and are nearly up to date. */
  readonly copies: number
}

/** Of the app. */
export const TABLE = 'views'

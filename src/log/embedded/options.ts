// Settings of the embedded log with their defaults and bounds. Read by every file of this folder.
import { type Clock, systemClock } from '../../clock.ts'
import { describeError, EuphorionError } from '../../errors.ts'
import type { TopicConfig } from '../log.ts'

export interface EmbeddedLogOptions {
  /**
   * What to do while another process has the log open: 'allow' talks to that process through its
   * local socket (no consumers), 'refuse' rejects with LOG_LOCKED. Default 'refuse'.
   */
  readonly remote?: 'allow' | 'refuse'
  /**
   * When appended bytes are forced to disk: before each acknowledgement, at most `fsyncIntervalMs`
   * after it, or only when a segment ends and at close. All three survive the death of the process;
   * only 'always' survives the loss of power without a gap. Default 'interval'.
   */
  readonly fsync?: 'never' | 'interval' | 'always'
  /** Default 1000. */
  readonly fsyncIntervalMs?: number
  /**
   * Bytes of a segment file before the next begins, for topics that do not say. Default 256 MiB.
   */
  readonly segmentBytes?: number
  /** Largest batch, for topics that do not say. Default 8 MiB. */
  readonly maxMessageBytes?: number
  /** Appends of one partition that may wait to be written. Default 65536. */
  readonly pendingAppendsMax?: number
  /** Segment files kept open. Default 128. */
  readonly openFilesMax?: number
  /** Idempotent producers remembered per partition. Default 1000. */
  readonly producersMax?: number
  /** How often retention and compaction look for work; 0 for never. Default 30 s. */
  readonly maintenanceIntervalMs?: number
  /** How long a compacted topic keeps the tombstone of a key. Default 24 h. */
  readonly tombstoneMs?: number
  /** Keys that one compaction pass holds in memory (about 100 bytes each). Default 1,000,000. */
  readonly compactionKeysMax?: number
  /**
   * Told what failed behind the caller's back: cleaning, the local socket. Default: a process
   * warning.
   */
  readonly onBackgroundError?: (error: unknown) => void
  readonly clock?: Clock
}

export type ResolvedOptions = Required<EmbeddedLogOptions>

const MiB = 1024 * 1024

const defaults: ResolvedOptions = {
  remote: 'refuse',
  fsync: 'interval',
  fsyncIntervalMs: 1000,
  segmentBytes: 256 * MiB,
  maxMessageBytes: 8 * MiB,
  pendingAppendsMax: 65_536,
  openFilesMax: 128,
  producersMax: 1000,
  maintenanceIntervalMs: 30_000,
  tombstoneMs: 24 * 60 * 60 * 1000,
  compactionKeysMax: 1_000_000,
  onBackgroundError: (error) => process.emitWarning(describeError(error), 'EuphorionWarning'),
  clock: systemClock,
}

const bounds: readonly (readonly [
  keyof ResolvedOptions & keyof EmbeddedLogOptions,
  number,
  number,
])[] = [
  ['fsyncIntervalMs', 1, 3_600_000],
  ['segmentBytes', 1024, 1024 * MiB],
  ['maxMessageBytes', 1024, 256 * MiB],
  ['pendingAppendsMax', 1, 1_000_000],
  ['openFilesMax', 4, 100_000],
  ['producersMax', 1, 1_000_000],
  ['maintenanceIntervalMs', 0, 86_400_000],
  ['tombstoneMs', 0, 10 * 365 * 86_400_000],
  ['compactionKeysMax', 1, 10_000_000],
]

/** Defaults filled in; SETTING_INVALID names what is out of bounds. */
export function resolveOptions(options: EmbeddedLogOptions): ResolvedOptions {
  const given = Object.fromEntries(Object.entries(options).filter(([, v]) => v !== undefined))
  const resolved: ResolvedOptions = { ...defaults, ...given }
  for (const [name, min, max] of bounds) requireWithin(name, resolved[name] as number, min, max)
  requireOneOf('remote', resolved.remote, ['allow', 'refuse'])
  requireOneOf('fsync', resolved.fsync, ['never', 'interval', 'always'])
  return resolved
}

/** A topic's settings with Kafka's meaning; no limits unless given. */
export type ResolvedTopicConfig = Required<TopicConfig>

export function resolveTopicConfig(
  config: TopicConfig | undefined,
  options: ResolvedOptions,
): ResolvedTopicConfig {
  const resolved = {
    cleanup: config?.cleanup ?? 'delete',
    retentionMs: config?.retentionMs ?? -1,
    retentionBytes: config?.retentionBytes ?? -1,
    segmentBytes: config?.segmentBytes ?? options.segmentBytes,
    maxMessageBytes: config?.maxMessageBytes ?? options.maxMessageBytes,
    deleteRetentionMs: config?.deleteRetentionMs ?? options.tombstoneMs,
  }
  requireOneOf('cleanup', resolved.cleanup, ['delete', 'compact', 'compact,delete'])
  requireWithin('retentionMs', resolved.retentionMs, -1, Number.MAX_SAFE_INTEGER)
  requireWithin('retentionBytes', resolved.retentionBytes, -1, Number.MAX_SAFE_INTEGER)
  requireWithin('segmentBytes', resolved.segmentBytes, 1024, 1024 * MiB)
  requireWithin('maxMessageBytes', resolved.maxMessageBytes, 1024, 256 * MiB)
  requireWithin('deleteRetentionMs', resolved.deleteRetentionMs, 0, Number.MAX_SAFE_INTEGER)
  return resolved
}

export function requireWithin(name: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return
  throw new EuphorionError(
    'SETTING_INVALID',
    `${name} is ${value}; it must be an integer from ${min} to ${max}`,
  )
}

function requireOneOf(name: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return
  throw new EuphorionError(
    'SETTING_INVALID',
    `${name} is '${value}'; allowed: ${allowed.join(', ')}`,
  )
}

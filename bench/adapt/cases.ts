// What is compared with fetches that are turned at run time, and without: settings that are bad by
// mistake, the defaults at full speed, records that trickle in, readers that are slow. Used by
// adapt.ts.
import type { SettingsInput } from '../../src/settings.ts'
import type { AgentVariant, Workload } from '../../src/tune/bench_spec.ts'
import type { Compression } from '../../src/wire/compression.ts'

export type LogName = 'embedded' | 'kafka'

export interface Variant {
  readonly name: string
  readonly settings: SettingsInput
}

export interface Comparison {
  /** Of --only. */
  readonly name: string
  readonly title: string
  /** Default: both. */
  readonly log?: LogName
  readonly workload: Workload | AgentVariant
  readonly events: number
  readonly compression: Compression
  /** Default 4. */
  readonly partitions?: number
  /** Of a batch of the log. Default: that of PageViews. */
  readonly batchRecords?: number
  /** They take turns. */
  readonly variants: readonly Variant[]
  /** Events a second; undefined: as fast as it goes. */
  readonly rate?: number
  /** What is shown beside the rate. */
  readonly shows: readonly ('memory' | 'cpu' | 'cut')[]
}

const MILLION = 1_000_000
/** About 16 KiB, Kafka's own batch.size. */
const usualRecords = 160
/** What a producer sends together where little comes. */
const trickleRecords = 100
const tiny = { batchBytes: '16KiB', fetchesInFlight: 1 } as const
const small = { batchBytes: '64KiB', fetchesInFlight: 1 } as const

const onAndOff = (settings: SettingsInput): Variant[] => [
  { name: 'off', settings: { ...settings, adaptFetches: false } },
  { name: 'on', settings: { ...settings, adaptFetches: true } },
]

const against = { name: 'default settings, off', settings: { adaptFetches: false } }
const plain = { compression: 'none', shows: [] } as const

export const comparisons: readonly Comparison[] = [
  {
    ...plain,
    name: 'small',
    title: 'W1 from batches of 64 KiB, one fetch at a time',
    workload: 'w1',
    batchRecords: usualRecords,
    events: 20 * MILLION,
    variants: [...onAndOff(small), against],
  },
  {
    ...plain,
    name: 'tiny',
    title: 'W1 from batches of 16 KiB, one fetch at a time',
    log: 'kafka',
    workload: 'w1',
    batchRecords: usualRecords,
    events: 10 * MILLION,
    variants: [...onAndOff(tiny), against],
  },
  {
    ...plain,
    name: 'w1',
    title: 'W1, default settings',
    workload: 'w1',
    events: 20 * MILLION,
    variants: onAndOff({}),
    shows: ['cpu', 'memory'],
  },
  {
    ...plain,
    name: 'w2',
    title: 'W2, default settings',
    workload: 'w2',
    events: 20 * MILLION,
    variants: onAndOff({}),
    shows: ['cpu', 'memory'],
  },
  {
    ...plain,
    name: 'w0',
    title: 'W0, an agent, default settings',
    workload: 'w0',
    events: 10 * MILLION,
    variants: onAndOff({}),
    shows: ['cpu', 'memory'],
  },
  {
    ...plain,
    name: 'trickle',
    title: 'W1 at 20,000 events/s',
    log: 'embedded',
    workload: 'w1',
    events: 300_000,
    batchRecords: trickleRecords,
    rate: 20_000,
    variants: [
      ...onAndOff({}),
      {
        name: '64 KiB, 2 fetches, off',
        settings: { ...small, fetchesInFlight: 2, adaptFetches: false },
      },
    ],
    shows: ['memory'],
  },
  {
    ...plain,
    name: 'slow',
    title: 'A slow agent (undeclared JSON) of 32 partitions',
    log: 'embedded',
    workload: 'undeclared',
    partitions: 32,
    events: 4 * MILLION,
    variants: onAndOff({}),
    shows: ['memory'],
  },
  {
    name: 'packed',
    title: 'The same, batches compressed by gzip',
    log: 'embedded',
    workload: 'undeclared',
    partitions: 32,
    events: 4 * MILLION,
    compression: 'gzip',
    variants: onAndOff({}),
    shows: ['memory'],
  },
  {
    ...plain,
    name: 'heavy',
    title: "W2 by backend 'js', whose lanes are the bound",
    log: 'embedded',
    workload: 'w2',
    events: 2 * MILLION,
    variants: onAndOff({ backend: 'js' }),
    shows: ['memory', 'cut'],
  },
]

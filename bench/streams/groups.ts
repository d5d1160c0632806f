// The groups of `npm run bench:streams`: what is compared with what. Called by streams.ts.
import type { Settings } from '../../src/settings.ts'
import { storeKind } from '../../src/table/open.ts'
import type { BenchRun, BenchSpec } from '../../src/tune/bench_spec.ts'
import type { BenchTopic } from '../../src/tune/bench_topic.ts'

export interface StreamCase {
  readonly name: string
  readonly workload: BenchSpec['workload']
  /** Else from the embedded log. */
  readonly isOnKafka?: boolean
  /** Default: 8,057 urls, uncompressed, 4,000 records a batch. */
  readonly topic?: Partial<Pick<BenchTopic, 'keys' | 'compression' | 'batchRecords'>>
  readonly settings?: Partial<Settings>
  /** Of the events: what is slow runs over fewer. Default 1. */
  readonly share?: number
}

export interface StreamGroup {
  /** Of --only. */
  readonly name: string
  readonly title: string
  readonly cases: readonly StreamCase[]
  /** CPU seconds have figures of their own, and not only a column. */
  readonly hasCpu?: boolean
  /** More that is told: medians of the runs. */
  readonly more?: Readonly<Record<string, (run: BenchRun) => number | undefined>>
}

const KIB = 1024
const MIB = 1024 * KIB
/** Plain TypeScript, and values whose fields were not declared, take several times as long. */
const SLOW = 0.2

/** As often as Kafka Streams commits by default under exactly_once. */
const exactlyOnce = { guarantee: 'exactly_once', commitIntervalMs: 100 } as const

const workloads: StreamGroup = {
  name: 'workloads',
  title: 'W0–W3',
  hasCpu: true,
  cases: [
    ...onBoth({ name: 'W0: an agent reads every event', workload: 'w0' }),
    ...onBoth({ name: 'W1: tumbling 10 s', workload: 'w1' }),
    ...onBoth({ name: 'W1, exactly once', workload: 'w1', settings: exactlyOnce }),
    { name: 'W1, plain TypeScript', workload: 'w1', settings: { backend: 'js' }, share: SLOW },
    ...onBoth({ name: 'W2: hopping 60 s / 10 s', workload: 'w2' }),
    ...onBoth({ name: 'W3: for ever', workload: 'w3' }),
  ],
}

const codecs: StreamGroup = {
  name: 'codecs',
  title: 'W1, codec of the topic',
  cases: [
    ...(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const).map(
      (compression): StreamCase => ({ name: compression, workload: 'w1', topic: { compression } }),
    ),
    ...(['none', 'lz4', 'zstd'] as const).map((compression) =>
      onKafka({ name: compression, workload: 'w1', topic: { compression } }),
    ),
  ],
}

const keys: StreamGroup = {
  name: 'keys',
  title: `W3, distinct keys, store ${storeKind('rocksdb')}`,
  cases: [1000, 8057, 100_000, 1_000_000].map(
    (keys): StreamCase => ({ name: keys.toLocaleString('en'), workload: 'w3', topic: { keys } }),
  ),
  more: { cells: ({ cells }) => cells, 'last cut, ms': ({ cutMs }) => cutMs },
}

/** Of 50 KB: a fetch brings whole ones. */
const small = { batchRecords: 500 }
const sizes = [
  ['64 KiB', 64 * KIB],
  ['512 KiB', 512 * KIB],
  ['2 MiB', 2 * MIB],
] as const

const settings: StreamGroup = {
  name: 'settings',
  title: 'W1, threads and bytes of a fetch, batches of 500',
  cases: [
    ...sizes.map(([size, batchBytes]) => withSettings(size, { threads: 1, batchBytes })),
    ...sizes.map(([size, batchBytes]) => withSettings(size, { threads: 2, batchBytes })),
    ...sizes.map(([size, batchBytes]) => onKafka(withSettings(size, { threads: 2, batchBytes }))),
  ],
  more: { fetched: ({ batches }) => batches },
}

const agents: StreamGroup = {
  name: 'agents',
  title: 'W0, how an agent reads',
  cases: [
    { name: 'for await', workload: 'loop' },
    { name: 'for await, with an await in its body', workload: 'await' },
    { name: 'stream.events()', workload: 'events' },
    { name: 'stream.batches(): text and numbers', workload: 'batches' },
    { name: 'stream.batches(): numbers', workload: 'numbers' },
    { name: 'for await, fields not declared', workload: 'undeclared', share: SLOW },
  ],
  more: {
    'main thread': ({ mainCpuSecondsPerMillion }) => mainCpuSecondsPerMillion,
    'loop p99, ms': ({ loopDelayMs }) => loopDelayMs.p99,
  },
}

export const groups: readonly StreamGroup[] = [workloads, codecs, keys, settings, agents]

function onBoth(one: StreamCase): StreamCase[] {
  return [one, onKafka(one)]
}

function onKafka(one: StreamCase): StreamCase {
  return { ...one, name: `${one.name}, Kafka`, isOnKafka: true }
}

function withSettings(
  size: string,
  { threads, batchBytes }: Pick<Settings, 'threads' | 'batchBytes'>,
): StreamCase {
  const name = `${threads === 1 ? '1 thread' : `${threads} threads`}, ${size}`
  // what is compared stays as it is
  const fixed = { threads, batchBytes, adaptFetches: false }
  return { name, workload: 'w1', topic: small, settings: fixed }
}

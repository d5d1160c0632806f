// Every setting once: name, type, default, bounds and help, in the order in which help lists them.
// Read by settings.ts, which gives them their values.
import { availableParallelism } from 'node:os'

const MIB = 1024 ** 2
const HOUR_MS = 3_600_000

interface Spec {
  readonly help: string
  /** Not printed, not put in error messages. */
  readonly secret?: boolean
}
export interface NumberSpec extends Spec {
  /** duration is in ms and bytes in bytes; both also read text with a unit. */
  readonly type: 'integer' | 'duration' | 'bytes'
  readonly default: number
  readonly min: number
  readonly max: number
}
export interface ChoiceSpec<C extends string> extends Spec {
  readonly type: 'choice'
  readonly choices: readonly C[]
  readonly default: C
}
export interface BooleanSpec extends Spec {
  readonly type: 'boolean'
  readonly default: boolean
}
interface TextSpec extends Spec {
  readonly type: 'text'
  /** Undefined: not set. */
  readonly default: string | undefined
}
export type SettingSpec = NumberSpec | ChoiceSpec<string> | BooleanSpec | TextSpec

type Bounds = Omit<NumberSpec, 'type'>
const integer = (spec: Bounds) => ({ type: 'integer', ...spec }) as const
const duration = (spec: Bounds) => ({ type: 'duration', ...spec }) as const
const bytes = (spec: Bounds) => ({ type: 'bytes', ...spec }) as const
const boolean = (spec: Omit<BooleanSpec, 'type'>) => ({ type: 'boolean', ...spec }) as const
const text = (spec: Spec) => ({ type: 'text', default: undefined, ...spec }) as const
function choice<const C extends string>(
  choices: readonly C[],
  preset: NoInfer<C>,
  spec: Spec,
): ChoiceSpec<C> {
  return { type: 'choice', choices, default: preset, ...spec }
}

/** The table of settings, in the order in which help lists them. */
export const settingSpecs = {
  broker: text({
    help: "Where the topics are: 'kafka://host:9092[,host…]', 'kafka+ssl://…' or 'embedded:./dir'.",
  }),
  dataDir: {
    ...text({ help: 'Directory of local state; each app has a folder in it.' }),
    default: './data',
  },
  store: choice(['rocksdb', 'rocksdb-native', 'rocksdb-package', 'memory'], 'rocksdb', {
    help: 'Where tables are kept. rocksdb: the native store where it is built, else the package.',
  }),
  threads: integer({
    default: Math.max(1, Math.min(4, availableParallelism())),
    min: 1,
    max: 64,
    help: 'Kernel threads. Default: the cores, at most 4.',
  }),
  batchBytes: bytes({
    default: 2 * MIB,
    min: 64 * 1024,
    max: 16 * MIB,
    help: 'Most bytes that one fetch of a partition, and so one batch, holds.',
  }),
  fetchesInFlight: integer({
    default: 8,
    min: 1,
    max: 64,
    help: 'Fetched batches that may be on the way at once.',
  }),
  memoryMib: integer({
    default: 256,
    min: 32,
    max: 2048,
    help: 'Budget of the shared memory of batches and lanes, in MiB.',
  }),
  commitIntervalMs: duration({
    default: 250,
    min: 10,
    max: HOUR_MS,
    help: 'Time between cuts (state and offsets are stored).',
  }),
  guarantee: choice(['at_least_once', 'exactly_once'], 'at_least_once', {
    help: 'State is exact with both; output may repeat after a crash with at_least_once.',
  }),
  commitBytes: bytes({
    default: 32 * MIB,
    min: 1 * MIB,
    max: 1024 * MIB,
    help: 'State that has changed since the last cut, in bytes, which brings the next one early.',
  }),
  changelog: boolean({
    default: true,
    help: 'Keep tables in changelog topics too, so that they outlive this machine.',
  }),
  changelogCompression: choice(['none', 'gzip', 'snappy', 'lz4', 'zstd'], 'none', {
    help: 'Codec of changelog topics.',
  }),
  transactionTimeoutMs: duration({
    default: 20_000,
    min: 1000,
    max: HOUR_MS,
    help: 'How long a cut may stand open before the brokers abort it. They bound it (15 minutes).',
  }),
  barrierTimeoutMs: duration({
    default: 10_000,
    min: 10,
    max: HOUR_MS,
    help: 'How long a cut waits for events that agents have in hand, where it has to.',
  }),
  standbyReplicas: integer({
    default: 0,
    min: 0,
    max: 10,
    help: 'Copies of each table that other workers keep, ready to take over.',
  }),
  warmupReplicas: integer({
    default: 2,
    min: 1,
    max: 100,
    help: 'State that is copied at once so that a partition can move to another worker.',
  }),
  acceptableLag: integer({
    default: 10_000,
    min: 0,
    max: 1_000_000_000,
    help: 'Records that a copy of a table may lack for its worker to be given the partition.',
  }),
  stallTimeoutMs: duration({
    default: 60_000,
    min: 100,
    max: 24 * HOUR_MS,
    help: 'A partition that makes no progress for so long, while records wait, is acted on.',
  }),
  onAgentStall: choice(['wait', 'stop'], 'wait', {
    help: 'What to do when an agent has had an event for stallTimeoutMs: tell and wait, or stop its partition after as long again.',
  }),
  onStateLost: choice(['stop', 'rebuild'], 'stop', {
    help: 'What to do when a changelog has less than was committed: stop, or build the state anew from the topic.',
  }),
  backend: choice(['auto', 'wasm', 'js'], 'auto', { help: 'What runs the kernels.' }),
  transport: choice(['auto', 'kafka', 'kafkajs'], 'auto', {
    help: 'Driver of a kafka:// broker. auto: kafka, the own one.',
  }),
  kernelThreads: integer({
    default: Math.max(1, Math.min(4, availableParallelism())),
    min: 1,
    max: 64,
    help: 'Threads of the pool for numeric kernels. Default: the cores, at most 4.',
  }),
  kernelQueueTasks: integer({
    default: 1000,
    min: 1,
    max: 1_000_000,
    help: 'Most kernel calls that wait for a thread before one more is refused.',
  }),
  kernelTimeoutMs: duration({
    default: 60_000,
    min: 1,
    max: 24 * HOUR_MS,
    help: "Time after which a user's kernel is ended.",
  }),
  kernelMemoryMib: integer({
    default: 256,
    min: 16,
    max: 2048,
    help: 'Budget of the memory that numeric kernels share, and of that of one user kernel, in MiB.',
  }),
  kernelBackend: choice(['auto', 'js', 'wasm', 'native'], 'auto', {
    help: 'What runs numeric kernels. auto: by size, as measured on this machine.',
  }),
  cacheDir: text({
    help: 'Directory of compiled kernels and of the calibration. Default: the cache of the user.',
  }),
  checkCrcs: boolean({ default: true, help: "Check every batch's CRC-32C." }),
  maxFutureMs: duration({
    default: HOUR_MS,
    min: 0,
    max: 87_600 * HOUR_MS,
    help: 'A record whose time is further than this ahead of the wall clock is bad.',
  }),
  maxRecordBytes: bytes({
    default: 16 * MIB,
    min: 1024,
    max: 256 * MIB,
    help: 'Largest batch of one fetch that is read; memory is set aside only when it comes.',
  }),
  maxDecompressedMib: integer({
    default: 64,
    min: 1,
    max: 1024,
    help: 'Most MiB that one compressed batch may unfold to.',
  }),
  createTopics: boolean({ default: true, help: 'Create topics that do not exist at start.' }),
  topicPartitions: integer({
    default: 4,
    min: 1,
    max: 10_000,
    help: 'Partitions of topics that are created.',
  }),
  deadLetterTopic: text({ help: "Topic of bad records. Default: '{app}-dead-letter'." }),
  fsync: choice(['never', 'interval', 'always'], 'interval', {
    help: 'When the embedded log waits for the disk.',
  }),
  laneQueueBatches: integer({
    default: 2,
    min: 1,
    max: 64,
    help: 'Batches that wait for one lane before its partition is no longer fetched.',
  }),
  laneRetries: integer({
    default: 3,
    min: 0,
    max: 100,
    help: 'Times that a lane goes back to its last cut before it gives up.',
  }),
  sendBufferRecords: integer({
    default: 100_000,
    min: 100,
    max: 10_000_000,
    help: 'Records sent and not yet stored before send() is refused.',
  }),
  sendBufferBytes: bytes({
    default: 32 * MIB,
    min: 64 * 1024,
    max: 1024 * MIB,
    help: 'Bytes sent and not yet stored before send() waits.',
  }),
  sendBatchBytes: bytes({
    default: 512 * 1024,
    min: 1024,
    max: 16 * MIB,
    help: 'A batch of records on its way to a topic is full at this size.',
  }),
  deliveryTimeoutMs: duration({
    default: 120_000,
    min: 1000,
    max: HOUR_MS,
    help: 'How long Kafka may take to confirm a batch, tries included, before it is refused.',
  }),
  lingerMs: duration({
    default: 0,
    min: 0,
    max: 60_000,
    help: 'How long a sent record waits for others while nothing else is on its way.',
  }),
  compression: choice(['none', 'gzip', 'snappy', 'lz4', 'zstd'], 'none', {
    help: 'Of batches that are sent.',
  }),
  tableCacheEntries: integer({
    default: 200_000,
    min: 100,
    max: 100_000_000,
    help: "Keys of each agents' table that are kept in memory.",
  }),
  writeBufferMib: integer({
    default: 4,
    min: 1,
    max: 1024,
    help: 'Write buffer of a store, in MiB.',
  }),
  cacheMib: integer({ default: 32, min: 1, max: 16_384, help: 'Block cache of a store, in MiB.' }),
  connectTimeoutMs: duration({
    default: 10_000,
    min: 100,
    max: HOUR_MS,
    help: 'How long to try to reach a broker.',
  }),
  requestTimeoutMs: duration({
    default: 30_000,
    min: 1000,
    max: HOUR_MS,
    help: 'How long Kafka may take for an answer, and a question may be asked again.',
  }),
  retryBackoffMs: duration({
    default: 100,
    min: 1,
    max: HOUR_MS,
    help: 'Pause before a question is asked again; it doubles with each try.',
  }),
  retryBackoffMaxMs: duration({
    default: 1000,
    min: 1,
    max: HOUR_MS,
    help: 'Longest such pause.',
  }),
  reconnectBackoffMs: duration({
    default: 50,
    min: 1,
    max: HOUR_MS,
    help: 'Pause before a lost broker is connected to again; it doubles with each try.',
  }),
  reconnectBackoffMaxMs: duration({
    default: 1000,
    min: 1,
    max: HOUR_MS,
    help: 'Longest such pause.',
  }),
  metadataMaxAgeMs: duration({
    default: 300_000,
    min: 1000,
    max: 24 * HOUR_MS,
    help: 'Time after which brokers are asked for their topics and leaders unprompted.',
  }),
  sessionTimeoutMs: duration({
    default: 10_000,
    min: 1000,
    max: HOUR_MS,
    help: 'Silence after which Kafka gives the partitions of a worker to others. Brokers bound it.',
  }),
  fetchMaxWaitMs: duration({
    default: 250,
    min: 1,
    max: 60_000,
    help: 'How long Kafka waits for records before it answers a fetch with none.',
  }),
  isolation: choice(['read_committed', 'read_uncommitted'], 'read_committed', {
    help: 'Whether records of aborted transactions, and of those not yet ended, are read.',
  }),
  rack: text({
    help: "Where this worker stands (Kafka's client.rack): it reads from followers of its rack.",
  }),
  instanceId: text({
    help: "Kafka's group.instance.id, one for each worker: a restart within sessionTimeoutMs moves nothing.",
  }),
  heartbeatIntervalMs: duration({
    default: 0,
    min: 0,
    max: HOUR_MS,
    help: 'Time between signs of life to Kafka. 0: sessionTimeoutMs / 24, from 100 to 500 ms.',
  }),
  rebalanceTimeoutMs: duration({
    default: 60_000,
    min: 1000,
    max: HOUR_MS,
    help: 'How long Kafka waits for the workers of a group when it shares the partitions anew.',
  }),
  progressTimeoutMs: duration({
    default: 300_000,
    min: 1000,
    max: 24 * HOUR_MS,
    help: 'A worker whose main thread stands still for so long gives its partitions to others.',
  }),
  shutdownTimeoutMs: duration({
    default: 30_000,
    min: 100,
    max: HOUR_MS,
    help: 'How long a stop waits for handlers and cuts before it gives up.',
  }),
  web: boolean({
    default: true,
    help: 'Answer queries of tables over HTTP, those of the other workers too.',
  }),
  webHost: {
    ...text({ help: 'Address that HTTP is served on; 0.0.0.0 for all, with querySecret.' }),
    default: '127.0.0.1',
  },
  webPort: integer({ default: 0, min: 0, max: 65_535, help: 'Port of HTTP. 0: a free one.' }),
  webAddress: text({
    help: "Where the other workers reach this one: 'host:port'. Default: webHost, or the host's name.",
  }),
  querySecret: text({
    help: 'Shared by all workers of an app, which sign their queries with it; also a bearer token.',
    secret: true,
  }),
  queryTimeoutMs: duration({
    default: 5000,
    min: 10,
    max: HOUR_MS,
    help: 'How long a query waits for another worker.',
  }),
  logLevel: choice(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'info', {
    help: 'Least level that is logged.',
  }),
  saslMechanism: choice(
    ['none', 'plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'],
    'none',
    { help: 'How to log in to Kafka; the tokens of oauthbearer are given in code.' },
  ),
  saslUsername: text({ help: 'User of SASL.' }),
  saslPassword: text({ help: 'Password of SASL; better given in the environment.', secret: true }),
  sslCaFile: text({ help: 'PEM file of the authorities that kafka+ssl:// trusts.' }),
} as const satisfies Record<string, SettingSpec>

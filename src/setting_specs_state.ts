// Settings of what is read, kept, cut and sent: the log, tables, guarantees, the sender.
import { availableParallelism } from 'node:os'
import {
  boolean,
  bytes,
  choice,
  duration,
  HOUR_MS,
  integer,
  MIB,
  type SettingSpec,
  text,
} from './setting_spec.ts'

export const stateSettings = {
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
    min: 16 * 1024,
    max: 16 * MIB,
    help: 'Most bytes that one fetch of a partition, and so one batch, holds; adaptFetches turns it.',
  }),
  fetchesInFlight: integer({
    default: 8,
    min: 1,
    max: 64,
    help: 'Fetched batches that may be on the way at once; adaptFetches turns it.',
  }),
  adaptFetches: boolean({
    default: true,
    help: 'Turn batchBytes (up to its default, or down) and fetchesInFlight (up to its default) by back-pressure.',
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
} as const satisfies Record<string, SettingSpec>

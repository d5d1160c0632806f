// A log as a measured run of `tune` sees it: topics are their samples, and nothing is written but
// the run's own changelogs and offsets. Given to the engine, and to an app whose agents send.
import type { Clock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { Log, LogConsumer, LogProducer, TransactionalProducer } from '../log/log.ts'
import { recordCountOf } from '../wire/batch_header.ts'
import type { Pace } from './pace.ts'
import { PacedConsumer } from './paced_consumer.ts'
import type { SampledTopic } from './sample_spec.ts'

export interface SampledLogOptions {
  readonly sample: readonly SampledTopic[]
  /** The name of the run, with which the names of topics begin that it may make. */
  readonly appId: string
  readonly pace: Pace | undefined
  readonly clock: Clock
  /** So many records were to be written elsewhere, and were not. */
  readonly dropped: (records: number) => void
}

/** The returned log's close() leaves the inner one open. */
export function sampledLog(inner: Log, options: SampledLogOptions): Log {
  const { sample, appId, pace, clock, dropped } = options
  const sampled = (topic: string) => sample.find((each) => each.topic === topic)
  return {
    capabilities: inner.capabilities,
    createTopic: async (name, made) =>
      name.startsWith(appId) ? inner.createTopic(name, made) : false,
    deleteTopic: async (name) => {
      if (name.startsWith(appId)) await inner.deleteTopic(name)
    },
    topics: () => inner.topics(),
    // what is sent to a topic that is not there is thrown away too
    topic: (name) =>
      inner.topic(name).catch((error: unknown) => {
        const isUnknown = error instanceof EuphorionError && error.code === 'TOPIC_UNKNOWN'
        if (isUnknown && sampled(name) === undefined) return { name, partitions: 1 }
        throw error
      }),
    ...(inner.topicConfigs && { topicConfigs: (names) => inner.topicConfigs!(names) }),
    offsets: async (topic) => {
      const offsets = await inner.offsets(topic)
      const part = sampled(topic)?.partitions
      if (part === undefined) return offsets
      return offsets.map((each) => ({
        ...each,
        earliest: part.find((its) => its.partition === each.partition)?.earliest ?? each.earliest,
      }))
    },
    committed: (group, topic) => inner.committed(group, topic),
    forgetGroup: (group) => inner.forgetGroup(group),
    producer: async () => droppingProducer(dropped),
    transactionalProducer: async (given) => unwrapping(await inner.transactionalProducer(given)),
    fence: (id) => inner.fence(id),
    reader: (given) => inner.reader(given),
    consumer: async (given) => {
      const consumer = await inner.consumer(given)
      return pace === undefined ? consumer : new PacedConsumer(consumer, sample, pace, clock)
    },
    read: (...what) => inner.read(...what),
    close: async () => undefined,
  }
}

function droppingProducer(dropped: (records: number) => void): LogProducer {
  return {
    async append(_topic, _partition, records) {
      dropped(records.length)
      return 0
    },
    async appendBatch(_topic, _partition, batch) {
      dropped(recordCountOf(batch))
      return { offset: 0 }
    },
    close: async () => undefined,
  }
}

/** Commits the offsets of the driver's own consumer. */
function unwrapping(producer: TransactionalProducer): TransactionalProducer {
  const own = (consumer: LogConsumer): LogConsumer =>
    consumer instanceof PacedConsumer ? consumer.inner : consumer
  return {
    get isOpen() {
      return producer.isOpen
    },
    commitOffsets: (consumer, offsets) => producer.commitOffsets(own(consumer), offsets),
    commit: () => producer.commit(),
    abort: () => producer.abort(),
    append: (...what) => producer.append(...what),
    appendBatch: (...what) => producer.appendBatch(...what),
    close: () => producer.close(),
  }
}

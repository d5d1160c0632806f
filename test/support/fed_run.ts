// The job W1 on a topic that is written while it runs, so that a test can make things happen in
// between for as long as it likes: at the end every cell is exact. Used by fault tests on Kafka.
import assert from 'node:assert/strict'
import type { LogRecord } from '../../src/log/log.ts'
import { openLog } from '../../src/log/open.ts'
import type { SettingsInput } from '../../src/settings.ts'
import { type PageViewOptions, PageViews } from '../../src/tune/workload.ts'
import { decodeBatches } from '../../src/wire/record_batch.ts'
import { assertW1 } from './crash_checks.ts'
import { inDirectory } from './crash_lives.ts'
import { runWithFaults } from './fault_engine.ts'
import { createTopic } from './kafka_admin.ts'
import { unique } from './log.ts'

export interface FedRunOptions {
  /** host:port[,…] without anything in front, for the topic. */
  readonly direct: string
  /** kafka://… of the app and of who writes. */
  readonly broker: string
  readonly views: PageViewOptions
  readonly settings?: SettingsInput
}

/** What the test has in its hands while the job runs. */
export interface FedRun {
  readonly topic: string
  /** Writes the next of so many equal parts of the records; resolves when they are stored. */
  feed(parts: number): Promise<void>
  /** Resolves when lanes have consumed all that has been written. */
  consumed(): Promise<void>
}

interface Part {
  readonly partition: number
  readonly records: LogRecord[]
}

/** More than this is not on its way to a broker at once. */
const appendsMax = 40

/** Runs the job while `during` goes on; what it did not feed is written behind it. */
export async function runFed(
  options: FedRunOptions,
  during: (run: FedRun) => Promise<void>,
): Promise<void> {
  const { direct, broker, views } = options
  const settings: SettingsInput = { transport: 'kafka', ...options.settings }
  const topic = unique('page-views')
  const source = new PageViews(views)
  const queue: Part[] = []
  for (let batch = source.nextBatch(); batch !== undefined; batch = source.nextBatch())
    queue.push({ partition: batch.partition, records: decodeBatches(batch.bytes) })
  const total = queue.length
  const ends = [...source.perPartition]
  await createTopic(direct, topic, { partitions: ends.length, config: { 'retention.ms': '-1' } })
  const progress = new Progress(ends.length)
  const log = await openLog(broker, { settings: settings as object })
  try {
    const producer = await log.producer()
    const write = async (parts: readonly Part[]) => {
      for (let at = 0; at < parts.length; at += appendsMax)
        await Promise.all(
          parts.slice(at, at + appendsMax).map(async ({ partition, records }) => {
            await producer.append(topic, partition, records)
            progress.written[partition] += records.length
          }),
        )
    }
    await inDirectory(async (directory) => {
      const running = runWithFaults({
        directory,
        job: {
          appId: unique('fed'),
          topic,
          ends,
          tables: ['w1'],
          settings: { broker, threads: 2, batchBytes: '64KiB', ...settings },
        },
        task: ({ lane, nextOffset }) => {
          progress.moved(lane, nextOffset)
          return undefined
        },
      })
      const feeding = (async () => {
        await during({
          topic,
          feed: (parts) => write(queue.splice(0, Math.ceil(total / parts))),
          consumed: () => progress.caughtUp(),
        })
        await write(queue.splice(0))
      })()
      // Whoever fails first is heard.
      const [outcome] = await Promise.all([running, feeding])
      assert.deepEqual(outcome.failures, [])
      assertW1(outcome.lines, views, 'fed while it ran')
    })
  } finally {
    await log.close()
  }
}

/** What has been written, and how far lanes have come as their tasks tell. */
class Progress {
  readonly written: number[]
  readonly #lanes = new Map<number, number>()
  #waiting: (() => void)[] = []

  constructor(partitions: number) {
    this.written = new Array<number>(partitions).fill(0)
  }

  moved(lane: number, nextOffset: number): void {
    this.#lanes.set(lane, nextOffset)
    for (const look of this.#waiting.splice(0)) look()
  }

  /**
   * A task says where its lane stands before it, and a cut follows every batch: the last one of a
   * lane tells its end.
   */
  async caughtUp(): Promise<void> {
    const goal = this.written.reduce((sum, count) => sum + count, 0)
    const standing = () => [...this.#lanes.values()].reduce((sum, offset) => sum + offset, 0)
    while (standing() < goal) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
}

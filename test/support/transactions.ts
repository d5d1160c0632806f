// What the contract of transactions and its users share: producers with ids of their own, and
// partitions that are read to their end without a group.
import type { Log, LogReader, ReaderOptions, TransactionalProducer } from '../../src/log/log.ts'
import { numbered, Reader, type TakenRecord, unique, values } from './log.ts'
import type { Inflate } from './record_batch.ts'

/** Longer than any test takes. */
const transactionTimeoutMs = 60_000

/** A producer of that id; of one that nobody else has, where none is given. */
export function openTransactional(
  log: Log,
  transactionalId = unique('producer'),
): Promise<TransactionalProducer> {
  return log.transactionalProducer({ transactionalId, transactionTimeoutMs })
}

/** One record with that value. */
export async function put(
  producer: Pick<TransactionalProducer, 'append'>,
  topic: string,
  partition: number,
  value: string,
): Promise<void> {
  await producer.append(topic, partition, [{ ...numbered(1)[0], value: Buffer.from(value) }])
}

/** Partitions of one topic as a LogReader gives them. */
export class Followed {
  readonly reader: LogReader
  readonly records: TakenRecord[] = []
  readonly #log: Log
  readonly #topic: string
  readonly #taking: Reader

  static async open(
    log: Log,
    topic: string,
    partitions: readonly number[],
    options: ReaderOptions & { readonly inflate?: Inflate } = {},
  ): Promise<Followed> {
    const followed = new Followed(log, topic, await log.reader(options), options.inflate)
    for (const partition of partitions) followed.seek(partition, 0)
    return followed
  }

  private constructor(log: Log, topic: string, reader: LogReader, inflate: Inflate | undefined) {
    this.reader = reader
    this.#log = log
    this.#topic = topic
    const source: Reader['consumer'] = {
      fetch: (target, wants, signal) => reader.fetch(target, wants, signal),
      seek: (topic, partition, offset) => reader.add(topic, partition, offset),
    }
    this.#taking = new Reader(source, 64 * 1024, inflate)
  }

  seek(partition: number, offset: number): void {
    this.#taking.seek(this.#topic, partition, offset)
  }

  position(partition: number): number {
    return this.#taking.positions.get(`${this.#topic}/${partition}`) ?? 0
  }

  /** Reads until these partitions stand where the log says that they end now. */
  async toEnd(partitions: readonly number[]): Promise<void> {
    const ends = await this.#log.offsets(this.#topic)
    const isBehind = (partition: number) => this.position(partition) < ends[partition].latest
    while (partitions.some(isBehind)) this.records.push(...(await this.#taking.fetch())!)
  }

  /** Values of one partition so far. */
  values(partition: number): (string | null)[] {
    return values(this.records.filter((record) => record.partition === partition))
  }

  close(): Promise<void> {
    return this.reader.close()
  }
}

/** Values that count, of one partition from its beginning to its end. */
export async function committedValues(
  log: Log,
  topic: string,
  partition = 0,
): Promise<(string | null)[]> {
  const followed = await Followed.open(log, topic, [partition])
  try {
    await followed.toEnd([partition])
    return followed.values(partition)
  } finally {
    await followed.close()
  }
}

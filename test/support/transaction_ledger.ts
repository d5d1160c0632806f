// Transactions that write their number into all partitions of a topic and into the offsets of a
// group, and whether what the log has in the end is what their callers were told. Used by the
// system tests of transactions.
import assert from 'node:assert/strict'
import { EuphorionError } from '../../src/errors.ts'
import type { Log, LogConsumer, TransactionalProducer } from '../../src/log/log.ts'
import { openConsumer, text } from './log.ts'
import { Followed } from './transactions.ts'

type Outcome = 'committed' | 'aborted' | 'unknown'

export interface LedgerPlace {
  readonly topic: string
  readonly partitions: number
  readonly groupId: string
}

const recordsEach = 2

export class TransactionLedger {
  readonly place: LedgerPlace
  readonly outcomes: Outcome[] = []
  /** Why transactions do not count, or may not. */
  readonly errors: EuphorionError[] = []

  constructor(place: LedgerPlace) {
    this.place = place
  }

  get #partitions(): number[] {
    return Array.from({ length: this.place.partitions }, (_, partition) => partition)
  }

  /** The member in whose name offsets are committed; resolves when it has all partitions. */
  async join(log: Log): Promise<LogConsumer> {
    const { topic, groupId, partitions } = this.place
    let held = 0
    let assigned = () => {}
    const joined = new Promise<void>((resolve) => {
      assigned = resolve
    })
    const consumer = await openConsumer(log, [topic], {
      groupId,
      onAssigned: async (added) => {
        held += added.length
        if (held === partitions) assigned()
        return []
      },
    })
    await joined
    return consumer
  }

  /** The next transaction. */
  async run(producer: TransactionalProducer, consumer: LogConsumer): Promise<Outcome> {
    const number = this.outcomes.length
    this.outcomes.push('unknown')
    const outcome = await this.#run(producer, consumer, number)
    this.outcomes[number] = outcome
    return outcome
  }

  async #run(
    producer: TransactionalProducer,
    consumer: LogConsumer,
    number: number,
  ): Promise<Outcome> {
    const { topic } = this.place
    const value = text(String(number))
    const records = Array.from({ length: recordsEach }, () => ({ key: null, value, timestamp: 1 }))
    const offsets = this.#partitions.map((partition) => ({ topic, partition, offset: number + 1 }))
    try {
      await Promise.all(this.#partitions.map((each) => producer.append(topic, each, records)))
      await producer.commitOffsets(consumer, offsets)
    } catch (error) {
      this.#note(error)
      await producer.abort().catch((failure) => this.#note(failure))
      return 'aborted'
    }
    try {
      await producer.commit()
      return 'committed'
    } catch (error) {
      return this.#note(error).code === 'TRANSACTION_ABORTED' ? 'aborted' : 'unknown'
    }
  }

  #note(error: unknown): EuphorionError {
    assert.ok(error instanceof EuphorionError, String((error as Error).stack))
    this.errors.push(error)
    return error
  }

  /** Numbers that count; fails where they are not what was told, or not the same everywhere. */
  async check(log: Log): Promise<number[]> {
    const { topic, groupId } = this.place
    const followed = await Followed.open(log, topic, this.#partitions)
    await followed.toEnd(this.#partitions)
    await followed.close()
    const [first, ...others] = this.#partitions.map((each) => followed.values(each).map(Number))
    for (const other of others) assert.deepEqual(other, first, 'all partitions have the same')
    const counting = first.filter((_, index) => index % recordsEach === 0)
    const whole = counting.flatMap((number) => new Array<number>(recordsEach).fill(number))
    assert.deepEqual(first, whole, 'transactions are whole')
    assert.deepEqual(
      counting,
      [...new Set(counting)].sort((a, b) => a - b),
      'once, in order',
    )
    for (const [number, outcome] of this.outcomes.entries())
      if (outcome !== 'unknown')
        assert.equal(counting.includes(number), outcome === 'committed', `${number} ${outcome}`)
    const committed = await log.committed(groupId, topic)
    const last = counting.length === 0 ? undefined : counting[counting.length - 1] + 1
    for (const partition of this.#partitions) assert.equal(committed.get(partition), last)
    return counting
  }
}

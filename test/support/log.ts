// Small things that the contract suite of `Log` and its users share: records from text, and a
// reader that takes from a consumer until enough has come.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { ErrorCode, EuphorionError } from '../../src/errors.ts'
import type {
  ConsumerOptions,
  Log,
  LogConsumer,
  LogRecord,
  StoredRecord,
} from '../../src/log/log.ts'
import { decodeBatches, type Inflate } from './record_batch.ts'

export const text = (value: string): Buffer => Buffer.from(value)

/** A name that no other run has used. */
export const unique = (what: string): string => `${what}-${randomUUID().slice(0, 13)}`

export const rejectsWith = (code: ErrorCode) => (error: unknown) => {
  assert.equal((error as EuphorionError).code, code, String((error as Error).stack))
  return true
}

/** `from`, `from + 1` … as values `prefix0`, with the number as timestamp. */
export function numbered(count: number, prefix = 'v', from = 0): LogRecord[] {
  return Array.from({ length: count }, (_, index) => ({
    key: text(`k${from + index}`),
    value: text(`${prefix}${from + index}`),
    timestamp: 1_700_000_000_000 + from + index,
  }))
}

export async function appendTo(log: Log, topic: string, partition: number, records: LogRecord[]) {
  const producer = await log.producer()
  try {
    return await producer.append(topic, partition, records)
  } finally {
    await producer.close()
  }
}

/** A consumer whose callbacks do nothing, unless given. */
export function openConsumer(
  log: Log,
  topics: readonly string[],
  options: Partial<ConsumerOptions> = {},
): Promise<LogConsumer> {
  return log.consumer({
    groupId: unique('group'),
    topics,
    onAssigned: async () => [],
    onRevoked: async () => {},
    ...options,
  })
}

export const values = (records: readonly StoredRecord[]): (string | null)[] =>
  records.map((record) => (record.value === null ? null : Buffer.from(record.value).toString()))

export const everything = () => true

export interface TakenRecord extends StoredRecord {
  readonly topic: string
  readonly partition: number
}

/** Takes records from a consumer as the ingest loop does, skipping those below the position. */
export class Reader {
  readonly consumer: Pick<LogConsumer, 'fetch' | 'seek'>
  readonly positions = new Map<string, number>()
  readonly inflate: Inflate | undefined
  target: Uint8Array

  constructor(consumer: Reader['consumer'], targetBytes = 64 * 1024, inflate?: Inflate) {
    this.consumer = consumer
    this.inflate = inflate
    this.target = new Uint8Array(new SharedArrayBuffer(targetBytes))
  }

  seek(topic: string, partition: number, offset: number): void {
    this.consumer.seek(topic, partition, offset)
    this.positions.set(`${topic}/${partition}`, offset)
  }

  /** Records of one fetch; a target that is too small grows. Undefined when closed. */
  async fetch(wants = everything as (topic: string, partition: number) => boolean) {
    const result = await this.consumer.fetch(this.target, wants)
    if (result.kind === 'closed') return undefined
    if (result.kind === 'too-small') {
      assert.ok(result.neededBytes > this.target.length, 'asks for more than it was given')
      this.target = new Uint8Array(new SharedArrayBuffer(result.neededBytes))
      return []
    }
    assert.ok(result.bytes > 0 && result.bytes <= this.target.length)
    const { topic, partition } = result
    const id = `${topic}/${partition}`
    const records: TakenRecord[] = []
    for (const batch of decodeBatches(this.target.subarray(0, result.bytes), this.inflate)) {
      assert.ok(batch.lastOffset < result.highWatermark, 'a batch ends below the high watermark')
      for (const record of batch.records)
        if (record.offset >= (this.positions.get(id) ?? 0))
          records.push({ ...record, topic, partition })
      this.positions.set(id, batch.lastOffset + 1)
    }
    return records
  }

  /** Fetches until at least `count` records have come. */
  async take(count: number, wants?: (topic: string, partition: number) => boolean) {
    const records: TakenRecord[] = []
    while (records.length < count) {
      const some = await this.fetch(wants)
      assert.ok(some, `closed after ${records.length} of ${count} records`)
      records.push(...some)
    }
    return records
  }
}

/** A promise and what resolves it. */
export function deferred() {
  let resolve = () => {}
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

/** Lets a test wait for a state that callbacks bring about. */
export class Watch {
  #waiting: { until: () => boolean; resolve: () => void }[] = []

  /** To be called after each change. */
  changed(): void {
    for (const waiter of this.#waiting.filter((one) => one.until())) waiter.resolve()
    this.#waiting = this.#waiting.filter((one) => !one.until())
  }

  until(until: () => boolean): Promise<void> {
    if (until()) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ until, resolve }))
  }
}

// The two topics of tests of rebalances: one of numbered records, and the copies that workers make
// of them, which are checked at the end.
//
//   source: number u32 · filling            copy: number u32 · life u32
//
// The number counts within the partition; the life says which process made the copy.
import assert from 'node:assert/strict'
import type { Log } from '../../src/log/log.ts'
import { BatchWriter } from '../../src/wire/batch_writer.ts'

export interface CopySource {
  readonly topic: string
  readonly records: number
  readonly partitions: number
}

const BATCH_RECORDS = 2000
const VALUE_BYTES = 32
const START_MS = 1_700_000_000_000
const READ_BYTES = 4 * 1024 ** 2

export async function fillSource(log: Log, source: CopySource): Promise<void> {
  const { topic, partitions } = source
  await log.createTopic(topic, { partitions, config: { retentionMs: -1 } })
  const producer = await log.producer()
  await Promise.all(
    Array.from({ length: partitions }, async (_, partition) => {
      const count = recordsOf(source, partition)
      const writer = new BatchWriter()
      const value = Buffer.alloc(VALUE_BYTES)
      for (let next = 0; next < count; ) {
        writer.reset()
        const end = Math.min(count, next + BATCH_RECORDS)
        for (; next < end; next++) {
          value.writeUInt32LE(next)
          writer.append(null, value, START_MS + next)
        }
        await producer.appendBatch(topic, partition, writer.finish())
      }
    }),
  )
  await producer.close()
}

function recordsOf({ records, partitions }: CopySource, partition: number): number {
  return Math.floor((records + partitions - 1 - partition) / partitions)
}

/** A record of the source as the worker of that life sends it on. */
export function copyRecord(value: Uint8Array, life: number): Uint8Array {
  const copy = Buffer.alloc(8)
  copy.set(value.subarray(0, 4))
  copy.writeUInt32LE(life, 4)
  return copy
}

export interface CopyCheck {
  readonly copies: number
  /** Copied before, by the same process or another one. */
  readonly repeated: number
}

/**
 * Every number is there. What comes first comes in order and without a gap, and each process went
 * back at most as often as it was given the partition: `assigned` says how often.
 */
export async function checkCopies(
  log: Log,
  source: CopySource,
  sink: string,
  assigned: (life: number, partition: number) => number,
): Promise<CopyCheck> {
  let copies = 0
  let repeated = 0
  for (let partition = 0; partition < source.partitions; partition++) {
    const reader = new CopyReader(recordsOf(source, partition), partition, assigned)
    const end = (await log.offsets(sink))[partition].latest
    for (let offset = 0; offset < end; ) {
      const records = await log.read(sink, partition, offset, READ_BYTES)
      for (const { value } of records) reader.read(Buffer.from(value!))
      offset = records.at(-1)!.offset + 1
    }
    reader.finish()
    copies += reader.copies
    repeated += reader.repeated
  }
  return { copies, repeated }
}

class CopyReader {
  readonly #records: number
  readonly #partition: number
  readonly #assigned: (life: number, partition: number) => number
  /** A bit for each number that came. */
  readonly #seen: Uint8Array
  #next = 0
  /** Of each process: its last number, and how often it went back. */
  readonly #lives = new Map<number, { last: number; returns: number }>()
  copies = 0
  repeated = 0

  constructor(
    records: number,
    partition: number,
    assigned: (life: number, partition: number) => number,
  ) {
    this.#records = records
    this.#partition = partition
    this.#assigned = assigned
    this.#seen = new Uint8Array(Math.ceil(records / 8))
  }

  read(value: Buffer): void {
    const number = value.readUInt32LE(0)
    const lifeNumber = value.readUInt32LE(4)
    this.copies++
    const bit = 1 << (number & 7)
    if ((this.#seen[number >> 3] & bit) !== 0) this.repeated++
    else {
      this.#seen[number >> 3] |= bit
      const place = `partition ${this.#partition}, life ${lifeNumber}`
      assert.equal(number, this.#next, `${place}: ${number} came when ${this.#next} was due`)
      this.#next++
    }
    const life = this.#lives.get(lifeNumber)
    if (life === undefined) this.#lives.set(lifeNumber, { last: number, returns: 0 })
    else {
      if (number <= life.last) life.returns++
      life.last = number
    }
  }

  finish(): void {
    const place = `partition ${this.#partition}`
    assert.equal(this.#next, this.#records, `${place}: ${this.#next} of ${this.#records} came`)
    for (const [number, { returns }] of this.#lives) {
      const times = this.#assigned(number, this.#partition)
      const went = `${place}: life ${number} had it ${times} times and went back ${returns} times`
      assert.ok(returns < times, went)
    }
  }
}

// Page views as RecordBatches: the workload of the demo, the benches and the tests, the same for
// the same seed. Events are written byte by byte, without a string or an object each.
import assert from 'node:assert/strict'
import type { Compression } from '../log/log.ts'
import { partitionOfKey } from '../log/partitioner.ts'
import { BatchWriter } from '../wire/batch_writer.ts'
import { SkewedKeys } from './skew.ts'

export interface PageViewOptions {
  readonly events: number
  /** Default 4. An event's partition is that of its url as key. */
  readonly partitions?: number
  /** Distinct urls, skewed up to 100,000 of them. Default 8,057. */
  readonly keys?: number
  /** Default 1. */
  readonly seed?: number
  /**
   * Event time of the first event, ms since the epoch, at least 1,000,000. Default
   * 1,700,000,000,000.
   */
  readonly startMs?: number
  /** Records in a batch. Default 4,000. */
  readonly batchRecords?: number
  /** Default 'none'. Others need prepareCompression of wire/compression.ts first. */
  readonly compression?: Compression
}

/** A finished batch; `bytes` are valid until the next call. */
export interface PageViewBatch {
  readonly partition: number
  readonly bytes: Uint8Array
  readonly records: number
}

export interface PageView {
  readonly user: string
  readonly url: string
  readonly ms: number
  readonly ts: number
}

const USERS = 100_000
const EVENTS_PER_MS = 20
/** An event's time is up to this much before that of the newest one. */
const DISORDER_MS = 2000
const CENTIS_MAX = 10_000
const FULL = 4294967296

const ascii = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'))
const HEAD = ascii('{"user":"u')
const URL = ascii('","url":"')
const MS = ascii('","ms":')
const TS = ascii(',"ts":')

export class PageViews {
  /** Events so far by partition. */
  readonly perPartition: number[]
  readonly #options: Required<PageViewOptions>
  readonly #skew: SkewedKeys
  readonly #urls: Uint8Array[]
  readonly #partitionOf: Uint16Array
  readonly #writers: BatchWriter[]
  readonly #value = new Uint8Array(256)
  /** Words of the random generator (xoshiro128**). */
  #a: number
  #b: number
  #c = 0x1e3779b9
  #d = 0x243f6a88
  #event = 0
  #user = 0
  #url = 0
  #centis = 0
  #ts = 0
  /** Digits of the time above the last six, and the same as text. */
  #high = -1
  #highText: Uint8Array = new Uint8Array(0)
  /** Partition whose batch was handed out, or -1. */
  #lent = -1

  constructor(options: PageViewOptions) {
    const { partitions = 4, keys = 8057, seed = 1, startMs = 1_700_000_000_000 } = options
    const { batchRecords = 4000, compression = 'none', events } = options
    assert(startMs >= 1_000_000 && keys > 0 && partitions > 0)
    this.#options = { events, partitions, keys, seed, startMs, batchRecords, compression }
    this.#skew = new SkewedKeys(keys)
    this.#urls = Array.from({ length: keys }, (_, key) => ascii(`/page/${key}`))
    this.#partitionOf = Uint16Array.from(this.#urls, (url) => partitionOfKey(url, partitions))
    this.#writers = Array.from({ length: partitions }, () => new BatchWriter())
    this.perPartition = new Array(partitions).fill(0)
    this.#a = seed | 0
    this.#b = Math.floor(seed / FULL) | 0
    for (let warm = 0; warm < 20; warm++) this.#random()
  }

  /**
   * The next batch of whichever partition fills first, at last what is left; undefined at the end.
   */
  nextBatch(): PageViewBatch | undefined {
    if (this.#lent >= 0) this.#writers[this.#lent].reset()
    this.#lent = -1
    const { batchRecords } = this.#options
    while (this.#draw()) {
      const partition = this.#partitionOf[this.#url]
      const writer = this.#writers[partition]
      const url = this.#urls[this.#url]
      writer.append(url, this.#value, this.#ts, undefined, url.length, this.#writeValue(url))
      this.perPartition[partition]++
      if (writer.count === batchRecords) return this.#finish(partition)
    }
    const left = this.#writers.findIndex((writer) => writer.count > 0)
    return left < 0 ? undefined : this.#finish(left)
  }

  /** The next event as an object instead of in a batch; undefined at the end. */
  nextEvent(): PageView | undefined {
    if (!this.#draw()) return undefined
    const user = `u${String(this.#user).padStart(6, '0')}`
    return { user, url: `/page/${this.#url}`, ms: this.#centis / 100, ts: this.#ts }
  }

  #finish(partition: number): PageViewBatch {
    const writer = this.#writers[partition]
    this.#lent = partition
    const { compression } = this.#options
    return { partition, bytes: writer.finish({ compression }), records: writer.count }
  }

  /** Draws the fields of the next event. */
  #draw(): boolean {
    const { events, startMs } = this.#options
    if (this.#event === events) return false
    const newest = Math.floor(this.#event++ / EVENTS_PER_MS)
    this.#url = this.#skew.pick(this.#random(), this.#random())
    this.#user = this.#below(USERS)
    this.#centis = this.#below(CENTIS_MAX)
    this.#ts = startMs + Math.max(0, newest - this.#below(DISORDER_MS + 1))
    return true
  }

  #below(limit: number): number {
    return Math.floor(((this.#random() >>> 0) / FULL) * limit)
  }

  #random(): number {
    const mixed = Math.imul(this.#b, 5)
    const result = Math.imul((mixed << 7) | (mixed >>> 25), 9)
    const shifted = this.#b << 9
    this.#c ^= this.#a
    this.#d ^= this.#b
    this.#b ^= this.#c
    this.#a ^= this.#d
    this.#c ^= shifted
    this.#d = (this.#d << 11) | (this.#d >>> 21)
    return result
  }

  /** Writes the JSON of the event at hand; returns its length. */
  #writeValue(url: Uint8Array): number {
    const value = this.#value
    let at = copy(value, 0, HEAD)
    at = writeDigits(value, at, this.#user, 6)
    at = copy(value, at, URL)
    at = copy(value, at, url)
    at = copy(value, at, MS)
    const whole = Math.floor(this.#centis / 100)
    at = writeDigits(value, at, whole, whole < 10 ? 1 : 2)
    value[at++] = 0x2e
    at = writeDigits(value, at, this.#centis - whole * 100, 2)
    at = copy(value, at, TS)
    const high = Math.floor(this.#ts / 1_000_000)
    if (high !== this.#high) {
      this.#high = high
      this.#highText = ascii(String(high))
    }
    at = copy(value, at, this.#highText)
    at = writeDigits(value, at, this.#ts - high * 1_000_000, 6)
    value[at++] = 0x7d
    return at
  }
}

function copy(target: Uint8Array, at: number, source: Uint8Array): number {
  for (let i = 0; i < source.length; i++) target[at + i] = source[i]
  return at + source.length
}

/** Writes the last `count` decimal digits of an integer below 2^31. */
function writeDigits(target: Uint8Array, at: number, integer: number, count: number): number {
  let rest = integer
  for (let i = at + count - 1; i >= at; i--) {
    const tenth = (rest / 10) | 0
    target[i] = 0x30 + rest - tenth * 10
    rest = tenth
  }
  return at + count
}

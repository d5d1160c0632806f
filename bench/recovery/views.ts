// The page views of failovers and starts, and what has to be counted of them: first one of each
// url, in one window, which makes a table of so many rows, then turns of views that go on. The last
// view of a turn in each partition is of its probe: who reads it in a row has counted the turn.
import assert from 'node:assert/strict'
import { type Random, seededRandom } from '../../src/clock.ts'
import type { TableReader } from '../../src/ingest/aggregation.ts'
import type { LogProducer, LogRecord } from '../../src/log/log.ts'
import { partitionOfKey } from '../../src/log/partitioner.ts'

export const PARTITIONS = 4
export const partitionNumbers: readonly number[] = Array.from({ length: PARTITIONS }, (_, i) => i)
const START_MS = 1_700_000_000_000
const WINDOW_MS = 10_000
/** Of event time, in turns. */
export const VIEWS_PER_MS = 5
const CHUNK_VIEWS = 8000
/** Urls that turns draw from. */
const BUSY_URLS = 1000
const PAGE = '/page/'

/** For each partition. */
const probes: readonly string[] = partitionNumbers.map((partition) => {
  for (let n = 0; ; n++)
    if (partitionOfKey(Buffer.from(`/probe/${n}`), PARTITIONS) === partition) return `/probe/${n}`
})

export class Views {
  readonly probes = probes
  /** Of the first views, one each. */
  readonly rows: number
  readonly #random: Random
  #nextId = 0
  /** Of turns, by url and start of the window. */
  readonly #cells = new Map<string, number>()

  constructor(rows: number, seed: number) {
    this.rows = rows
    this.#random = seededRandom(seed)
  }

  /** Of the next view. */
  get nextId(): number {
    return this.#nextId
  }

  /** One of each url. */
  async appendRows(producer: LogProducer, topic: string): Promise<void> {
    for (let from = 0; from < this.rows; from += CHUNK_VIEWS) {
      const length = Math.min(CHUNK_VIEWS, this.rows - from)
      const urls = Array.from({ length }, (_, index) => `${PAGE}${from + index}`)
      await this.#append(producer, topic, urls, () => START_MS)
    }
  }

  /** So many views of busy urls, and one of each probe. Ids are given before anything is sent. */
  async appendTurn(producer: LogProducer, topic: string, views: number): Promise<void> {
    const among = Math.min(BUSY_URLS, this.rows)
    const page = (): string => `${PAGE}${Math.floor(among * this.#random() ** 2)}`
    const urls = [...Array.from({ length: views }, page), ...this.probes]
    await this.#append(producer, topic, urls, (url, id) => {
      const ts = START_MS + WINDOW_MS + Math.floor((id - this.rows) / VIEWS_PER_MS)
      const cell = `${url} ${ts - (ts % WINDOW_MS)}`
      this.#cells.set(cell, (this.#cells.get(cell) ?? 0) + 1)
      return ts
    })
  }

  async #append(
    producer: LogProducer,
    topic: string,
    urls: readonly string[],
    timeOf: (url: string, id: number) => number,
  ): Promise<void> {
    const batches = partitionNumbers.map((): LogRecord[] => [])
    for (const url of urls) {
      const id = this.#nextId++
      const ts = timeOf(url, id)
      const key = Buffer.from(url)
      const value = Buffer.from(JSON.stringify({ id, url, ts }))
      batches[partitionOfKey(key, PARTITIONS)].push({ key, value, timestamp: ts })
    }
    await Promise.all(
      batches.map(async (records, partition) => {
        if (records.length > 0) await producer.append(topic, partition, records)
      }),
    )
  }

  /** Every row is there with its count, and no other. */
  async check(table: TableReader): Promise<void> {
    const seen = new Uint8Array(this.rows)
    let cells = 0
    for await (const row of table.range({})) {
      const { key, start, views } = row as unknown as { key: string; start: number; views: number }
      if (start === START_MS) {
        assert.equal(views, 1, key)
        seen[Number(key.slice(PAGE.length))]++
      } else {
        assert.equal(views, this.#cells.get(`${key} ${start}`), `${key} ${start}`)
        cells++
      }
    }
    assert.equal(seen.indexOf(0), -1, 'a row is missing')
    assert.equal(cells, this.#cells.size, 'rows of turns')
  }
}

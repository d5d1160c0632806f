// Sees when a table shows events. Each cut tells that it has been made, and up to where each
// partition is in the table; then one row is read as a program reads it, and has to have all events
// of its key up to there. What the cut brought counts as readable when that read has answered. It
// costs one read a cut. Used by worker.ts.
import assert from 'node:assert/strict'
import type { App } from '../../src/app/app.ts'
import type { CutSensed } from '../../src/app/sensors.ts'
import type { Clock } from '../../src/clock.ts'
import { type Deferred, deferred } from '../../src/deferred.ts'
import { medianOf } from '../../src/tune/comparison.ts'
import type { Schedule } from './schedule.ts'
import { type CountRow, checkRows, type Reading, Sightings } from './sightings.ts'
import type { Urls } from './urls.ts'

export interface TableWatchOptions {
  readonly app: Pick<App, 'sensors' | 'statistics'>
  readonly table: {
    get(url: string): Promise<CountRow | undefined>
    range(): AsyncIterable<CountRow>
  }
  readonly schedule: Schedule
  readonly urls: Urls
  readonly clock: Clock
}

export class TableWatch {
  readonly #options: TableWatchOptions
  readonly #sightings: Sightings
  readonly #failed: Deferred<never> = deferred<never>()
  /** By partition: events that have been seen. */
  readonly #ends: number[]
  readonly #cutMs: number[] = []
  #turn = 0

  constructor(options: TableWatchOptions) {
    this.#options = options
    this.#sightings = new Sightings(options.schedule)
    this.#ends = new Array(options.schedule.options.partitions).fill(0)
  }

  /** Resolves when all events have been seen. */
  async run(): Promise<void> {
    const stop = this.#options.app.sensors.add({
      onCut: (cut) => {
        this.#look(cut).catch(this.#failed.reject)
      },
    })
    await Promise.race([this.#sightings.all, this.#failed.promise])
    stop()
  }

  /** Of the cuts that brought something. */
  get cutMs(): number {
    return medianOf(this.#cutMs)
  }

  /** Throws unless the whole table is right. */
  async read(): Promise<Reading> {
    const { table, schedule, urls } = this.#options
    const views = new Map<string, number>()
    for await (const row of table.range()) views.set(`${row.start} ${row.key}`, row.views)
    checkRows(views, schedule, urls)
    return this.#sightings.read()
  }

  async #look({ ms, error }: CutSensed): Promise<void> {
    if (error !== undefined) throw error
    const { app, clock } = this.#options
    const ends = [...this.#ends]
    for (const { partition, storedOffset } of app.statistics()) ends[partition] = storedOffset
    const moved = ends.flatMap((end, partition) => (end > this.#ends[partition] ? [partition] : []))
    if (moved.length === 0) return
    this.#cutMs.push(ms)
    const partition = moved[this.#turn++ % moved.length]
    await this.#readLast(partition, ends[partition])
    const atMs = clock.monotonic()
    // a read that was asked later may have answered before
    for (const each of moved) {
      if (ends[each] <= this.#ends[each]) continue
      this.#sightings.seeRange(this.#ends[each], ends[each], atMs)
      this.#ends[each] = ends[each]
    }
  }

  /** The row that the partition's event before `end` is in; later cuts may have added to it. */
  async #readLast(partition: number, end: number): Promise<void> {
    const { table, schedule, urls } = this.#options
    const key = (end - 1) % schedule.options.keys
    const row = await table.get(urls.texts[partition][key])
    const start = schedule.windowOf(end - 1)
    const isThere = row !== undefined && row.start >= start
    const isNewer = isThere && row.start > start
    const count = schedule.countOf(key, start, end)
    assert.ok(isNewer || (isThere && row.views >= count), `${count} views are not readable`)
  }
}

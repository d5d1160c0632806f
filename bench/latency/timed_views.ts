// Page views of a schedule as RecordBatches of a partition: an event's time is when it is due.
// Called by the feed, which must keep its schedule: no event costs more than the copy of a text.
import { type Random, seededRandom } from '../../src/clock.ts'
import { BatchWriter } from '../../src/wire/batch_writer.ts'
import type { Schedule } from './schedule.ts'
import type { Urls } from './urls.ts'

interface Text {
  readonly key: Uint8Array
  /** JSON that ends with the digits of the time and a brace. */
  readonly value: Uint8Array
}

const TIME_DIGITS = 13
const USERS = 100_000
const CENTIS_MAX = 10_000

export class TimedViews {
  readonly #schedule: Schedule
  readonly #texts: readonly (readonly Text[])[]
  readonly #writer = new BatchWriter()
  readonly #time = new Uint8Array(TIME_DIGITS)

  constructor(schedule: Schedule, urls: Urls, seed: number) {
    const random = seededRandom(seed)
    this.#schedule = schedule
    this.#texts = urls.texts.map((own) => own.map((url) => textOf(url, random)))
  }

  /** Events `from` up to before `end` (at least one), in bytes of their own. */
  batch(partition: number, from: number, end: number): Uint8Array {
    const schedule = this.#schedule
    const texts = this.#texts[partition]
    const { keys } = schedule.options
    const writer = this.#writer
    writer.reset()
    for (let event = from; event < end; ) {
      const tick = schedule.tickOf(event)
      const next = Math.min(end, schedule.endOf(tick))
      const eventMs = schedule.eventMs(tick)
      this.#writeTime(eventMs)
      for (; event < next; event++) {
        const { key, value } = texts[event % keys]
        value.set(this.#time, value.length - 1 - TIME_DIGITS)
        writer.append(key, value, eventMs)
      }
    }
    return writer.finish().slice()
  }

  #writeTime(eventMs: number): void {
    let rest = eventMs
    for (let at = TIME_DIGITS - 1; at >= 0; at--) {
      this.#time[at] = 0x30 + (rest % 10)
      rest = Math.floor(rest / 10)
    }
  }
}

function textOf(url: string, random: Random): Text {
  const user = `u${String(Math.floor(random() * USERS)).padStart(6, '0')}`
  const ms = Math.floor(random() * CENTIS_MAX) / 100
  const head = JSON.stringify({ user, url, ms }).slice(0, -1)
  const value = Buffer.from(`${head},"ts":${'0'.repeat(TIME_DIGITS)}}`)
  return { key: Buffer.from(url), value }
}

// Lists of events: as many as wanted, or those that came within a time. Made by EventStream.take().
import type { Clock } from '../../clock.ts'
import { EuphorionError } from '../../errors.ts'
import { type Duration, parseDuration } from '../../units.ts'
import { askedTwice } from '../event_loop.ts'
import { done, type EventPull, type Held } from '../event_pull.ts'
import type { Event } from '../events.ts'
import { handOut } from '../handing_pull.ts'
import { Thrown } from '../thrown.ts'

export interface TakeOptions {
  /**
   * How long a list is waited for, from the moment at which the loop asks: '10s', or ms. Then it
   * gets what there is; while there is nothing, the wait begins anew. Default: until it is full.
   */
  readonly within?: Duration
}

const TAKE_MAX = 1_000_000

export class TakeLoop<K, V, T> implements AsyncIterableIterator<T[]> {
  readonly #pull: EventPull<K, V>
  readonly #clock: Clock
  readonly #max: number
  readonly #withinMs: number | undefined
  readonly #pick: (event: Event<K, V>) => T
  /** Of the next list. */
  #kept: Held<K, V>[] = []
  /** Of the last one. */
  #inHand: Held<K, V>[] = []
  #isAsked = false
  #isAsking = false
  #hasEnded = false
  #isLeft = false
  #failure: { readonly error: unknown } | undefined
  #wake: (() => void) | undefined

  /** Throws APP_INVALID. */
  constructor(
    pull: EventPull<K, V>,
    clock: Clock,
    max: number,
    { within }: TakeOptions,
    pick: (event: Event<K, V>) => T,
  ) {
    this.#pull = pull
    this.#clock = clock
    this.#max = checkMax(max)
    this.#withinMs = within === undefined ? undefined : checkWithin(within)
    this.#pick = pick
    pull.keep()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** Acknowledges the last list. */
  async next(): Promise<IteratorResult<T[], undefined>> {
    if (this.#isAsked) throw askedTwice()
    if (this.#isLeft) return done
    this.#isAsked = true
    try {
      return await this.#next()
    } finally {
      this.#isAsked = false
    }
  }

  async return(): Promise<IteratorResult<T[], undefined>> {
    this.#leave()
    return done
  }

  async #next(): Promise<IteratorResult<T[], undefined>> {
    for (const { claim } of this.#inHand) claim.release()
    this.#inHand = []
    await this.#fill()
    if (this.#failure !== undefined) {
      const thrown = Thrown.unwrap(this.#failure.error)
      this.#leave()
      throw thrown
    }
    const list = this.#kept
    const isHanded = list.length > 0 && (await handOut(list.map(({ claim }) => claim)))
    if (!isHanded) {
      this.#leave()
      return done
    }
    this.#kept = []
    this.#inHand = list
    return { done: false, value: list.map(({ event }) => this.#pick(event)) }
  }

  /** Until the list is full, its time is over, or nothing more comes. */
  async #fill(): Promise<void> {
    let isOver = false
    const wait = (): (() => void) | undefined => {
      if (this.#withinMs === undefined) return undefined
      return this.#clock.after(this.#withinMs, () => {
        isOver = true
        this.#wake?.()
      })
    }
    let cancel = wait()
    while (this.#kept.length < this.#max && !this.#hasEnded) {
      if (isOver && this.#kept.length > 0) break
      if (isOver) {
        isOver = false
        cancel = wait()
      }
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#ask()
      await woken
      this.#wake = undefined
    }
    cancel?.()
  }

  /** What comes when its list is over already is for the next one. */
  #ask(): void {
    if (this.#isAsking) return
    this.#isAsking = true
    this.#pull.next().then(
      (next) => {
        this.#isAsking = false
        if (next.done) this.#hasEnded = true
        else if (!this.#isLeft) this.#kept.push(next.value)
        this.#wake?.()
      },
      (error: unknown) => {
        this.#hasEnded = true
        this.#failure = { error }
        this.#wake?.()
      },
    )
  }

  #leave(): void {
    if (this.#isLeft) return
    this.#isLeft = true
    this.#kept = []
    this.#pull.end()
  }
}

function checkMax(max: number): number {
  if (Number.isInteger(max) && max >= 1 && max <= TAKE_MAX) return max
  const range = `a whole number from 1 to ${TAKE_MAX}`
  throw new EuphorionError('APP_INVALID', `take(${max}): it is ${range}`)
}

function checkWithin(within: Duration): number {
  const withinMs = parseDuration(within)
  if (withinMs !== undefined && withinMs >= 1) return withinMs
  throw new EuphorionError('APP_INVALID', `take: within '${within}' is no time of at least 1 ms`)
}

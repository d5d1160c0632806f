// A stream of events by hand, which notes what is handed out and acknowledged and holds operators to
// the contract of EventPull. Used by tests of operators.
import assert from 'node:assert/strict'
import type { Clock } from '../../src/clock.ts'
import { type Deferred, deferred } from '../../src/deferred.ts'
import {
  type Claim,
  done,
  type EventPull,
  held,
  noClaim,
  type Pulled,
} from '../../src/stream/event_pull.ts'
import { EventStream } from '../../src/stream/event_stream.ts'
import type { Event } from '../../src/stream/events.ts'
import type { StreamRoot } from '../../src/stream/stream_root.ts'
import { ManualClock } from './manual_clock.ts'

export interface FakeOptions {
  readonly clock?: Clock
  /** Turns that the next event takes; 0: it is there at once. */
  readonly turns?: () => number
  /** Where the events end: true waits for push() or finish(). */
  readonly isOpen?: boolean
}

export function eventOf<V>(value: V, offset: number): Event<string, V> {
  const place = { topic: 'fake', partition: 3, offset, timestamp: 1000 + offset }
  return { key: `k${offset}`, value, ...place, headers: [] }
}

/** Lets `turns` turns of the promises' queue, or of the event loop, go by. */
export async function pass(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) {
    if (turn % 3 === 2) await new Promise((resolve) => setImmediate(resolve))
    else await undefined
  }
}

export class FakeStream<V> extends EventStream<string, V> {
  protected readonly root: StreamRoot
  readonly #turns: () => number
  /** Not taken, or given back; by offset. */
  #waiting: Event<string, V>[]
  #next: number
  #isOpen: boolean
  #isStopped = false
  #failure: { readonly error: unknown } | undefined
  #arrival: Deferred<void> = deferred()
  #pause: Deferred<void> | undefined
  /** Offsets, in the order in which they were acknowledged. */
  readonly acknowledged: number[] = []
  readonly inHand = new Set<number>()
  /** Most events that were taken and not acknowledged. */
  outstandingMax = 0
  readonly kept = new Set<number>()
  loops = 0

  constructor(values: readonly V[], options: FakeOptions = {}) {
    super()
    this.root = {
      clock: options.clock ?? new ManualClock(),
      wantRaw: () => undefined,
      interrupt: (failure) => {
        this.#failure = failure
        if (failure === undefined) this.#isStopped = true
        this.#arrived()
      },
    }
    this.#turns = options.turns ?? (() => 0)
    this.#waiting = values.map((value, offset) => eventOf(value, offset))
    this.#next = values.length
    this.#isOpen = options.isOpen ?? false
  }

  push(...values: V[]): void {
    for (const value of values) this.#waiting.push(eventOf(value, this.#next++))
    this.#arrived()
  }

  finish(): void {
    this.#isOpen = false
    this.#arrived()
  }

  #arrived(): void {
    this.#arrival.resolve()
    this.#arrival = deferred()
  }

  /** As a cut does: nothing is handed out before resume(). */
  pause(): void {
    this.#pause ??= deferred()
  }

  resume(): void {
    this.#pause?.resolve()
    this.#pause = undefined
  }

  protected pull(): EventPull<string, V> {
    this.loops++
    let isKeeping = false
    let isLeft = false
    let isAsked = false
    const mine = new Map<number, Event<string, V>>()
    const release = (offset: number): void => {
      assert.ok(!this.acknowledged.includes(offset), `${offset} is acknowledged twice`)
      this.acknowledged.push(offset)
      this.inHand.delete(offset)
      this.kept.delete(offset)
      mine.delete(offset)
    }
    const releaseOwn = (offset: number): void => {
      if (!isLeft || this.inHand.has(offset)) release(offset)
    }
    const claimOf = ({ offset }: Event<string, V>): Claim => ({
      isInHand: false,
      paused: () => this.#pause?.promise,
      hand: () => {
        assert.ok(this.#pause === undefined, `${offset} is handed out during a pause`)
        if (isLeft) return false
        assert.ok(this.kept.delete(offset), `${offset} is handed out and not kept`)
        this.inHand.add(offset)
        mine.delete(offset)
        return true
      },
      release: () => releaseOwn(offset),
      drop: () => releaseOwn(offset),
    })
    const take = async (): Promise<Pulled<string, V>> => {
      await pass(this.#turns())
      for (;;) {
        const failure = this.#failure
        this.#failure = undefined
        if (failure !== undefined) throw failure.error
        if (isLeft || this.#isStopped) return done
        const isHeldBack = !isKeeping && this.#pause !== undefined
        if (isHeldBack) await this.#pause?.promise
        else if (this.#waiting.length > 0) break
        else if (!this.#isOpen) return done
        else await this.#arrival.promise
      }
      const event = this.#waiting.shift()!
      this.kept.add(event.offset)
      mine.set(event.offset, event)
      this.outstandingMax = Math.max(this.outstandingMax, this.kept.size + this.inHand.size)
      if (isKeeping) return held(event, claimOf(event))
      claimOf(event).hand()
      return held(event, noClaim)
    }
    let isFirst = true
    return {
      keep: () => {
        assert.ok(isFirst, 'keep() came after next()')
        isKeeping = true
      },
      next: async () => {
        assert.ok(!isAsked, 'next() was called again before it had answered')
        isAsked = true
        if (isFirst || !isKeeping) for (const offset of [...this.inHand]) release(offset)
        isFirst = false
        return take().finally(() => {
          isAsked = false
        })
      },
      end: () => {
        if (isLeft) return
        isLeft = true
        for (const offset of mine.keys()) this.kept.delete(offset)
        this.#waiting = [...mine.values(), ...this.#waiting].sort((a, b) => a.offset - b.offset)
        mine.clear()
        this.#arrived()
      },
    }
  }
}

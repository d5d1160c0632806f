// Takes events before they are asked for, so that the operators in front work while the loop's body
// does. Made by EventStream.buffer().
//
//   upstream ──▶ queue, `max` at most ──▶ next() ──▶ in hand
import { EuphorionError } from '../../errors.ts'
import { done, type EventPull, type Held, type Pulled } from '../event_pull.ts'
import type { KeptEvents } from '../handing_pull.ts'

const BUFFER_MAX = 100_000

export class BufferedEvents<K, V> implements KeptEvents<K, V> {
  readonly #from: EventPull<K, V>
  readonly #max: number
  #queue: Held<K, V>[] = []
  #isTaking = false
  #hasEnded = false
  #isLeft = false
  #failure: { readonly error: unknown } | undefined
  #wake: (() => void) | undefined

  /** Throws APP_INVALID. */
  constructor(from: EventPull<K, V>, max: number) {
    this.#from = from
    this.#max = checkBound('buffer', max)
    from.keep()
  }

  async next(): Promise<Pulled<K, V>> {
    void this.#take()
    while (this.#queue.length === 0 && !this.#hasEnded) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    this.#wake = undefined
    const first = this.#queue.shift()
    if (first !== undefined) {
      void this.#take()
      return { done: false, value: first }
    }
    if (this.#failure !== undefined) throw this.#failure.error
    return done
  }

  end(): void {
    this.#isLeft = true
    this.#hasEnded = true
    this.#queue = []
    this.#wake?.()
    this.#from.end()
  }

  async #take(): Promise<void> {
    if (this.#isTaking) return
    this.#isTaking = true
    try {
      while (this.#queue.length < this.#max && !this.#hasEnded) {
        const next = await this.#from.next()
        if (next.done) this.#hasEnded = true
        else if (!this.#isLeft) this.#queue.push(next.value)
        this.#wake?.()
      }
    } catch (error) {
      this.#hasEnded = true
      this.#failure = { error }
      this.#wake?.()
    }
    this.#isTaking = false
  }
}

/** Throws APP_INVALID. */
export function checkBound(of: string, max: number): number {
  if (Number.isInteger(max) && max >= 1 && max <= BUFFER_MAX) return max
  const range = `a whole number from 1 to ${BUFFER_MAX}`
  throw new EuphorionError('APP_INVALID', `${of}(${max}): it is ${range}`)
}

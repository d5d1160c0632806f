// Several streams as one: an event of each is asked for, and they go on in the order in which they
// come, so none is passed over for long. Made by EventStream.merge().
import { done, type EventPull, type Held, type Pulled } from '../event_pull.ts'
import type { KeptEvents } from '../handing_pull.ts'

export class MergedEvents<K, V> implements KeptEvents<K, V> {
  /** Those that are to be asked. */
  #idle: EventPull<K, V>[]
  readonly #sources: readonly EventPull<K, V>[]
  /** What has come, one of a source at most. */
  readonly #arrived: { readonly from: EventPull<K, V>; readonly held: Held<K, V> }[] = []
  #running: number
  #failure: { readonly error: unknown } | undefined
  #wake: (() => void) | undefined

  constructor(sources: readonly EventPull<K, V>[]) {
    for (const source of sources) source.keep()
    this.#sources = sources
    this.#idle = [...sources]
    this.#running = sources.length
  }

  /** Rejects as soon as one of them does. */
  async next(): Promise<Pulled<K, V>> {
    for (const source of this.#idle) this.#ask(source)
    this.#idle = []
    while (this.#arrived.length === 0 && this.#running > 0 && this.#failure === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    this.#wake = undefined
    if (this.#failure !== undefined) throw this.#failure.error
    const first = this.#arrived.shift()
    if (first === undefined) return done
    this.#idle.push(first.from)
    return { done: false, value: first.held }
  }

  end(): void {
    this.#running = 0
    this.#idle = []
    this.#arrived.length = 0
    this.#wake?.()
    for (const source of this.#sources) source.end()
  }

  #ask(from: EventPull<K, V>): void {
    from.next().then(
      (next) => {
        if (next.done) this.#running--
        else if (this.#running > 0) this.#arrived.push({ from, held: next.value })
        this.#wake?.()
      },
      (error: unknown) => {
        this.#failure ??= { error }
        this.#wake?.()
      },
    )
  }
}

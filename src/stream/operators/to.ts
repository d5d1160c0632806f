// The end of a chain: sends each event on, and acknowledges it when what was sent is stored. Called
// by EventStream.to().
import type { EventPull, Held } from '../event_pull.ts'
import { handOut } from '../handing_pull.ts'
import { Thrown } from '../thrown.ts'
import { sendTo, type Target } from './target.ts'

/** Events that are being stored; more are not taken. */
const PENDING_MAX = 1000

/** Resolves when the stream has ended and all is stored; rejects with what sending rejects with. */
export async function drainTo<K, V>(pull: EventPull<K, V>, target: Target<K, V>): Promise<void> {
  pull.keep()
  const pendingMax = typeof target === 'function' ? 1 : PENDING_MAX
  const sending = new Sending(target)
  try {
    for (;;) {
      const next = await pull.next()
      if (next.done || !(await handOut([next.value.claim]))) break
      sending.send(next.value)
      await sending.atMost(pendingMax - 1)
    }
  } catch (error) {
    const thrown = Thrown.unwrap(error)
    await sending.settled()
    throw thrown
  } finally {
    pull.end()
  }
  await sending.atMost(0)
}

/** What is on its way: what is stored is acknowledged, whatever becomes of what was sent before. */
class Sending<K, V> {
  readonly #target: Target<K, V>
  #pending = 0
  #failure: { readonly error: unknown } | undefined
  #wake: (() => void) | undefined

  constructor(target: Target<K, V>) {
    this.#target = target
  }

  send({ event, claim }: Held<K, V>): void {
    this.#pending++
    sendTo(this.#target, event).then(
      () => {
        claim.release()
        this.#ended()
      },
      (error: unknown) => {
        this.#failure ??= { error }
        this.#ended()
      },
    )
  }

  #ended(): void {
    this.#pending--
    this.#wake?.()
  }

  /** Rejects, once all have ended, where one has failed. */
  async atMost(pending: number): Promise<void> {
    while (this.#pending > pending && this.#failure === undefined) await this.#change()
    if (this.#failure === undefined) return
    await this.settled()
    throw this.#failure.error
  }

  async settled(): Promise<void> {
    while (this.#pending > 0) await this.#change()
  }

  async #change(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
    this.#wake = undefined
  }
}

// The end of a chain: sends each event on, and acknowledges it when what was sent is stored. Called
// by EventStream.to().
import type { EventPull, Held } from '../event_pull.ts'
import { handOut } from '../handing_pull.ts'
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
    await sending.atMost(0)
  } finally {
    pull.end()
  }
}

/** What is on its way; acknowledged in the order of the stream. */
class Sending<K, V> {
  readonly #target: Target<K, V>
  readonly #pending: { readonly held: Held<K, V>; isStored: boolean }[] = []
  #failure: { readonly error: unknown } | undefined
  #wake: (() => void) | undefined

  constructor(target: Target<K, V>) {
    this.#target = target
  }

  send(held: Held<K, V>): void {
    const sent = { held, isStored: false }
    this.#pending.push(sent)
    sendTo(this.#target, held.event).then(
      () => {
        sent.isStored = true
        while (this.#pending[0]?.isStored) this.#pending.shift()?.held.claim.release()
        this.#wake?.()
      },
      (error: unknown) => {
        this.#failure ??= { error }
        this.#wake?.()
      },
    )
  }

  async atMost(pending: number): Promise<void> {
    while (this.#pending.length > pending && this.#failure === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    this.#wake = undefined
    if (this.#failure !== undefined) throw this.#failure.error
  }
}

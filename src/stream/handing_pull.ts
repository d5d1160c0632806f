// For operators that keep the events before them: hands an event out and acknowledges it with the
// next one, where the operator behind does not do so by claims. Made by merge, buffer and branch.
import { type Claim, done, type EventPull, held, noClaim, type Pulled } from './event_pull.ts'

/** Gives events that are kept. */
export interface KeptEvents<K, V> {
  next(): Promise<Pulled<K, V>>
  end(): void
}

export class HandingPull<K, V> implements EventPull<K, V> {
  readonly #from: KeptEvents<K, V>
  #isKeeping = false
  #inHand: Claim | undefined

  constructor(from: KeptEvents<K, V>) {
    this.#from = from
  }

  async next(): Promise<Pulled<K, V>> {
    if (this.#isKeeping) return this.#from.next()
    this.#inHand?.release()
    this.#inHand = undefined
    const next = await this.#from.next()
    if (next.done) return next
    const { event, claim } = next.value
    if (!(await handOut([claim]))) return done
    this.#inHand = claim
    return held(event, noClaim)
  }

  keep(): void {
    this.#isKeeping = true
  }

  end(): void {
    this.#from.end()
  }
}

/**
 * All at once, or none: half of them in hand, a cut would wait for what is not consumed before the
 * other half is there. False: the stream has ended.
 */
export async function handOut(claims: readonly Claim[]): Promise<boolean> {
  // the pause waits for what is in hand already
  const mayWait = !claims.some((claim) => claim.isInHand)
  for (let index = 0; mayWait && index < claims.length; ) {
    const paused = claims[index].paused()
    if (paused === undefined) index++
    else {
      await paused
      index = 0
    }
  }
  let isHanded = true
  for (const claim of claims) isHanded = claim.hand() && isHanded
  return isHanded
}

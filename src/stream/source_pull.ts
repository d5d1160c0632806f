// The beginning of the operators on an agent's stream: takes its events from the agent's partition.
// Made by Stream.
import { type Claim, done, type EventPull, held, noClaim, type Pulled } from './event_pull.ts'
import type { StreamSource } from './stream_source.ts'

export class SourcePull<K, V> implements EventPull<K, V> {
  readonly #source: StreamSource<K, V>
  #isKeeping = false
  #hasBegun = false
  #hasEnded = false

  constructor(source: StreamSource<K, V>) {
    this.#source = source
  }

  async next(): Promise<Pulled<K, V>> {
    const source = this.#source
    if (this.#hasEnded) return done
    if (!this.#isKeeping) {
      const taken = await source.takeEvent()
      return taken.done ? done : held(taken.value, noClaim)
    }
    // what a loop before this one had
    if (!this.#hasBegun) source.releaseKept()
    if (!this.#hasBegun) source.release()
    this.#hasBegun = true
    const taken = await source.takeKept()
    if (taken.done || this.#hasEnded) return done
    return held(taken.value, this.#claim(taken.value.offset))
  }

  keep(): void {
    this.#isKeeping = true
  }

  end(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    if (this.#isKeeping) this.#source.giveBackKept()
  }

  #claim(offset: number): Claim {
    const source = this.#source
    let isInHand = false
    return {
      isInHand: false,
      paused: () => pausedOf(source),
      hand: () => {
        isInHand = !this.#hasEnded && !source.ending.aborted && source.handKept(offset)
        return isInHand
      },
      // what was given back is somebody else's now
      release: () => void ((isInHand || !this.#hasEnded) && source.ack(offset)),
    }
  }
}

/** Nobody waits for the end of a pause where nothing is handed out any more. */
function pausedOf(source: StreamSource<unknown, unknown>): Promise<void> | undefined {
  const { ending } = source
  const pause = source.paused()
  if (pause === undefined || ending.aborted) return undefined
  return new Promise((resolve) => {
    const over = (): void => {
      ending.removeEventListener('abort', over)
      resolve()
    }
    ending.addEventListener('abort', over)
    void pause.then(over)
  })
}

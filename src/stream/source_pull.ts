// The beginning of the operators on an agent's stream: takes its events from the agent's partition.
// Made by Stream.
import { type Claim, done, type EventPull, held, noClaim, type Pulled } from './event_pull.ts'
import type { Event } from './events.ts'
import type { StreamSource } from './stream_source.ts'

export class SourcePull<K, V> implements EventPull<K, V> {
  readonly #source: StreamSource<K, V>
  readonly #isByHand: boolean
  #isKeeping = false
  #hasBegun = false
  #hasEnded = false

  /** `isByHand`: what is not left out is acknowledged by the source's ack() only. */
  constructor(source: StreamSource<K, V>, isByHand = false) {
    this.#source = source
    this.#isByHand = isByHand
  }

  async next(): Promise<Pulled<K, V>> {
    if (this.#hasEnded) return done
    const taken = await this.#take()
    if (taken.done || this.#hasEnded) return done
    const isFree = !this.#isKeeping && !this.#isByHand
    return held(taken.value, isFree ? noClaim : this.#claim(taken.value.offset))
  }

  #take(): Promise<IteratorResult<Event<K, V>, undefined>> {
    const source = this.#source
    if (!this.#isKeeping) return this.#isByHand ? source.takeByHand() : source.takeEvent()
    if (!this.#hasBegun) {
      // what a loop before this one had
      source.releaseKept()
      source.release()
    }
    this.#hasBegun = true
    return source.takeKept(this.#isByHand)
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
    let isInHand = !this.#isKeeping
    // what was given back is somebody else's now
    const isOurs = (): boolean => isInHand || !this.#hasEnded
    return {
      isInHand: false,
      paused: () => pausedOf(source),
      hand: () => {
        isInHand = !this.#hasEnded && !source.ending.aborted && source.handKept(offset)
        return isInHand
      },
      release: () => {
        if (!isOurs()) return
        if (this.#isByHand) source.withholdKept(offset)
        else source.ack(offset)
      },
      drop: () => void (isOurs() && source.ack(offset)),
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

// The beginning of the operators on an agent's stream: takes its events from the agent's partition.
// Made by Stream.
import { type Claim, done, type EventPull, held, noClaim, type Pulled } from './event_pull.ts'
import type { Event } from './events.ts'
import type { StreamSource } from './stream_source.ts'

/** What the claims of a pull have to know of it. */
interface PullLife {
  /** What is not left out is acknowledged by the source's ack() only. */
  readonly isByHand: boolean
  hasEnded: boolean
}

export class SourcePull<K, V> implements EventPull<K, V> {
  readonly #source: StreamSource<K, V>
  readonly #life: PullLife
  #isKeeping = false
  #hasBegun = false

  /** `isByHand`: what is not left out is acknowledged by the source's ack() only. */
  constructor(source: StreamSource<K, V>, isByHand = false) {
    this.#source = source
    this.#life = { isByHand, hasEnded: false }
  }

  async next(): Promise<Pulled<K, V>> {
    if (this.#life.hasEnded) return done
    const taken = await this.#take()
    if (taken.done || this.#life.hasEnded) return done
    const isFree = !this.#isKeeping && !this.#life.isByHand
    if (isFree) return held(taken.value, noClaim)
    const { offset } = taken.value
    return held(taken.value, new SourceClaim(this.#source, this.#life, offset, !this.#isKeeping))
  }

  #take(): Promise<IteratorResult<Event<K, V>, undefined>> {
    const source = this.#source
    if (!this.#isKeeping) return this.#life.isByHand ? source.takeByHand() : source.takeEvent()
    if (!this.#hasBegun) {
      // what a loop before this one had
      source.releaseKept()
      source.release()
    }
    this.#hasBegun = true
    return source.takeKept(this.#life.isByHand)
  }

  keep(): void {
    this.#isKeeping = true
  }

  end(): void {
    if (this.#life.hasEnded) return
    this.#life.hasEnded = true
    if (this.#isKeeping) this.#source.giveBackKept()
  }
}

/** One for each event that is kept. */
class SourceClaim implements Claim {
  readonly isInHand = false
  readonly #source: StreamSource<unknown, unknown>
  readonly #life: PullLife
  readonly #offset: number
  #isHanded: boolean

  constructor(
    source: StreamSource<unknown, unknown>,
    life: PullLife,
    offset: number,
    isHanded: boolean,
  ) {
    this.#source = source
    this.#life = life
    this.#offset = offset
    this.#isHanded = isHanded
  }

  paused(): Promise<void> | undefined {
    return pausedOf(this.#source)
  }

  hand(): boolean {
    if (this.#life.hasEnded || this.#source.ending.aborted) return false
    this.#isHanded = this.#source.handKept(this.#offset)
    return this.#isHanded
  }

  release(): void {
    if (!this.#isOurs) return
    if (this.#life.isByHand) this.#source.withholdKept(this.#offset)
    else this.#source.ack(this.#offset)
  }

  drop(): void {
    if (this.#isOurs) this.#source.ack(this.#offset)
  }

  /** What was given back is somebody else's now. */
  get #isOurs(): boolean {
    return this.#isHanded || !this.#life.hasEnded
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

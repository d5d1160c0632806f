// Partitions that are on their way: those whose state is restored first, and those whose store
// another process still has open (a worker of the same data directory that hangs, and has lost
// them), which are tried again until they open or go. None holds up another. Called by the engine.
import type { Clock } from '../clock.ts'
import { type Deferred, deferred } from '../deferred.ts'
import { EuphorionError } from '../errors.ts'
import type { AssignedPartition, TopicPartition } from '../log/log.ts'
import { partitionKey } from '../log/partition_key.ts'
import type { Logger } from '../logger.ts'

export interface OpeningsOptions {
  readonly clock: Clock
  readonly logger: Logger
  /** Opens it, or calls retry(). The signal aborts when the partition is given up meanwhile. */
  readonly open: (partition: AssignedPartition, signal: AbortSignal) => Promise<void>
  readonly failed: (error: unknown) => void
}

const RETRY_MS = 1000
const TRIES_MIN = 3

interface Opening {
  readonly calledOff: AbortController
  /** Of the next try. */
  cancel: (() => void) | undefined
  trying: Promise<void> | undefined
  /** Settles with the first try that is not to be repeated soon. */
  readonly tried: Deferred<void>
  tries: number
  isTold: boolean
}

export class Openings {
  readonly #options: OpeningsOptions
  readonly #openings = new Map<string, Opening>()

  constructor(options: OpeningsOptions) {
    this.#options = options
  }

  /** Opens it soon, behind whatever is being done now. */
  begin(place: AssignedPartition): void {
    this.#schedule(place, 0)
  }

  /**
   * Throws the error unless it is STORE_LOCKED, and it `mayWait` or has not been tried often: a
   * worker that starts looks into the stores that nobody has open (store_shelf.ts).
   */
  retry(place: AssignedPartition, error: unknown, mayWait: boolean): void {
    const opening = this.#openings.get(partitionKey(place))
    if (opening?.calledOff.signal.aborted) return
    const isLocked = error instanceof EuphorionError && error.code === 'STORE_LOCKED'
    const isFirst = opening !== undefined && opening.tries < TRIES_MIN
    if (!isLocked || !(mayWait || isFirst)) throw error
    if (mayWait) opening?.tried.resolve()
    const { topic, partition } = place
    if (opening?.isTold !== true)
      this.#options.logger.warn(
        { topic, partition, err: error },
        'a partition waits until its store is free',
      )
    this.#schedule(place, RETRY_MS).isTold = true
  }

  /** Resolves when all that were begun are open, have failed, or may wait for long. */
  async tried(): Promise<void> {
    await Promise.all([...this.#openings.values()].map(({ tried }) => tried.promise))
  }

  /** Resolves when these are not tried any more: they are open, or wait no longer. */
  async drop(places: readonly TopicPartition[]): Promise<void> {
    const openings = places.flatMap((place) => this.#openings.get(partitionKey(place)) ?? [])
    for (const { calledOff, cancel } of openings) {
      calledOff.abort(new EuphorionError('TABLE_MOVING', 'the partition was given up'))
      cancel?.()
    }
    for (const { tried } of openings) tried.resolve()
    for (const place of places) {
      await this.#openings.get(partitionKey(place))?.trying
      this.#openings.delete(partitionKey(place))
    }
  }

  #schedule(place: AssignedPartition, ms: number): Opening {
    const key = partitionKey(place)
    const opening: Opening = this.#openings.get(key) ?? {
      calledOff: new AbortController(),
      cancel: undefined,
      trying: undefined,
      tried: deferred(),
      tries: 0,
      isTold: false,
    }
    this.#openings.set(key, opening)
    opening.cancel = this.#options.clock.after(ms, () => {
      opening.cancel = undefined
      opening.trying = this.#try(key, place, opening)
    })
    return opening
  }

  async #try(key: string, place: AssignedPartition, opening: Opening): Promise<void> {
    const { open, failed } = this.#options
    const { calledOff, tried } = opening
    const { signal } = calledOff
    opening.tries++
    try {
      await open(place, signal)
    } catch (error) {
      if (!signal.aborted) failed(error)
    } finally {
      opening.trying = undefined
      if (opening.cancel === undefined) {
        tried.resolve()
        this.#openings.delete(key)
      }
    }
  }
}

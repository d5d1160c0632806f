// Feeds one lane: a bounded queue of batches in front of it, one task of the lane in flight, and
// what has to follow a task that did not simply succeed. The cut holds a feed while it drains the
// lane.
//
//   offer ─▶ queue ─▶ consume ──done──▶ release the batch, next
//                        ├──full──────▶ grow, or hold and ask for a cut, which evicts
//                        ├──rejects───▶ hand them over (hold if they wait for a cut), again
//                        ├──corrupt───▶ fetch again once, then stop
//                        ├──stopped───▶ stop
//                        └──trap──────▶ back to the last cut (a few times), then stop
import assert from 'node:assert'
import type { SharedBatch } from '../batch/region.ts'
import { EuphorionError } from '../errors.ts'
import type { LaneKernel, Rejected } from '../kernel/lane.ts'
import { type BadRecord, badRecordError } from './dead_letter.ts'

export interface LaneFeedOptions {
  readonly topic: string
  readonly partition: number
  readonly lane: LaneKernel
  /** Most batches that wait. */
  readonly queueMax: number
  /** How often a lane may fail between two cuts. */
  readonly retriesMax: number
  /** Takes a bad or late record; resolves when it may be forgotten here. */
  readonly reject: (record: BadRecord) => Promise<void>
  /** So many rejects wait for a cut that the lane has to, too. */
  readonly mustCut: () => boolean
  /** Cells that have changed, in bytes, for which a cut should not wait until it is due. */
  readonly dirtyBytesMax: number
  /** Has the lane's cells written soon, and evicted where it `wantsRoom`. */
  readonly askForCut: () => void
  /** Puts the lane back to its last cut; resolves with the offset to read from. */
  readonly restore: () => Promise<number>
  /** The partition has to be read from that offset again. */
  readonly rewind: (offset: number) => void
  /** A batch was consumed. */
  readonly progressed: () => void
  /** The feed takes nothing more. */
  readonly failed: (error: unknown) => void
}

interface Entry {
  readonly batch: SharedBatch
  readonly release: () => void
}

export class LaneFeed {
  readonly options: LaneFeedOptions
  readonly lane: LaneKernel
  readonly #queue: Entry[] = []
  #busy = false
  #held = 0
  #whenIdle: (() => void) | undefined
  #corruptAt = -1
  #failures = 0
  /** The lane has no room until the next cut has evicted cells. */
  wantsRoom = false
  /** Held until the next cut. */
  waitsForCut = false
  #isCutAsked = false
  stopped = false
  /** Its state does not agree with its position: it may not be cut. */
  spoiled = false
  /** Why its task, which does not return, is not waited for any more. */
  #abandoned: EuphorionError | undefined

  constructor(options: LaneFeedOptions) {
    this.options = options
    this.lane = options.lane
  }

  get isAbandoned(): boolean {
    return this.#abandoned !== undefined
  }

  /** A task of the lane is in flight. */
  get isBusy(): boolean {
    return this.#busy
  }

  /** Batches that it has, with the one that the lane works on. */
  get waiting(): number {
    return this.#queue.length
  }

  /** Of these. */
  get waitingBytes(): number {
    return this.#queue.reduce((sum, { batch }) => sum + batch.payload.length, 0)
  }

  /** May another batch be offered? */
  get hasRoom(): boolean {
    return this.stopped || this.#queue.length < this.options.queueMax
  }

  offer(batch: SharedBatch, release: () => void): void {
    if (this.stopped) {
      release()
      return
    }
    this.#queue.push({ batch, release })
    this.#pump()
  }

  /**
   * Resolves when no task of the lane is in flight; none begins until `release`. Rejects where the
   * lane is abandoned.
   */
  async hold(): Promise<void> {
    this.#held++
    await this.#idle()
    if (this.#abandoned !== undefined) throw this.#abandoned
  }

  /**
   * The task in flight does not return: nobody waits for it any more. The lane can never be used
   * again, and its memory, which the task may still write to, is nobody else's.
   */
  abandon(error: EuphorionError): void {
    assert(this.#busy, 'only what is in flight can be abandoned')
    this.#abandoned = error
    this.stopped = true
    this.spoiled = true
    this.clear()
    this.#tellIdle()
  }

  release(): void {
    assert(this.#held > 0, 'released more often than held')
    this.#held--
    this.#pump()
  }

  /** Resolves when the queue is empty too (or the feed has stopped). */
  async finish(): Promise<void> {
    while (!this.isAbandoned && (this.#busy || (this.#queue.length > 0 && !this.stopped)))
      await this.#idle(true)
  }

  /** A task outside consume failed (a drain): the lane goes back to its last cut, or stops. */
  async fail(error: unknown): Promise<void> {
    if (this.stopped) {
      this.spoiled = true
      return
    }
    await this.hold()
    try {
      await this.#recover(error)
    } catch (final) {
      this.spoiled = true
      this.#stop(final)
    } finally {
      this.release()
      this.#goOn()
    }
  }

  /** Forgets the batches that wait; the one that the lane is reading stays until it is done. */
  clear(): void {
    for (const entry of this.#queue.splice(this.#busy ? 1 : 0)) entry.release()
  }

  /** Between tasks: also the batch that the last one has read. */
  #clearAll(): void {
    for (const entry of this.#queue.splice(0)) entry.release()
  }

  /** A cut was written: what failed before it no longer counts, and who waited for it goes on. */
  cutWritten(): void {
    this.#failures = 0
    this.#isCutAsked = false
    this.#goOn()
  }

  #idle(untilEmpty = false): Promise<void> {
    if (this.isAbandoned) return Promise.resolve()
    if (!this.#busy && !(untilEmpty && this.#queue.length > 0)) return Promise.resolve()
    return new Promise((resolve) => {
      const before = this.#whenIdle
      this.#whenIdle = () => {
        before?.()
        resolve()
      }
    })
  }

  #pump(): void {
    if (this.#busy || this.#held > 0 || this.stopped || this.#queue.length === 0) return
    this.#busy = true
    this.#consume(this.#queue[0]).then(
      () => this.#settled(),
      (error) => {
        this.spoiled = true
        this.#stop(error)
        this.#settled()
      },
    )
  }

  #settled(): void {
    this.#busy = false
    this.#tellIdle()
    this.#pump()
  }

  #tellIdle(): void {
    const whenIdle = this.#whenIdle
    this.#whenIdle = undefined
    whenIdle?.()
  }

  /** Runs until the batch is done, or the lane has to wait for a cut, or stops. */
  async #consume(entry: Entry): Promise<void> {
    for (;;) {
      let status: Awaited<ReturnType<LaneKernel['consume']>>
      try {
        status = await this.lane.consume(entry.batch)
      } catch (error) {
        return this.isAbandoned ? this.#clearAll() : this.#recover(error)
      }
      // it did return, too late
      if (this.isAbandoned) return this.#clearAll()
      // Before anything else: the next cut may pass these records.
      const rejects = this.lane.rejects()
      const bad = status === 'stopped' ? rejects.pop()! : undefined
      for (const record of rejects) await this.options.reject(this.#place(record))
      if (bad !== undefined) return this.#stop(badRecordError(this.#place(bad)))
      const mustWait = rejects.length > 0 && this.options.mustCut()
      if (status === 'full') {
        try {
          if (await this.lane.grow()) continue
        } catch (error) {
          return this.#recover(error)
        }
        this.wantsRoom = true
        return this.#waitForCut()
      }
      if (status === 'corrupt') return this.#reread()
      if (status === 'rejects-full') {
        if (mustWait) return this.#waitForCut()
        continue
      }
      this.#queue.shift()
      entry.release()
      if (mustWait) this.#waitForCut()
      else if (this.lane.dirtyBytes() > this.options.dirtyBytesMax) this.#askForCut()
      return this.options.progressed()
    }
  }

  #waitForCut(): void {
    this.waitsForCut = true
    this.#held++
    this.#isCutAsked = false
    this.#askForCut()
  }

  /** Once before each cut. */
  #askForCut(): void {
    if (this.#isCutAsked) return
    this.#isCutAsked = true
    this.options.askForCut()
  }

  /** Where it was held until the cut. */
  #goOn(): void {
    if (!this.waitsForCut) return
    this.waitsForCut = false
    this.wantsRoom = false
    this.release()
  }

  #place(record: Rejected): BadRecord {
    const { topic, partition } = this.options
    return { ...record, topic, partition }
  }

  #reread(): void {
    const { topic, partition } = this.options
    const offset = this.lane.counters().nextOffset
    if (this.#corruptAt === offset) {
      const message = 'A batch was read twice, and its checksum or framing is wrong both times'
      const place = { topic, partition, offset }
      this.#stop(new EuphorionError('BATCH_CORRUPT', message, { place }))
      return
    }
    this.#corruptAt = offset
    this.#clearAll()
    this.options.rewind(offset)
  }

  async #recover(error: unknown): Promise<void> {
    const { topic, partition, retriesMax } = this.options
    const { nextOffset: offset } = this.lane.counters()
    if (error instanceof EuphorionError) {
      const { code, message, cause } = error
      const place = { topic, partition, offset, ...error.place }
      throw new EuphorionError(code, message, { cause, place })
    }
    if (this.#failures++ >= retriesMax) {
      const message = `A kernel failed ${this.#failures} times since the last cut`
      throw new EuphorionError('KERNEL_TRAPPED', message, {
        cause: error,
        place: { topic, partition, offset },
      })
    }
    this.#clearAll()
    const restored = await this.options.restore()
    // what was offered meanwhile begins behind a gap
    this.#clearAll()
    this.options.rewind(restored)
  }

  /** At a bad record, or at a damaged batch, what was consumed before still counts. */
  #stop(error: unknown): void {
    this.stopped = true
    this.#clearAll()
    this.options.failed(error)
  }
}

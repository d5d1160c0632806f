// Ends what members that are gone have left open: a transaction of theirs would hold up everybody
// who waits for the end of a changelog, until the log's own time-out. Called by Recovery.
import { type Clock, pause } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { Log } from '../log/log.ts'
import type { Logger } from '../logger.ts'

export interface FencesOptions {
  readonly log: Pick<Log, 'fence'>
  readonly clock: Clock
  readonly logger: Logger
  /** Of this worker, which is not gone. */
  readonly transactionalId: string
}

const AT_ONCE = 8
const RETRY_MS = 500

export class Fences {
  readonly #options: FencesOptions
  readonly #known = new Set<string>()
  #waiting: string[] = []
  readonly #running = new Set<Promise<void>>()
  #closed = false

  constructor(options: FencesOptions) {
    this.#options = options
  }

  /** All that are gone, as of this round. Each is fenced once. */
  add(departed: readonly string[]): void {
    const { transactionalId } = this.#options
    const isNew = (id: string): boolean => id !== '' && id !== transactionalId
    for (const id of departed.filter((each) => isNew(each) && !this.#known.has(each))) {
      this.#known.add(id)
      this.#waiting.push(id)
    }
    // an id that nobody tells of any more is forgotten
    for (const id of this.#known) if (!departed.includes(id)) this.#known.delete(id)
    // and one that has come back is not to be fenced any more
    this.#waiting = this.#waiting.filter((id) => this.#known.has(id))
    this.#pump()
  }

  /** Resolves when all that were added so far are fenced, or cannot be. */
  async settled(): Promise<void> {
    while (this.#running.size > 0 || this.#waiting.length > 0) {
      this.#pump()
      await Promise.all(this.#running)
    }
  }

  close(): void {
    this.#closed = true
    this.#waiting = []
  }

  #pump(): void {
    while (this.#running.size < AT_ONCE && this.#waiting.length > 0) {
      const fenced = this.#fence(this.#waiting.shift()!).finally(() => {
        this.#running.delete(fenced)
        this.#pump()
      })
      this.#running.add(fenced)
    }
  }

  /** Never rejects: without it, the transaction ends by its time-out. */
  async #fence(id: string): Promise<void> {
    const { log, clock, logger } = this.#options
    for (let tries = 1; !this.#closed && this.#known.has(id); tries++) {
      try {
        return await log.fence(id)
      } catch (error) {
        const isPassing = error instanceof EuphorionError && error.retriable
        if (tries === 1 || !isPassing)
          logger.warn({ member: id, err: error }, 'a member that is gone could not be fenced')
        if (!isPassing) return
      }
      await pause(clock, RETRY_MS)
    }
  }
}

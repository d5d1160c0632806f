// Where changelogs begin and end, asked for many partitions of a topic at once. Called by recovery
// and standbys.
import { pause } from '../clock.ts'
import { deferred } from '../deferred.ts'
import { EuphorionError } from '../errors.ts'
import type { Log } from '../log/log.ts'
import { offsetsOf, type Patience } from './positions.ts'
import type { ChangelogExtent } from './recovery_plan.ts'

export interface ChangelogEndsOptions extends Patience {
  readonly log: Log
}

const ASK_EVERY_MS = 1000

type Extents = readonly ChangelogExtent[]

export class ChangelogEnds {
  readonly #options: ChangelogEndsOptions
  /** Asked for, and not sent yet: whoever comes now shares the answer. */
  readonly #waiting = new Map<string, Promise<Extents>>()
  /** The last request of a topic. */
  readonly #last = new Map<string, Promise<unknown>>()

  constructor(options: ChangelogEndsOptions) {
    this.#options = options
  }

  /**
   * As the log has them after this call, with records of open transactions; by partition, empty
   * where there is no such topic. Waits for a log that may answer later.
   */
  of(topic: string): Promise<Extents> {
    const shared = this.#waiting.get(topic)
    if (shared !== undefined) return shared
    const before = this.#last.get(topic)
    const asked = (async () => {
      await before
      // those that come in the same turn
      await new Promise<void>((resolve) => setImmediate(resolve))
      this.#waiting.delete(topic)
      return this.#ask(topic)
    })()
    this.#waiting.set(topic, asked)
    this.#last.set(
      topic,
      asked.catch(() => undefined),
    )
    return asked
  }

  async #ask(topic: string): Promise<Extents> {
    const { log, clock, mayWait } = this.#options
    const partitions = (await offsetsOf(log, new Set([topic]), this.#options)).get(topic) ?? []
    if (partitions.length === 0) return []
    try {
      const { id: topicId } = await log.topic(topic)
      const extents: ChangelogExtent[] = []
      for (const { partition, earliest, latest } of partitions)
        extents[partition] = { earliest, latest, topicId }
      return extents
    } catch (error) {
      const isPassing = error instanceof EuphorionError && error.retriable
      if (!isPassing || !mayWait()) throw error
    }
    await pause(clock, ASK_EVERY_MS)
    return this.#ask(topic)
  }
}

/** Rejects as soon as the signal aborts; what was asked for goes on, and nobody hears of it. */
export async function orAborted<T>(
  answer: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal === undefined) return answer
  const aborted = deferred<never>()
  const abort = (): void => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort)
  if (signal.aborted) abort()
  return Promise.race([answer, aborted.promise]).finally(() => {
    signal.removeEventListener('abort', abort)
  })
}

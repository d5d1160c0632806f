// Where changelogs begin and end, asked for many partitions of a topic at once. Called by recovery
// and standbys.
import type { Log } from '../log/log.ts'
import { offsetsOf, type Patience } from './positions.ts'
import type { ChangelogExtent } from './recovery_plan.ts'

export interface ChangelogEndsOptions extends Patience {
  readonly log: Log
}

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
    const { log } = this.#options
    const partitions = (await offsetsOf(log, new Set([topic]), this.#options)).get(topic) ?? []
    if (partitions.length === 0) return []
    const { id: topicId } = await log.topic(topic)
    const extents: ChangelogExtent[] = []
    for (const { partition, earliest, latest } of partitions)
      extents[partition] = { earliest, latest, topicId }
    return extents
  }
}

// Where partitions end, for their lag: also of those that are not fetched just now, because what
// was fetched of them is still worked on. The log is asked behind a reading of metrics, so that
// none of them waits for a broker; what it says is seen by the next one.
import type { Clock } from '../clock.ts'
import type { LogConsumer, TopicPartition } from '../log/log.ts'
import { partitionKey } from '../log/partition_key.ts'

/** However often metrics are read. */
const ASK_EVERY_MS = 5000

export class UnreadEnds {
  readonly #clock: Clock
  readonly #ends = new Map<string, number>()
  #askedMs = Number.NEGATIVE_INFINITY
  #isAsking = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** As of the last answer; 0 where there is none. */
  of(place: TopicPartition): number {
    return this.#ends.get(partitionKey(place)) ?? 0
  }

  /** Asks where the last answer is old. */
  look(consumer: LogConsumer | undefined, topics: ReadonlySet<string>): void {
    const now = this.#clock.monotonic()
    if (consumer?.unread === undefined || this.#isAsking) return
    if (now - this.#askedMs < ASK_EVERY_MS) return
    this.#askedMs = now
    this.#isAsking = true
    void Promise.all([...topics].map((topic) => this.#ask(consumer, topic))).then(() => {
      this.#isAsking = false
    })
  }

  /** Never rejects: the next look asks again. */
  async #ask(consumer: LogConsumer, topic: string): Promise<void> {
    try {
      const ends = await consumer.unread!(topic)
      for (const [partition, end] of ends) this.#ends.set(partitionKey({ topic, partition }), end)
    } catch {
      // a broker that is away is told of by the fetches
    }
  }
}

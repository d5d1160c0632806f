// Which worker of an app leads: the one that the group gives partition 0 of a topic without
// records. Only apps that ask for it subscribe to that topic. Made by the worker.
import type { EventSubscriber, PartitionSink } from '../ingest/subscriber.ts'
import type { TopicPartition } from '../log/log.ts'

export interface LeaderListener {
  /** This worker leads from now on. */
  gained(): void
  /** It is about to lead no more; the next leader waits for it where the group can. */
  leaving(): Promise<void>
}

export class Leader {
  readonly topic: string
  readonly #listener: LeaderListener
  #leads = false

  constructor(appId: string, listener: LeaderListener) {
    this.topic = `${appId}-leader`
    this.#listener = listener
  }

  get leads(): boolean {
    return this.#leads
  }

  assigned(partitions: readonly TopicPartition[]): void {
    if (this.#leads || !this.#isAmong(partitions)) return
    this.#leads = true
    this.#listener.gained()
  }

  async leaving(partitions: readonly TopicPartition[]): Promise<void> {
    if (!this.#leads || !this.#isAmong(partitions)) return
    this.#leads = false
    await this.#listener.leaving()
  }

  #isAmong(partitions: readonly TopicPartition[]): boolean {
    return partitions.some(({ topic, partition }) => topic === this.topic && partition === 0)
  }
}

/** Has the group share the topic; nothing of it is read. */
export function leaderSubscriber(topic: string): EventSubscriber {
  return { name: 'leader', topic, open: (_partition, { startOffset }) => idleSink(startOffset) }
}

function idleSink(startOffset: number): PartitionSink {
  return {
    stopped: true,
    push: async () => true,
    holds: false,
    acknowledged: () => startOffset,
    pause: async () => undefined,
    resume: () => undefined,
    stall: () => undefined,
    spoiled: undefined,
    close: async () => undefined,
  }
}

// One assigned partition of a kafkajs consumer: at most one fetched batch, and where the next one
// has to begin. Filled by Membership, emptied by KafkajsConsumer.
import type { EachBatchPayload, KafkaMessage } from 'kafkajs'

export class Lane {
  readonly topic: string
  readonly partition: number
  /** False while the position is being found, and once the partition is not ours any more. */
  open = false
  /** Taken away; it never opens again. */
  gone = false
  /** Offset of the next record that kafkajs should deliver. */
  position = 0
  /** Counts seeks, so that only the last one takes effect. */
  seeks = 0
  /** kafkajs was told not to fetch this partition. */
  paused = false
  messages: readonly KafkaMessage[] | undefined
  /** Index of the first message that was not handed out. */
  next = 0
  lastOffset = 0
  highWatermark = 0
  #emptied: (() => void) | undefined

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }

  /** Takes a batch if it is what comes next here. What is older was asked for before a seek. */
  fill({ batch, isStale, resolveOffset }: EachBatchPayload): boolean {
    const first = batch.firstOffset()
    if (!this.open || isStale() || batch.messages.length === 0 || first === null) return false
    if (Number(first) < this.position) return false
    const last = batch.lastOffset()
    this.messages = batch.messages
    this.next = 0
    this.lastOffset = Number(last)
    this.highWatermark = Number(batch.highWatermark)
    this.position = this.lastOffset + 1
    resolveOffset(last)
    return true
  }

  /** Resolves when the batch was handed out or dropped. */
  emptied(): Promise<void> {
    return new Promise((resolve) => {
      this.#emptied = resolve
    })
  }

  /** No batch any more; lets its kafkajs worker go on. */
  empty(): void {
    this.messages = undefined
    this.#emptied?.()
    this.#emptied = undefined
  }

  close(): void {
    this.open = false
    this.gone = true
    this.empty()
  }
}

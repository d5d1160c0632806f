// Produce requests to one broker: whatever partitions are ready go together, a few requests at
// once. Owned by KafkaProducer.
import type { Connection } from '../../wire/connection.ts'
import type { ProducedPartition } from '../../wire/requests/produce.ts'
import { byTopic } from '../by_topic.ts'
import type { TopicPartition } from '../log.ts'
import { partitionKey } from '../partition_key.ts'
import type { PartitionQueue } from './partition_queue.ts'
import type { ProducerSession } from './producer_session.ts'

export interface ProduceBrokerPorts {
  readonly session: Pick<ProducerSession, 'transactionalId' | 'produce'>
  connect(): Promise<Pick<Connection, 'request'>>
  /** The numbered bytes of the first batch; undefined: it is not to be sent now. */
  bytesOf(queue: PartitionQueue): Uint8Array | undefined
  answered(queue: PartitionQueue, answer: ProducedPartition): void
  /** `wasSent`: the batch may be stored. */
  failed(queue: PartitionQueue, error: unknown, wasSent: boolean): void
  /** ms for an answer; the broker gives up on its followers a little earlier. */
  readonly requestTimeoutMs: number
}

interface Part extends TopicPartition {
  readonly queue: PartitionQueue
  readonly bytes: Uint8Array
}

const inFlightMax = 5
/** One batch alone may be larger. */
const requestBytesMax = 4 * 1024 * 1024
const allReplicas = -1
const brokerShare = 0.8

export class ProduceBroker {
  readonly #ports: ProduceBrokerPorts
  #ready: PartitionQueue[] = []
  #inFlight = 0
  #isDraining = false

  constructor(ports: ProduceBrokerPorts) {
    this.#ports = ports
  }

  /** Sends the first batch of the queue with those of others that become ready in this turn. */
  add(queue: PartitionQueue): void {
    this.#ready.push(queue)
    if (this.#isDraining) return
    this.#isDraining = true
    queueMicrotask(() => {
      this.#isDraining = false
      this.#drain()
    })
  }

  #drain(): void {
    while (this.#inFlight < inFlightMax && this.#ready.length > 0) {
      const parts = this.#take()
      if (parts.length > 0) void this.#send(parts)
    }
  }

  #take(): Part[] {
    const parts: Part[] = []
    let size = 0
    let taken = 0
    for (const queue of this.#ready) {
      const bytes = this.#ports.bytesOf(queue)
      if (bytes !== undefined && parts.length > 0 && size + bytes.length > requestBytesMax) break
      taken++
      if (bytes === undefined) continue
      size += bytes.length
      parts.push({ topic: queue.topic, partition: queue.partition, queue, bytes })
    }
    this.#ready = this.#ready.slice(taken)
    return parts
  }

  /** Never rejects. */
  async #send(parts: readonly Part[]): Promise<void> {
    this.#inFlight++
    let wasSent = false
    try {
      const connection = await this.#ports.connect()
      const { requestTimeoutMs, session } = this.#ports
      const body = {
        transactionalId: session.transactionalId,
        acks: allReplicas,
        timeoutMs: Math.floor(requestTimeoutMs * brokerShare),
        topics: byTopic(parts, ({ partition, bytes }) => ({ partition, records: bytes })),
      }
      const sent = connection.request(session.produce, body, { timeoutMs: requestTimeoutMs })
      wasSent = true
      const { topics } = await sent
      const answers = new Map<string, ProducedPartition>()
      for (const { topic, partitions } of topics)
        for (const answer of partitions)
          answers.set(partitionKey({ topic, partition: answer.partition }), answer)
      for (const { queue } of parts) {
        const answer = answers.get(partitionKey(queue))
        if (answer !== undefined) this.#ports.answered(queue, answer)
        else this.#ports.failed(queue, new Error('the answer leaves the partition out'), true)
      }
    } catch (error) {
      for (const { queue } of parts) this.#ports.failed(queue, error, wasSent)
    }
    this.#inFlight--
    this.#drain()
  }
}

// In whose name a producer sends batches, and what has to be done before. KafkaProducer has one:
// ProducerIdentities, or TransactionSession where its batches are part of transactions.
import type { RequestType } from '../../wire/request.ts'
import type { ProduceAnswer, ProduceBody } from '../../wire/requests/produce.ts'
import type { TopicPartition } from '../log.ts'

/** Compared by reference: partitions that hold an older one start anew. */
export interface ProducerIdentity {
  readonly producerId: number
  readonly epoch: number
  /** Its batches are part of transactions. */
  readonly isTransactional?: boolean
}

export interface ProducerSession {
  readonly transactionalId: string | null
  readonly produce: RequestType<ProduceBody, ProduceAnswer>
  /** Undefined: there is none before prepare(). */
  readonly current: ProducerIdentity | undefined
  /** Why nothing can be sent until something else has happened: whatever waits is rejected. */
  readonly failure: Error | undefined
  /** Batches of this partition can be sent at once. */
  isReady(place: TopicPartition): boolean
  /** Resolves when they can be. */
  prepare(place: TopicPartition): Promise<void>
  /** A number that was given under it may be taken, or not. */
  raise(doubtful: ProducerIdentity): void
  /** A batch is not stored, as far as is known. */
  refused(error: unknown): void
}

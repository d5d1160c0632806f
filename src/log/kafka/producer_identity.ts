// The id and epoch under which a producer's batches are numbered, so that the broker knows one that
// is sent twice. A partition whose last number is in doubt goes on under a raised epoch, from 0
// (KIP-360). Owned by KafkaProducer.
import { initProducerIdRequest } from '../../wire/requests/init_producer_id.ts'
import { produceRequest } from '../../wire/requests/produce.ts'
import { BrokerRefusal } from './broker_refusal.ts'
import type { Cluster } from './cluster.ts'
import type { ProducerIdentity, ProducerSession } from './producer_session.ts'

/** The part of Cluster that asks for an id. */
export type IdentityCluster = Pick<Cluster, 'retry' | 'anyConnection'>

const epochMax = 32_767
/** Only transactions have one; it must be positive. */
const noTransactionTimeoutMs = 60_000
const notYet = -1

export class ProducerIdentities implements ProducerSession {
  readonly transactionalId = null
  readonly produce = produceRequest
  readonly failure = undefined
  readonly #cluster: IdentityCluster
  #current: ProducerIdentity | undefined
  #asking: Promise<void> | undefined

  constructor(cluster: IdentityCluster) {
    this.#cluster = cluster
  }

  /** What is refused is gone, and the next batch is another matter. */
  refused(): void {}

  /** Undefined until prepare() has resolved, and when all epochs of an id are used. */
  get current(): ProducerIdentity | undefined {
    return this.#current
  }

  isReady(): boolean {
    return this.#current !== undefined
  }

  /** A number that was given under this identity may be taken: nobody gives one under it again. */
  raise(doubtful: ProducerIdentity): void {
    if (doubtful !== this.#current) return
    const { producerId, epoch } = doubtful
    // As Java's client: without a transactional id brokers have no say in the epoch.
    this.#current = epoch < epochMax ? { producerId, epoch: epoch + 1 } : undefined
  }

  /** Asks the cluster for an id; rejects when it gives none in the time of a question. */
  prepare(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  async #ask(): Promise<void> {
    const answer = await this.#cluster.retry(async () => {
      const connection = await this.#cluster.anyConnection()
      const body = {
        transactionalId: null,
        transactionTimeoutMs: noTransactionTimeoutMs,
        producerId: notYet,
        producerEpoch: notYet,
      }
      const answer = await connection.request(initProducerIdRequest, body)
      BrokerRefusal.check(answer.errorCode, 'asking for the id of a producer')
      return answer
    })
    this.#current = { producerId: answer.producerId, epoch: answer.producerEpoch }
  }
}

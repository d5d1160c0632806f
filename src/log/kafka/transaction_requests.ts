// What is asked of the coordinator of one transactional id, again until there is an answer: each of
// these questions can be repeated. Asked by TransactionSession, and by KafkaLog to fence an id.
import { brokerCode } from '../../wire/broker_code.ts'
import type { RequestType } from '../../wire/request.ts'
import { addOffsetsToTxnRequest } from '../../wire/requests/add_offsets_to_txn.ts'
import {
  type AddPartitionsToTxnAnswer,
  addPartitionsToTxnRequest,
} from '../../wire/requests/add_partitions_to_txn.ts'
import { endTxnRaisingRequest, endTxnRequest } from '../../wire/requests/end_txn.ts'
import { initProducerIdRequest } from '../../wire/requests/init_producer_id.ts'
import { produceAddingRequest } from '../../wire/requests/produce.ts'
import { txnOffsetCommitAddingRequest } from '../../wire/requests/txn_offset_commit.ts'
import type { Feature } from '../../wire/version_table.ts'
import { byTopic } from '../by_topic.ts'
import type { TopicPartition } from '../log.ts'
import { transactionBackoff } from './backoff.ts'
import { BrokerRefusal } from './broker_refusal.ts'
import type { Cluster } from './cluster.ts'
import type { ProducerIdentity } from './producer_session.ts'

/** The part of Cluster that transactions need. */
export type TransactionCluster = Pick<Cluster, 'retry' | 'coordinator'>

export interface TransactionRequestsOptions {
  readonly transactionalId: string
  readonly transactionTimeoutMs: number
  /** ms in which the outcome of an end is asked for. */
  readonly endTimeoutMs: number
}

/** The second version of transactions (KIP-890). */
const secondVersion: Feature = {
  name: 'transaction.version',
  level: 2,
  requests: [produceAddingRequest, txnOffsetCommitAddingRequest, endTxnRaisingRequest],
}
const none = -1
const notAttempted = brokerCode.OPERATION_NOT_ATTEMPTED

export class TransactionRequests {
  readonly #cluster: TransactionCluster
  readonly #options: TransactionRequestsOptions

  constructor(cluster: TransactionCluster, options: TransactionRequestsOptions) {
    this.#cluster = cluster
    this.#options = options
  }

  /** Whether transactions of this cluster are those of the second version. */
  async areSecond(): Promise<boolean> {
    const { transactionalId } = this.#options
    const isSecond = async () => {
      const coordinator = await this.#cluster.coordinator('transaction', transactionalId)
      return coordinator.does(secondVersion)
    }
    return this.#cluster.retry(isSecond, this.#retrying())
  }

  /**
   * An identity that fences those before and ends what they have left open; with `known`, which the
   * asker has and nobody has fenced, only its epoch is raised.
   */
  async init(known?: ProducerIdentity): Promise<ProducerIdentity> {
    const { transactionalId, transactionTimeoutMs } = this.#options
    const answer = await this.#ask('asking for the id of a producer', initProducerIdRequest, {
      transactionalId,
      transactionTimeoutMs,
      producerId: known?.producerId ?? none,
      producerEpoch: known?.epoch ?? none,
    })
    return { producerId: answer.producerId, epoch: answer.producerEpoch, isTransactional: true }
  }

  async addPartitions(by: ProducerIdentity, places: readonly TopicPartition[]): Promise<void> {
    const body = {
      ...this.#owner(by),
      topics: byTopic(places, ({ partition }) => partition),
    }
    const what = 'adding partitions to a transaction'
    const check = ({ topics }: AddPartitionsToTxnAnswer) => {
      const parts = topics.flatMap(({ topic, partitions }) =>
        partitions.map((each) => ({ topic, ...each })),
      )
      // the others were not attempted for its sake
      const cause = parts.find(({ errorCode }) => errorCode !== 0 && errorCode !== notAttempted)
      const worst = cause ?? parts.find(({ errorCode }) => errorCode !== 0)
      if (worst === undefined) return
      const { topic, partition, errorCode } = worst
      BrokerRefusal.check(errorCode, what, { topic, partition })
    }
    await this.#askChecked(addPartitionsToTxnRequest, body, check)
  }

  /** Offsets of this group will be part of the transaction. Only of the first version. */
  async addGroup(by: ProducerIdentity, groupId: string): Promise<void> {
    const body = { ...this.#owner(by), groupId }
    await this.#ask(`adding group '${groupId}' to a transaction`, addOffsetsToTxnRequest, body)
  }

  /** Commits or aborts; the identity of the next transaction. */
  async end(
    by: ProducerIdentity,
    committed: boolean,
    isSecond: boolean,
  ): Promise<ProducerIdentity> {
    const type = isSecond ? endTxnRaisingRequest : endTxnRequest
    const what = committed ? 'committing a transaction' : 'aborting a transaction'
    const body = { ...this.#owner(by), committed }
    const answer = await this.#ask(what, type, body, this.#options.endTimeoutMs)
    if (answer.producerId < 0) return by
    return { producerId: answer.producerId, epoch: answer.producerEpoch, isTransactional: true }
  }

  #owner({ producerId, epoch }: ProducerIdentity) {
    return { transactionalId: this.#options.transactionalId, producerId, producerEpoch: epoch }
  }

  #ask<Q, A extends { readonly errorCode: number }>(
    what: string,
    type: RequestType<Q, A>,
    body: Q,
    timeoutMs?: number,
  ): Promise<A> {
    const asked = `${what} of '${this.#options.transactionalId}'`
    const check = ({ errorCode }: A) => BrokerRefusal.check(errorCode, asked)
    return this.#askChecked(type, body, check, timeoutMs)
  }

  #askChecked<Q, A>(
    type: RequestType<Q, A>,
    body: Q,
    check: (answer: A) => void,
    timeoutMs?: number,
  ): Promise<A> {
    const question = async () => {
      const { transactionalId } = this.#options
      const coordinator = await this.#cluster.coordinator('transaction', transactionalId)
      const answer = await coordinator.request(type, body)
      check(answer)
      return answer
    }
    return this.#cluster.retry(question, this.#retrying(timeoutMs))
  }

  #retrying(timeoutMs?: number) {
    return {
      coordinator: { kind: 'transaction', id: this.#options.transactionalId } as const,
      backoff: transactionBackoff,
      ...(timeoutMs !== undefined && { timeoutMs }),
    }
  }
}

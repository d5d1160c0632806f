// In whose name a transactional producer writes, and how far its transaction has come: which
// partitions and groups belong to it, whether it can still be committed, and who writes the next
// one. Owned by KafkaTransactionalProducer.
//
//   first version    AddPartitions ─▶ Produce …  AddOffsets ─▶ TxnOffsetCommit  EndTxn
//   second, KIP-890                   Produce …                TxnOffsetCommit  EndTxn ─▶ epoch + 1
import { EuphorionError } from '../../errors.ts'
import { brokerCode } from '../../wire/broker_code.ts'
import { produceAddingRequest, produceRequest } from '../../wire/requests/produce.ts'
import {
  txnOffsetCommitAddingRequest,
  txnOffsetCommitRequest,
} from '../../wire/requests/txn_offset_commit.ts'
import type { TopicPartition } from '../log.ts'
import { partitionKey } from '../partition_key.ts'
import { BrokerRefusal } from './broker_refusal.ts'
import type { SendOffsets } from './group_offsets.ts'
import type { ProducerIdentity, ProducerSession } from './producer_session.ts'
import type { TransactionRequests } from './transaction_requests.ts'

export interface TransactionPorts {
  readonly transactionalId: string
  readonly requests: TransactionRequests
  /** Its broker, as far as is known. */
  readonly leaderOf: (place: TopicPartition) => number | undefined
}

/** A commit is refused because there is nothing (any more) that could be committed. */
const abortedCodes: ReadonlySet<number> = new Set([
  brokerCode.INVALID_TXN_STATE,
  brokerCode.TRANSACTION_ABORTABLE,
])

export class TransactionSession implements ProducerSession {
  readonly transactionalId: string
  readonly produce: ProducerSession['produce']
  readonly #requests: TransactionRequests
  readonly #leaderOf: TransactionPorts['leaderOf']
  readonly #isSecond: boolean
  #identity: ProducerIdentity
  #isOpen = false
  /** The coordinator may have heard of it. */
  #hasBegun = false
  /** It can only be aborted. */
  #aborted: EuphorionError | undefined
  /** Nothing can be done in this name any more. */
  #over: EuphorionError | undefined
  /** A batch may be stored or not: the next transaction must not use its number. */
  #isDoubtful = false
  readonly #added = new Set<string>()
  /**
   * Of the partitions. Several that add theirs at the same time are in each other's way at the
   * coordinator, which sends all but one away for 20 ms: from two on all are added beforehand.
   */
  readonly #leaders = new Set<number | undefined>()
  readonly #toAdd = new Map<string, TopicPartition>()
  #adding: Promise<void> | undefined
  /** Those that were added, or are being added. */
  readonly #groups = new Map<string, Promise<void>>()
  /** Those whose offsets the transaction has, and those of the one before. */
  readonly #committing = new Set<string>()
  #usualGroups: readonly string[] = []

  /** Fences those who had the id before. Rejects with FENCED, ACCESS_DENIED, LOG_FAILED. */
  static async begin(ports: TransactionPorts): Promise<TransactionSession> {
    const isSecond = await ports.requests.areSecond()
    return new TransactionSession(ports, isSecond, await ports.requests.init())
  }

  private constructor(
    { transactionalId, requests, leaderOf }: TransactionPorts,
    isSecond: boolean,
    identity: ProducerIdentity,
  ) {
    this.transactionalId = transactionalId
    this.produce = isSecond ? produceAddingRequest : produceRequest
    this.#leaderOf = leaderOf
    this.#requests = requests
    this.#isSecond = isSecond
    this.#identity = identity
  }

  get current(): ProducerIdentity {
    return this.#identity
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  get failure(): EuphorionError | undefined {
    return this.#over ?? this.#aborted
  }

  /** No transaction will follow. */
  get isOver(): boolean {
    return this.#over !== undefined
  }

  isReady(place: TopicPartition): boolean {
    return this.#added.has(partitionKey(place))
  }

  prepare(place: TopicPartition): Promise<void> {
    this.#hasBegun = true
    this.#toAdd.set(partitionKey(place), place)
    this.#adding ??= new Promise((resolve, reject) => {
      setImmediate(() => {
        this.#adding = undefined
        const places = [...this.#toAdd.values()]
        this.#toAdd.clear()
        this.#add(places).then(resolve, reject)
      })
    })
    return this.#adding
  }

  async #add(places: readonly TopicPartition[]): Promise<void> {
    for (const place of places) this.#leaders.add(this.#leaderOf(place))
    if (!this.#isSecond || this.#leaders.size > 1) {
      const added = this.#requests.addPartitions(this.#identity, places)
      // their offsets come once more, as far as can be told: no time is lost for it then
      if (!this.#isSecond) for (const groupId of this.#usualGroups) void this.#addGroup(groupId)
      await added
    }
    for (const place of places) this.#added.add(partitionKey(place))
  }

  #addGroup(groupId: string): Promise<void> {
    let added = this.#groups.get(groupId)
    if (added === undefined) {
      added = this.#requests.addGroup(this.#identity, groupId)
      this.#groups.set(groupId, added)
      // whoever needs it hears of it
      added.catch(() => {})
    }
    return added
  }

  readonly sendOffsets: SendOffsets = async (coordinator, member, topics) => {
    const { transactionalId } = this
    const { producerId, epoch: producerEpoch } = this.#identity
    const { groupId } = member
    this.#hasBegun = true
    this.#committing.add(groupId)
    if (!this.#isSecond) await this.#addGroup(groupId)
    const type = this.#isSecond ? txnOffsetCommitAddingRequest : txnOffsetCommitRequest
    const body = { ...member, transactionalId, producerId, producerEpoch, topics }
    return coordinator.request(type, body)
  }

  raise(doubtful: ProducerIdentity): void {
    if (doubtful === this.#identity) this.#isDoubtful = true
  }

  refused(error: unknown): void {
    if (this.failure !== undefined) return
    if (error instanceof EuphorionError && error.code === 'FENCED') this.#over = error
    else this.#aborted = this.#abortedBy(error)
  }

  #abortedBy(cause: unknown): EuphorionError {
    const why = cause instanceof Error ? `: ${cause.message}` : ''
    const message = `a transaction of '${this.transactionalId}' does not count${why}`
    return new EuphorionError('TRANSACTION_ABORTED', message, { cause })
  }

  /** Something belongs to the transaction from now on. Throws why nothing can. */
  begin(): void {
    if (this.failure !== undefined) throw this.failure
    this.#isOpen = true
  }

  /** Everything counts, or the errors of TransactionalProducer.commit. */
  async commit(): Promise<void> {
    if (this.failure === undefined) {
      try {
        await this.#end(true)
        return
      } catch (error) {
        this.#refusedCommit(error)
      }
    }
    const { failure } = this
    await this.abort()
    throw failure
  }

  #refusedCommit(error: unknown): void {
    if (error instanceof BrokerRefusal && abortedCodes.has(error.errorCode)) this.refused(error)
    else if (error instanceof EuphorionError && error.code === 'FENCED') this.#over = error
    else {
      const why = error instanceof Error ? `: ${error.message}` : ''
      const message = `whether a transaction of '${this.transactionalId}' counts is not known${why}`
      this.#over = new EuphorionError('LOG_FAILED', message, { cause: error })
    }
  }

  /** Nothing counts; where nobody can say so any more, the coordinator does by itself. */
  async abort(): Promise<void> {
    try {
      if (!this.isOver) await this.#end(false)
    } catch (error) {
      if (!(error instanceof EuphorionError) || error.code !== 'FENCED') throw error
      this.#over = error
    }
    this.#isOpen = false
  }

  async #end(committed: boolean): Promise<void> {
    // what is added later would be the beginning of the next one
    await Promise.allSettled(this.#groups.values())
    if (this.#hasBegun) this.#identity = await this.#next(committed)
    if (committed) this.#usualGroups = [...this.#committing]
    this.#hasBegun = false
    this.#isDoubtful = false
    this.#aborted = undefined
    this.#added.clear()
    this.#leaders.clear()
    this.#groups.clear()
    this.#committing.clear()
    this.#isOpen = false
  }

  async #next(committed: boolean): Promise<ProducerIdentity> {
    let isDoubtful = this.#isDoubtful && !this.#isSecond
    let next = this.#identity
    try {
      next = await this.#requests.end(this.#identity, committed, this.#isSecond)
    } catch (error) {
      const isUnknown =
        error instanceof BrokerRefusal && error.errorCode === brokerCode.INVALID_TXN_STATE
      if (committed || !isUnknown) throw error
      // the coordinator knows of none: nothing of it was added, or it was aborted already
      isDoubtful = true
    }
    return isDoubtful ? await this.#requests.init(next) : next
  }
}

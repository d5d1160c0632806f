// The coordinator of transactions in a simulated cluster, after Kafka's: ids with epochs, fencing,
// time-outs, and markers that come to each partition at a time of its own. Owned by the cluster.
import type { Clock } from '../clock.ts'
import { brokerCode } from '../wire/broker_code.ts'

type State = 'empty' | 'ongoing' | 'preparing' | 'complete'

interface Transaction {
  readonly id: string
  readonly producerId: number
  epoch: number
  /** The same producer's before the last end, or before it asked for another (KIP-588). */
  lastEpoch: number
  state: State
  isCommit: boolean
  timeoutMs: number
  /** Partitions by their keys, and groups. */
  partitions: Set<string>
  groups: Set<string>
  cancelTimeout: () => void
}

/** What a request of a producer says of itself. */
export interface TransactionSender {
  readonly transactionalId: string
  readonly producerId: number
  readonly epoch: number
}

export interface MarkerPorts {
  readonly clock: Clock
  readonly trace: (text: string) => void
  newProducerId(): number
  /** ms after which the marker is in one of the logs; 0: it is at once. */
  markerDelayMs(): number
  markPartition(key: string, sender: TransactionSender, isCommit: boolean): void
  markGroup(groupId: string, sender: TransactionSender, isCommit: boolean): void
}

export interface InitAnswer {
  readonly errorCode: number
  readonly producerId: number
  readonly epoch: number
}

const none = -1

export class TransactionCoordinator {
  readonly #ports: MarkerPorts
  readonly #transactions = new Map<string, Transaction>()

  constructor(ports: MarkerPorts) {
    this.#ports = ports
  }

  /** `expected`: the producer's own id and epoch, which must be the last ones. */
  init(transactionalId: string, timeoutMs: number, expected?: TransactionSender): InitAnswer {
    const { newProducerId, trace } = this.#ports
    let found = this.#transactions.get(transactionalId)
    if (found === undefined) {
      found = {
        id: transactionalId,
        producerId: newProducerId(),
        epoch: none,
        lastEpoch: none,
        state: 'empty',
        isCommit: false,
        timeoutMs,
        partitions: new Set(),
        groups: new Set(),
        cancelTimeout: () => {},
      }
      this.#transactions.set(transactionalId, found)
    }
    const { producerId } = found
    const refuse = (errorCode: number): InitAnswer => ({ errorCode, producerId: none, epoch: none })
    if (expected !== undefined) {
      const isKnown = expected.producerId === producerId
      if (isKnown && expected.epoch === found.lastEpoch && found.state !== 'preparing')
        return { errorCode: brokerCode.NONE, producerId, epoch: found.epoch }
      if (!isKnown || expected.epoch !== found.epoch) return refuse(brokerCode.PRODUCER_FENCED)
    }
    if (found.state === 'ongoing') {
      trace(`${transactionalId} is fenced, and what it has open aborted`)
      this.#fence(found)
    }
    if (found.state === 'preparing') return refuse(brokerCode.CONCURRENT_TRANSACTIONS)
    found.lastEpoch = expected === undefined ? none : found.epoch
    found.epoch++
    found.state = 'empty'
    found.timeoutMs = timeoutMs
    return { errorCode: brokerCode.NONE, producerId, epoch: found.epoch }
  }

  addPartitions(sender: TransactionSender, keys: readonly string[]): number {
    return this.#add(sender, (transaction) => {
      for (const key of keys) transaction.partitions.add(key)
    })
  }

  addGroup(sender: TransactionSender, groupId: string): number {
    return this.#add(sender, (transaction) => transaction.groups.add(groupId))
  }

  #add(sender: TransactionSender, add: (transaction: Transaction) => void): number {
    const transaction = this.#transactions.get(sender.transactionalId)
    const refusal = refusalOf(transaction, sender)
    if (transaction === undefined || refusal !== brokerCode.NONE) return refusal
    if (transaction.state === 'preparing') return brokerCode.CONCURRENT_TRANSACTIONS
    if (transaction.state !== 'ongoing') {
      transaction.state = 'ongoing'
      this.#watch(transaction)
    }
    add(transaction)
    return brokerCode.NONE
  }

  /** Whether that partition takes part in what the sender has open (KIP-890). */
  verify(sender: TransactionSender, has: { partition?: string; groupId?: string }): number {
    const transaction = this.#transactions.get(sender.transactionalId)
    const refusal = refusalOf(transaction, sender)
    if (transaction === undefined || refusal !== brokerCode.NONE) return refusal
    const isIn =
      transaction.state === 'ongoing' &&
      (has.partition === undefined || transaction.partitions.has(has.partition)) &&
      (has.groupId === undefined || transaction.groups.has(has.groupId))
    return isIn ? brokerCode.NONE : brokerCode.INVALID_TXN_STATE
  }

  /** Each transaction has an epoch of its own, so that what is late harms no other (KIP-890). */
  end(sender: TransactionSender, isCommit: boolean): InitAnswer {
    const transaction = this.#transactions.get(sender.transactionalId)
    const { producerId } = sender
    const refuse = (errorCode: number): InitAnswer => ({ errorCode, producerId, epoch: none })
    const isAgain = transaction?.producerId === producerId && transaction.lastEpoch === sender.epoch
    const refusal = isAgain ? brokerCode.NONE : refusalOf(transaction, sender)
    if (transaction === undefined || refusal !== brokerCode.NONE) return refuse(refusal)
    if (transaction.state === 'ongoing' && !isAgain) {
      this.#raise(transaction)
      this.#decide(transaction, isCommit)
    } else if (!isAgain || transaction.state === 'ongoing' || transaction.isCommit !== isCommit)
      return refuse(brokerCode.INVALID_TXN_STATE)
    return { errorCode: brokerCode.NONE, producerId, epoch: transaction.epoch }
  }

  #raise(transaction: Transaction): void {
    transaction.lastEpoch = transaction.epoch
    transaction.epoch++
  }

  /** Aborts what is open after its time, and fences who has opened it. */
  #watch(transaction: Transaction): void {
    const { clock, trace } = this.#ports
    transaction.cancelTimeout = clock.after(transaction.timeoutMs, () => {
      trace(`the transaction of ${transaction.id} has taken too long`)
      this.#fence(transaction)
    })
  }

  /** Another broker took over: transactions go on, their times begin anew. */
  restart(): void {
    for (const transaction of this.#transactions.values())
      if (transaction.state === 'ongoing') {
        transaction.cancelTimeout()
        this.#watch(transaction)
      } else if (transaction.state === 'preparing') this.#mark(transaction)
  }

  #fence(transaction: Transaction): void {
    transaction.epoch++
    transaction.lastEpoch = none
    this.#decide(transaction, false)
  }

  #decide(transaction: Transaction, isCommit: boolean): void {
    transaction.cancelTimeout()
    transaction.state = 'preparing'
    transaction.isCommit = isCommit
    this.#mark(transaction)
  }

  #mark(transaction: Transaction): void {
    const { clock, markerDelayMs, markPartition, markGroup } = this.#ports
    const { id, producerId, epoch, isCommit } = transaction
    const sender = { transactionalId: id, producerId, epoch }
    const { partitions, groups } = transaction
    const done = (from: Set<string>, key: string): void => {
      from.delete(key)
      if (partitions.size + groups.size === 0) this.#complete(transaction)
    }
    const marks = [
      ...[...partitions].map((key) => ({
        from: partitions,
        key,
        mark: () => markPartition(key, sender, isCommit),
      })),
      ...[...groups].map((key) => ({
        from: groups,
        key,
        mark: () => markGroup(key, sender, isCommit),
      })),
    ]
    if (marks.length === 0) this.#complete(transaction)
    for (const { from, key, mark } of marks) {
      const arrive = (): void => {
        if (!from.has(key)) return
        mark()
        done(from, key)
      }
      const delayMs = markerDelayMs()
      if (delayMs === 0) arrive()
      else clock.after(delayMs, arrive)
    }
  }

  /** Markers that are on their way twice are of this transaction, not of the next. */
  #complete(transaction: Transaction): void {
    transaction.state = 'complete'
    transaction.partitions = new Set()
    transaction.groups = new Set()
  }

  /** Ids with something that is neither committed nor aborted everywhere. */
  get undecided(): readonly string[] {
    return [...this.#transactions.values()]
      .filter(({ state }) => state === 'ongoing' || state === 'preparing')
      .map(({ id }) => id)
  }
}

function refusalOf(transaction: Transaction | undefined, sender: TransactionSender): number {
  if (transaction?.producerId !== sender.producerId) return brokerCode.INVALID_PRODUCER_ID_MAPPING
  return transaction.epoch === sender.epoch ? brokerCode.NONE : brokerCode.PRODUCER_FENCED
}

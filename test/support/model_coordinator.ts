// Leaders of partitions in memory with a coordinator of transactions that answers as it is told to.
// Used by tests of the transactional producer.

import { isPassing } from '../../src/log/kafka/broker_refusal.ts'
import type { TransactionCluster } from '../../src/log/kafka/transaction_requests.ts'
import { brokerCode } from '../../src/wire/broker_code.ts'
import type { Connection } from '../../src/wire/connection.ts'
import type { AddPartitionsToTxnBody } from '../../src/wire/requests/add_partitions_to_txn.ts'
import type { EndTxnBody } from '../../src/wire/requests/end_txn.ts'
import type { InitProducerIdBody } from '../../src/wire/requests/init_producer_id.ts'
import { ModelLeaders } from './model_leaders.ts'

type Name = 'InitProducerId' | 'AddPartitionsToTxn' | 'EndTxn'
type Body = InitProducerIdBody & AddPartitionsToTxnBody & EndTxnBody

const producerId = 7
const triesMax = 10

export class ModelCoordinator extends ModelLeaders implements TransactionCluster {
  readonly isSecond: boolean
  /** What was asked, in order: 'init', 'raise 3', 'add 0 1', 'commit 3', 'abort 3'. */
  readonly asked: string[] = []
  /** Errors of the next answers, by the request's name; none is left: no error. */
  readonly errors: Partial<Record<Name, number[]>> = {}
  #epoch = 0

  constructor(partitions: number, isSecond: boolean) {
    super(partitions)
    this.isSecond = isSecond
  }

  override async retry<T>(question: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await question()
      } catch (error) {
        if (!isPassing(error) || tries === triesMax) throw error
      }
    }
  }

  async coordinator(): Promise<Connection> {
    const request = async ({ name }: { name: Name }, body: Body) => this.#answer(name, body)
    return { does: () => this.isSecond, request } as unknown as Connection
  }

  #answer(name: Name, body: Body) {
    this.asked.push(wordsOf(name, body))
    const errorCode = this.errors[name]?.shift() ?? brokerCode.NONE
    if (name === 'AddPartitionsToTxn') return { topics: answered(body, errorCode) }
    if (errorCode !== 0) return { errorCode, producerId: -1, producerEpoch: -1 }
    if (name === 'EndTxn' && !this.isSecond) return { errorCode, producerId: -1, producerEpoch: -1 }
    return { errorCode, producerId, producerEpoch: ++this.#epoch }
  }
}

function wordsOf(name: Name, body: Body): string {
  if (name === 'EndTxn') return `${body.committed ? 'commit' : 'abort'} ${body.producerEpoch}`
  if (name === 'InitProducerId')
    return body.producerEpoch < 0 ? 'init' : `raise ${body.producerEpoch}`
  return `add ${body.topics.flatMap(({ partitions }) => partitions).join(' ')}`
}

/** The error is the last partition's; the others were not attempted then. */
function answered({ topics }: Body, errorCode: number) {
  return topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map((partition, index) => ({
      partition,
      errorCode:
        errorCode === 0 || index === partitions.length - 1
          ? errorCode
          : brokerCode.OPERATION_NOT_ATTEMPTED,
    })),
  }))
}

// Reads records without a group, for tools and tests. Called by KafkajsLog.read.
import type { Cluster, KafkaMessage } from 'kafkajs'
import type { AbortedTransaction } from '../../wire/requests/fetch.ts'
import { unknownTopic } from '../failures.ts'
import type { StoredRecord } from '../log.ts'
import { type ClientMaker, clusterOf } from './client.ts'
import { headersOf } from './pack.ts'

/** What kafkajs's Broker.fetch answers, as far as it is used here. */
interface FetchAnswer {
  readonly responses: readonly {
    readonly partitions: readonly {
      readonly highWatermark: string
      readonly messages: readonly FetchedMessage[]
      readonly abortedTransactions?: readonly AbortedText[]
    }[]
  }[]
}
type FetchedMessage = KafkaMessage & {
  readonly isControlRecord: boolean
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean }
}
/** An AbortedTransaction with its numbers as text. */
type AbortedText = { readonly [K in keyof AbortedTransaction]: string }

const readCommitted = 1
const maxWaitMs = 100

export class Reader {
  readonly #makeClient: ClientMaker
  /** Connected for the topic that was read last: one that is gone spoils a kafkajs client. */
  #topic: string | undefined
  #cluster: Promise<Cluster> | undefined

  constructor(makeClient: ClientMaker) {
    this.#makeClient = makeClient
  }

  async read(
    topic: string,
    partition: number,
    offset: number,
    maxBytes: number,
  ): Promise<StoredRecord[]> {
    if (this.#topic !== topic) await this.close()
    this.#topic = topic
    this.#cluster ??= this.#connect(topic)
    try {
      const cluster = await this.#cluster
      return await this.#fetch(cluster, topic, partition, offset, maxBytes)
    } catch (error) {
      await this.close()
      throw error
    }
  }

  async #connect(topic: string): Promise<Cluster> {
    const cluster = clusterOf(this.#makeClient())
    try {
      await cluster.connect()
      await cluster.addTargetTopic(topic)
      return cluster
    } catch (error) {
      await cluster.disconnect()
      throw error
    }
  }

  async #fetch(
    cluster: Cluster,
    topic: string,
    partition: number,
    offset: number,
    maxBytes: number,
  ): Promise<StoredRecord[]> {
    const [nodeId] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]))
    if (nodeId === undefined) throw unknownTopic({ topic, partition })
    const broker = await cluster.findBroker({ nodeId })
    for (let from = offset; ; ) {
      const answer: FetchAnswer = await broker.fetch({
        maxWaitTime: maxWaitMs,
        minBytes: 0,
        maxBytes,
        isolationLevel: readCommitted,
        topics: [{ topic, partitions: [{ partition, fetchOffset: String(from), maxBytes }] }],
      })
      const fetched = answer.responses[0].partitions[0]
      const records = visible(fetched.messages, fetched.abortedTransactions ?? [])
        .filter((message) => Number(message.offset) >= offset)
        .map(asStored)
      const last = fetched.messages.at(-1)
      if (records.length > 0 || !last) return records
      // Nothing but marks and aborted transactions: go on behind them.
      from = Number(last.offset) + 1
    }
  }

  async close(): Promise<void> {
    const cluster = this.#cluster
    this.#cluster = undefined
    await cluster?.then((one) => one.disconnect()).catch(() => {})
  }
}

/** Without control records and what belongs to aborted transactions. */
function visible(
  messages: readonly FetchedMessage[],
  aborted: readonly AbortedText[],
): FetchedMessage[] {
  const starts = [...aborted].sort((a, b) => Number(a.firstOffset) - Number(b.firstOffset))
  const open = new Set<string>()
  return messages.filter(({ offset, isControlRecord, batchContext, key }) => {
    while (starts.length > 0 && Number(offset) >= Number(starts[0].firstOffset))
      open.add(starts.shift()!.producerId)
    // The key of a mark is its version and its kind: 0 is abort.
    if (isControlRecord && key?.[3] === 0) open.delete(batchContext.producerId)
    return !isControlRecord && !(batchContext.inTransaction && open.has(batchContext.producerId))
  })
}

function asStored(message: FetchedMessage): StoredRecord {
  const { offset, timestamp, key, value } = message
  return {
    offset: Number(offset),
    timestamp: Number(timestamp),
    key,
    value,
    headers: headersOf(message),
  }
}

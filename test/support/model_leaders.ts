// Leaders of partitions in memory that take batches as Kafka's do, by producer id, epoch and
// number; a script says what goes wrong. Used by tests of the Kafka producer.
import assert from 'node:assert/strict'
import { EuphorionError } from '../../src/errors.ts'
import type { ProducerCluster } from '../../src/log/kafka/producer.ts'
import { BatchCursor } from '../../src/wire/batch_header.ts'
import { brokerCode } from '../../src/wire/broker_code.ts'
import type { Connection } from '../../src/wire/connection.ts'
import { decodeBatches } from '../../src/wire/record_batch.ts'
import type { ProduceBody, ProducedPartition } from '../../src/wire/requests/produce.ts'

/** What happens to a batch on its way: whether the leader gets it, and what is answered. */
export interface ProduceFault {
  /** Default true. */
  readonly arrives?: boolean
  /** The answer is this instead of what the leader says. */
  readonly errorCode?: number
  readonly logStartOffset?: number
  readonly currentLeader?: number
  /** No answer: the connection ends. */
  readonly lost?: boolean
}

/** A batch as it was sent. */
export interface SentBatch {
  readonly nodeId: number
  readonly partition: number
  readonly producerId: number
  readonly epoch: number
  readonly sequence: number
  readonly values: readonly string[]
}

interface Remembered {
  epoch: number
  batches: { sequence: number; count: number; offset: number }[]
}

class ModelPartition {
  leader = 0
  /** Undefined while an election is on. */
  hasLeader = true
  readonly values: string[] = []
  readonly producers = new Map<number, Remembered>()
}

export class ModelLeaders implements ProducerCluster {
  readonly partitions: ModelPartition[]
  /** In the order of their arrival at a connection. */
  readonly sent: SentBatch[] = []
  /** Partitions of each request. */
  readonly requests: number[][] = []
  /** Called for each batch; undefined: nothing goes wrong. */
  fault: (batch: SentBatch) => ProduceFault | undefined = () => undefined
  /** Answers wait for it. */
  gate: Promise<void> | undefined
  refreshes = 0
  inFlight = 0
  inFlightMax = 0
  unreachable = new Set<number>()
  nextId = 100
  firstEpoch = 0
  appendTimeMs = -1
  maxBytes = Number.POSITIVE_INFINITY
  #known: number[]

  constructor(partitions: number) {
    this.partitions = Array.from({ length: partitions }, () => new ModelPartition())
    this.#known = this.partitions.map(() => 0)
  }

  topic(): undefined {
    return undefined
  }

  leader(_topic: string, partition: number) {
    const nodeId = this.#known[partition]
    return nodeId === undefined || nodeId < 0 ? undefined : { nodeId, epoch: 1 }
  }

  setLeader(_topic: string, partition: number, { nodeId }: { nodeId: number }): void {
    this.#known[partition] = nodeId
  }

  async metadata(topics: readonly string[]) {
    if (topics[0] !== 't') throw new EuphorionError('TOPIC_UNKNOWN', 'no such topic')
    const leaders = this.#known.map((nodeId) => ({ nodeId, epoch: 1 }))
    return [{ name: 't', id: null, isInternal: false, leaders, knownAtMs: 0 }]
  }

  async refresh(): Promise<void> {
    this.refreshes++
    this.#known = this.partitions.map(({ leader, hasLeader }) => (hasLeader ? leader : -1))
  }

  async retry<T>(question: () => Promise<T>): Promise<T> {
    return question()
  }

  async anyConnection(): Promise<Connection> {
    return this.#connectionTo(0)
  }

  async connection(nodeId: number): Promise<Connection> {
    if (this.unreachable.has(nodeId))
      throw new EuphorionError('BROKER_UNREACHABLE', `broker ${nodeId} is away`)
    return this.#connectionTo(nodeId)
  }

  #connectionTo(nodeId: number): Connection {
    const request = async (type: { name: string }, body: unknown) => {
      if (type.name === 'InitProducerId')
        return { errorCode: 0, producerId: this.nextId++, producerEpoch: this.firstEpoch }
      return this.#produce(nodeId, body as ProduceBody)
    }
    return { request } as unknown as Connection
  }

  async #produce(nodeId: number, { acks, topics }: ProduceBody) {
    assert.equal(acks, -1)
    const [{ topic, partitions }] = topics
    this.requests.push(partitions.map(({ partition }) => partition))
    this.inFlightMax = Math.max(this.inFlightMax, ++this.inFlight)
    let isLost = false
    const answers = partitions.map(({ partition, records }) => {
      const batch = sentBatch(nodeId, partition, records as Uint8Array)
      this.sent.push(batch)
      const fault = this.fault(batch) ?? {}
      isLost ||= fault.lost === true
      const answer =
        fault.arrives === false ? refusal(partition, 0) : this.#append(batch, records.length)
      const { errorCode, logStartOffset = -1, currentLeader } = fault
      const moved =
        currentLeader === undefined ? undefined : { leaderId: currentLeader, leaderEpoch: 2 }
      if (errorCode === undefined) return answer
      return { ...refusal(partition, errorCode), logStartOffset, currentLeader: moved }
    })
    await this.gate
    await undefined
    this.inFlight--
    if (isLost) throw new EuphorionError('LOG_FAILED', 'the connection ended')
    return { topics: [{ topic, partitions: answers }], throttleTimeMs: 0, nodeEndpoints: [] }
  }

  #append(batch: SentBatch, bytes: number): ProducedPartition {
    const { partition, producerId, epoch, sequence, values } = batch
    const model = this.partitions[partition]
    if (model.leader !== batch.nodeId || !model.hasLeader)
      return refusal(partition, brokerCode.NOT_LEADER_OR_FOLLOWER)
    if (bytes > this.maxBytes) return refusal(partition, brokerCode.MESSAGE_TOO_LARGE)
    const known = model.producers.get(producerId)
    const last = known?.batches.at(-1)
    if (known !== undefined && epoch < known.epoch)
      return refusal(partition, brokerCode.INVALID_PRODUCER_EPOCH)
    if (known === undefined || epoch > known.epoch) {
      if (known !== undefined && sequence !== 0)
        return refusal(partition, brokerCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
      model.producers.set(producerId, { epoch, batches: [] })
    } else {
      const twin = known.batches.find(
        (each) => each.sequence === sequence && each.count === values.length,
      )
      if (twin !== undefined) return this.#answer(partition, twin.offset)
      if (last !== undefined && sequence !== last.sequence + last.count)
        return refusal(partition, brokerCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    }
    const offset = model.values.length
    model.values.push(...values)
    const { batches } = model.producers.get(producerId)!
    batches.push({ sequence, count: values.length, offset })
    if (batches.length > 5) batches.shift()
    return this.#answer(partition, offset)
  }

  #answer(partition: number, baseOffset: number): ProducedPartition {
    return { ...refusal(partition, 0), baseOffset, logAppendTimeMs: this.appendTimeMs }
  }
}

function refusal(partition: number, errorCode: number): ProducedPartition {
  return {
    partition,
    errorCode,
    baseOffset: -1,
    logAppendTimeMs: -1,
    logStartOffset: -1,
    recordErrors: [],
    errorMessage: null,
    currentLeader: undefined,
  }
}

function sentBatch(nodeId: number, partition: number, bytes: Uint8Array): SentBatch {
  const batch = new BatchCursor(bytes)
  assert.ok(batch.next() && batch.at === bytes.length, 'one whole batch')
  return {
    nodeId,
    partition,
    producerId: batch.producerId,
    epoch: batch.producerEpoch,
    sequence: batch.baseSequence,
    values: decodeBatches(bytes).map(({ value }) => Buffer.from(value!).toString()),
  }
}

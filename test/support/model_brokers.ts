// Brokers in memory behind the interface of a Connection, for tests of what reads from them: logs
// of numbered batches, leaders that move, and answers given in pieces when the test says so.
import { EuphorionError } from '../../src/errors.ts'
import type { Cluster } from '../../src/log/kafka/cluster.ts'
import { Encoder } from '../../src/wire/encoder.ts'
import type { AnswerSink } from '../../src/wire/request.ts'
import type { FetchBody, FetchPartition } from '../../src/wire/requests/fetch.ts'
import { batchOf } from './batches.ts'
import { keyed } from './plans.ts'

const version = 11
/** As the landing buffer of a connection: a whole small answer fits. */
const landingBytes = 4096
const notLeader = 6
const outOfRange = 1
const sessionUnknown = 70
const sessionOutOfStep = 71

interface ModelPartition {
  /** -1: none now. */
  leader: number
  epoch: number
  start: number
  /** As an answer tells of them. */
  aborted?: readonly { readonly producerId: number; readonly firstOffset: number }[]
  /** A follower that the leader sends readers with a rack to. */
  follower?: number
  /** Batches with consecutive offsets. */
  readonly batches: { readonly base: number; readonly next: number; readonly bytes: Uint8Array }[]
}

/** What a broker remembers of a reader. */
interface ModelSession {
  readonly nodeId: number
  id: number
  epoch: number
  readonly asked: Map<string, { readonly topic: string; readonly asked: FetchPartition }>
}

/** An answer on its way: stepped until it is through. */
interface Delivery {
  readonly body: Buffer
  readonly sink: AnswerSink
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
  at: number
}

export class ModelBrokers {
  readonly partitions = new Map<string, ModelPartition>()
  readonly connections: ModelConnection[] = []
  /** Brokers that take no connections. */
  readonly down = new Set<number>()
  /** Topics that metadata does not know. */
  readonly deleted = new Set<string>()
  /** Questions about metadata, and how many topics they were about. */
  readonly asked: number[] = []
  /** Of topics, as they are, and as the cluster knows them since the last question. */
  readonly ids = new Map<string, string>()
  /** Of fetches, by id. */
  readonly sessions = new Map<number, ModelSession>()
  #lastSession = 0
  readonly #knownIds = new Map<string, string>()
  readonly #known = new Set<string>()
  fetches = 0
  /** Of records, in answers so far. */
  bytes = 0
  #readers = 0

  addPartition(topic: string, partition: number, leader: number): ModelPartition {
    const made: ModelPartition = { leader, epoch: 0, start: 0, batches: [] }
    this.partitions.set(`${topic} ${partition}`, made)
    return made
  }

  append(topic: string, partition: number, records: number, valueBytes = 10): void {
    const { batches } = this.partitions.get(`${topic} ${partition}`)!
    const base = batches.at(-1)?.next ?? 0
    const stored = Array.from({ length: records }, (_, i) => ({
      ...keyed(base + i, 1, 'k'),
      value: new Uint8Array(valueBytes),
    }))
    batches.push({ base, next: base + records, bytes: batchOf(stored) })
  }

  /** Asks for metadata of these topics. */
  look(topics: readonly string[]): void {
    this.asked.push(topics.length)
    for (const topic of topics) {
      const id = this.ids.get(topic)
      if (id !== undefined) this.#knownIds.set(topic, id)
      if (this.deleted.has(topic)) this.#known.delete(topic)
      else this.#known.add(topic)
    }
  }

  /** What the fetcher asks of a cluster. */
  cluster(): Cluster {
    const made = {
      readerPurpose: () => `fetch ${this.#readers++}`,
      release: () => undefined,
      topic: (topic: string) => {
        const id = this.#knownIds.get(topic)
        return id === undefined ? undefined : { id }
      },
      metadata: async (topics: readonly string[], { refresh = false } = {}) => {
        const isKnown = (topic: string): boolean => this.#known.has(topic)
        if (!refresh && topics.every(isKnown)) return
        this.look(topics)
        if (topics.some((topic) => this.deleted.has(topic)))
          throw new EuphorionError('TOPIC_UNKNOWN', 'deleted')
      },
      leader: (topic: string, partition: number) => {
        const found = this.partitions.get(`${topic} ${partition}`)!
        if (this.deleted.has(topic) || found.leader < 0) return undefined
        return { nodeId: found.leader, epoch: found.epoch }
      },
      connection: async (nodeId: number) => {
        if (this.down.has(nodeId)) throw new EuphorionError('BROKER_UNREACHABLE', 'down')
        const open = this.connections.find((each) => each.nodeId === nodeId && !each.closed)
        if (open !== undefined) return open
        const connection = new ModelConnection(this, nodeId)
        this.connections.push(connection)
        return connection
      },
    }
    return made as unknown as Cluster
  }

  /** The body of the answer that a broker gives now. */
  answer(nodeId: number, body: FetchBody): Buffer {
    const { sessionEpoch, maxBytes, rackId } = body
    const session = this.#session(nodeId, body)
    const to = new Encoder()
    to.int32(0)
    to.int16(typeof session === 'number' ? session : 0)
    to.int32(typeof session === 'number' ? 0 : session.id)
    let left = maxBytes
    const answered: { topic: string; head: Encoder }[] = []
    for (const [key, { topic, asked }] of typeof session === 'number' ? [] : [...session.asked]) {
      const head = new Encoder()
      const isFirst = left === maxBytes
      const told = this.#partition(head, nodeId, topic, asked, left, isFirst, rackId !== '')
      left -= told.bytes
      if (sessionEpoch > 0 && !told.isNews) continue
      answered.push({ topic, head })
      if (told.bytes === 0 || typeof session === 'number') continue
      // others come first the next time
      session.asked.delete(key)
      session.asked.set(key, { topic, asked })
    }
    to.array(answered, ({ topic, head }) => {
      to.string(topic)
      to.array([head], (one) => {
        for (const piece of one.pieces()) for (const byte of piece) to.int8((byte << 24) >> 24)
      })
    })
    return Buffer.from(to.finish())
  }

  /** What is asked for, with what the broker remembers (KIP-227); or an error code. */
  #session(nodeId: number, body: FetchBody): ModelSession | number {
    const { sessionId, sessionEpoch, topics, forgottenTopics } = body
    const known = this.sessions.get(sessionId)
    const isNew = sessionEpoch <= 0
    if (isNew) this.sessions.delete(sessionId)
    else if (known === undefined || known.nodeId !== nodeId) return sessionUnknown
    else if (known.epoch !== sessionEpoch) return sessionOutOfStep
    const session =
      isNew || known === undefined ? { nodeId, id: 0, epoch: 0, asked: new Map() } : known
    session.epoch = sessionEpoch + 1
    for (const { topic, partitions } of forgottenTopics)
      for (const partition of partitions) session.asked.delete(`${topic} ${partition}`)
    for (const { topic, partitions } of topics)
      for (const asked of partitions)
        session.asked.set(`${topic} ${asked.partition}`, { topic, asked })
    if (sessionEpoch === 0) {
      session.id = ++this.#lastSession
      this.sessions.set(session.id, session)
    }
    return session
  }

  #partition(
    to: Encoder,
    nodeId: number,
    topic: string,
    asked: FetchPartition,
    room: number,
    isFirst: boolean,
    hasRack: boolean,
  ): { readonly bytes: number; readonly isNews: boolean } {
    const found = this.partitions.get(`${topic} ${asked.partition}`)!
    const end = found.batches.at(-1)?.next ?? 0
    const { fetchOffset } = asked
    const isOut = fetchOffset < found.start || fetchOffset > end
    const { leader } = found
    const follower = hasRack || nodeId !== leader ? (found.follower ?? -1) : -1
    const isHere = leader === nodeId || follower === nodeId
    const errorCode = !isHere ? notLeader : isOut ? outOfRange : 0
    const isElsewhere = errorCode !== 0 || (follower >= 0 && follower !== nodeId)
    const records = isElsewhere ? new Uint8Array(0) : bytesFrom(found, asked, room, isFirst)
    this.bytes += records.length
    to.int32(asked.partition)
    to.int16(errorCode)
    to.int64(end)
    to.int64(end)
    to.int64(found.start)
    to.array(found.aborted ?? null, ({ producerId, firstOffset }) => {
      to.int64(producerId)
      to.int64(firstOffset)
    })
    const preferred = errorCode === 0 && leader === nodeId ? follower : -1
    to.int32(preferred)
    to.bytes(records)
    const isNews = errorCode !== 0 || preferred >= 0 || records.length > 0
    return { bytes: records.length, isNews }
  }
}

/** As a broker slices its log: cut anywhere, but the first batch of all comes whole. */
function bytesFrom(
  { batches }: ModelPartition,
  { fetchOffset, partitionMaxBytes }: FetchPartition,
  room: number,
  isFirst: boolean,
): Uint8Array {
  const rest = batches.filter(({ next }) => next > fetchOffset).map(({ bytes }) => bytes)
  if (rest.length === 0) return new Uint8Array(0)
  const most = Math.max(0, Math.min(partitionMaxBytes, room))
  if (rest[0].length > most) return isFirst ? rest[0] : new Uint8Array(0)
  return Buffer.concat(rest).subarray(0, most)
}

class ModelConnection {
  readonly nodeId: number
  readonly #brokers: ModelBrokers
  closed = false
  #delivery: Delivery | undefined
  /** Also behind the end of an answer, as a socket is. */
  #paused = false

  constructor(brokers: ModelBrokers, nodeId: number) {
    this.#brokers = brokers
    this.nodeId = nodeId
  }

  version(): number {
    return version
  }

  requestInto(_type: unknown, body: FetchBody, sink: AnswerSink): Promise<void> {
    if (this.#delivery !== undefined) throw new Error('two fetches at once')
    this.#brokers.fetches++
    return new Promise((resolve, reject) => {
      const answer = this.#brokers.answer(this.nodeId, body)
      this.#delivery = { body: answer, sink, resolve, reject, at: 0 }
    })
  }

  /** Gives up to `count` bytes of the answer. */
  step(count: number): void {
    const delivery = this.#delivery
    if (delivery === undefined || this.#paused) return
    const { body, sink } = delivery
    const landing = new Uint8Array(landingBytes)
    const target = sink.target(body.length - delivery.at) ?? landing
    const taken = Math.min(count, target.length, body.length - delivery.at)
    target.set(body.subarray(delivery.at, delivery.at + taken))
    delivery.at += taken
    try {
      this.#paused = !sink.take(target.subarray(0, taken), body.length - delivery.at)
    } catch (error) {
      this.#end(error)
      return
    }
    if (delivery.at < body.length) return
    this.#delivery = undefined
    delivery.resolve()
  }

  resume(): void {
    this.#paused = false
  }

  close(): void {
    this.#end(new EuphorionError('LOG_FAILED', 'closed'))
  }

  #end(error: unknown): void {
    this.closed = true
    const delivery = this.#delivery
    this.#delivery = undefined
    delivery?.reject(error)
  }
}

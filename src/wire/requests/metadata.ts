// Metadata: the brokers of a cluster, and the partitions of topics with their leaders. Asked by
// Cluster.
import type { Decoder } from '../decoder.ts'
import type { RequestType } from '../request.ts'

export interface MetadataBody {
  /** null: all topics; empty: the brokers only. */
  readonly topics: readonly string[] | null
  /** Whether the broker may create a topic that is not there. */
  readonly allowAutoTopicCreation: boolean
}

export interface MetadataAnswer {
  readonly throttleTimeMs: number
  readonly brokers: readonly MetadataBroker[]
  readonly clusterId: string | null
  /** -1: unknown. */
  readonly controllerId: number
  readonly topics: readonly MetadataTopic[]
}

export interface MetadataBroker {
  readonly nodeId: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
}

export interface MetadataTopic {
  readonly errorCode: number
  readonly topic: string
  /** As Kafka's tools print it, 22 characters; another one after the topic was made anew. Null
   * below version 10 and where the broker knows none (KIP-516). */
  readonly topicId: string | null
  readonly isInternal: boolean
  readonly partitions: readonly MetadataPartition[]
}

export interface MetadataPartition {
  readonly errorCode: number
  readonly partition: number
  /** -1: none now. */
  readonly leaderId: number
  /** -1: unknown (KIP-320). */
  readonly leaderEpoch: number
  readonly replicaNodes: readonly number[]
  readonly isrNodes: readonly number[]
  readonly offlineReplicas: readonly number[]
}

const noTopicId = new Uint8Array(16)

export const metadataRequest: RequestType<MetadataBody, MetadataAnswer> = {
  name: 'Metadata',
  apiKey: 3,
  versions: [9, 12],
  flexibleFrom: 9,

  encode(to, body, version) {
    to.structures(body.topics, (topic) => {
      if (version >= 10) to.uuid(noTopicId)
      to.string(topic)
    })
    to.boolean(body.allowAutoTopicCreation)
    // What we are allowed to do with the cluster and the topics is not asked.
    if (version <= 10) to.boolean(false)
    to.boolean(false)
    to.end()
  },

  decode(from, version) {
    const throttleTimeMs = from.int32()
    const brokers = from.structures(() => ({
      nodeId: from.int32(),
      host: from.string(),
      port: from.int32(),
      rack: from.nullableString(),
    }))
    const clusterId = from.nullableString()
    const controllerId = from.int32()
    const topics = from.structures(() => decodeTopic(from, version))
    if (version <= 10) from.skip(4)
    from.tags()
    return { throttleTimeMs, brokers, clusterId, controllerId, topics }
  },
}

function decodeTopic(from: Decoder, version: number): MetadataTopic {
  const errorCode = from.int16()
  const topic = from.nullableString() ?? ''
  const topicId = version >= 10 ? printedTopicId(from.uuid()) : null
  const isInternal = from.boolean()
  const partitions = from.structures(() => decodePartition(from))
  from.skip(4)
  return { errorCode, topic, topicId, isInternal, partitions }
}

function decodePartition(from: Decoder): MetadataPartition {
  return {
    errorCode: from.int16(),
    partition: from.int32(),
    leaderId: from.int32(),
    leaderEpoch: from.int32(),
    replicaNodes: from.array(() => from.int32()),
    isrNodes: from.array(() => from.int32()),
    offlineReplicas: from.array(() => from.int32()),
  }
}

function printedTopicId(id: Buffer): string | null {
  return id.equals(noTopicId) ? null : id.toString('base64url')
}

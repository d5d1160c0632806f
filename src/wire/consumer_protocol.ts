// What the members of a consumer group tell each other through JoinGroup and SyncGroup: Kafka's
// "consumer" protocol, versions 0 to 3. The coordinator keeps it as bytes. Used by the membership.
import { EuphorionError } from '../errors.ts'
import { Decoder } from './decoder.ts'
import { Encoder } from './encoder.ts'

export interface TopicPartitions {
  readonly topic: string
  readonly partitions: readonly number[]
}

export interface ConsumerSubscription {
  readonly topics: readonly string[]
  /** The assignor's own. */
  readonly userData: Uint8Array | null
  /** Of the generation before (KIP-429); none below version 1. */
  readonly ownedPartitions: readonly TopicPartitions[]
  /** In which they were owned (KIP-792); -1: none, or below version 2. */
  readonly generationId: number
  /** KIP-881; null below version 3. */
  readonly rackId: string | null
}

export interface ConsumerAssignment {
  readonly assignedPartitions: readonly TopicPartitions[]
  readonly userData: Uint8Array | null
}

/** Newest versions; what others write in newer ones is read as far as it is known here. */
const subscriptionVersion = 3
/** Versions 1 to 3 are version 0 by other numbers. */
const assignmentVersion = 0

/** Older versions are for tests. */
export function encodeSubscription(
  subscription: ConsumerSubscription,
  version = subscriptionVersion,
): Buffer {
  const to = new Encoder()
  to.int16(version)
  to.array(subscription.topics, (topic) => to.string(topic))
  to.bytes(subscription.userData)
  if (version >= 1) encodePartitions(to, subscription.ownedPartitions)
  if (version >= 2) to.int32(subscription.generationId)
  if (version >= 3) to.nullableString(subscription.rackId)
  return to.finish()
}

/** Views of the bytes. PROTOCOL_VIOLATED, in a leader because of another member's bytes. */
export function decodeSubscription(bytes: Buffer): ConsumerSubscription {
  const from = new Decoder(bytes)
  const version = decodeVersion(from)
  return {
    topics: from.array(() => from.string()),
    userData: from.nullableBytes(),
    ownedPartitions: version >= 1 ? decodePartitions(from) : [],
    generationId: version >= 2 ? from.int32() : -1,
    rackId: version >= 3 ? from.nullableString() : null,
  }
}

export function encodeAssignment(
  assignment: ConsumerAssignment,
  version = assignmentVersion,
): Buffer {
  const to = new Encoder()
  to.int16(version)
  encodePartitions(to, assignment.assignedPartitions)
  to.bytes(assignment.userData)
  return to.finish()
}

/** Views of the bytes; of no bytes, no partitions. PROTOCOL_VIOLATED. */
export function decodeAssignment(bytes: Buffer): ConsumerAssignment {
  if (bytes.length === 0) return { assignedPartitions: [], userData: null }
  const from = new Decoder(bytes)
  decodeVersion(from)
  return { assignedPartitions: decodePartitions(from), userData: from.nullableBytes() }
}

function encodePartitions(to: Encoder, topics: readonly TopicPartitions[]): void {
  to.array(topics, ({ topic, partitions }) => {
    to.string(topic)
    to.array(partitions, (partition) => to.int32(partition))
  })
}

function decodePartitions(from: Decoder): TopicPartitions[] {
  return from.array(() => ({ topic: from.string(), partitions: from.array(() => from.int32()) }))
}

function decodeVersion(from: Decoder): number {
  const version = from.int16()
  if (version >= 0) return version
  throw new EuphorionError(
    'PROTOCOL_VIOLATED',
    `a member of the group speaks version ${version} of the consumer protocol`,
  )
}

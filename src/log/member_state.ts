// What a member of a group tells the leader of itself, and what the leader tells it beside its
// partitions: the user data of Kafka's consumer protocol, in bytes of our own. The first byte is
// their version; what cannot be read says nothing. Used by kafka/member.ts.
import type { TopicPartitions } from '../wire/consumer_protocol.ts'
import { Decoder } from '../wire/decoder.ts'
import { Encoder } from '../wire/encoder.ts'

/** Local state of a partition, and how many records of its changelog it lacks. */
export interface HeldState {
  readonly topic: string
  readonly partition: number
  readonly lag: number
}

/** The user data of a subscription. */
export interface LocalState {
  /** State of partitions that are not owned. */
  readonly held: readonly HeldState[]
  /** Members in one place never hold copies of the same state. '': the member's own. */
  readonly place: string
}

export interface MemberState extends LocalState {
  /** Of the group, when `owned` was assigned; -1: before any. */
  readonly generation: number
  readonly owned: readonly TopicPartitions[]
}

/** What the leader tells beside the partitions themselves. */
export interface ShareNotes {
  /** Some partition waits for its owner: another round follows. */
  readonly incomplete: boolean
  /** A checksum of the topics and their numbers of partitions that were assigned; 0: unknown. */
  readonly layout: number
  /** A checksum of the member's topics as the leader knew them; 0: unknown. */
  readonly subscription: number
  readonly standbys: readonly TopicPartitions[]
}

const VERSION = 1
const PARTITION_MAX = 2 ** 31 - 1

const nothingKnown: LocalState = { held: [], place: '' }
const noNotes: ShareNotes = { incomplete: false, layout: 0, subscription: 0, standbys: [] }

export function encodeLocalState(state: LocalState): Buffer {
  const to = started()
  to.string(state.place)
  to.array(state.held, ({ topic, partition, lag }) => {
    to.string(topic)
    to.uvarint(partition)
    to.int64(lag)
  })
  return Buffer.from(to.finish())
}

export function decodeLocalState(bytes: Uint8Array | null): LocalState {
  return read(bytes, nothingKnown, (from) => ({
    place: from.string(),
    held: from.array(() => ({
      topic: from.string(),
      partition: partitionFrom(from.uvarint()),
      lag: lagFrom(from.int64()),
    })),
  }))
}

export function encodeShareNotes(notes: ShareNotes): Buffer {
  const to = started()
  to.boolean(notes.incomplete)
  to.int64(notes.layout)
  to.int64(notes.subscription)
  writePartitions(to, notes.standbys)
  return Buffer.from(to.finish())
}

export function decodeShareNotes(bytes: Uint8Array | null): ShareNotes {
  return read(bytes, noNotes, (from) => ({
    incomplete: from.boolean(),
    layout: from.int64(),
    subscription: from.int64(),
    standbys: readPartitions(from),
  }))
}

function started(): Encoder {
  const to = new Encoder()
  to.int8(VERSION)
  to.flexible = true
  return to
}

/** The whole of it, or `otherwise`: other versions and other programs' bytes are no error. */
function read<T>(bytes: Uint8Array | null, otherwise: T, body: (from: Decoder) => T): T {
  if (bytes === null || bytes.length === 0 || bytes[0] !== VERSION) return otherwise
  const from = new Decoder(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), 1)
  from.flexible = true
  try {
    const value = body(from)
    return from.left === 0 ? value : otherwise
  } catch {
    return otherwise
  }
}

/** Each partition as its distance from the one before. */
function writePartitions(to: Encoder, topics: readonly TopicPartitions[]): void {
  to.array(topics, ({ topic, partitions }) => {
    to.string(topic)
    let next = 0
    to.array(partitions, (partition) => {
      to.uvarint(partition - next)
      next = partition + 1
    })
  })
}

function readPartitions(from: Decoder): TopicPartitions[] {
  return from.array(() => {
    const topic = from.string()
    let next = 0
    const partitions = from.array(() => {
      const partition = partitionFrom(next + from.uvarint())
      next = partition + 1
      return partition
    })
    return { topic, partitions }
  })
}

function partitionFrom(value: number): number {
  if (value > PARTITION_MAX) throw new RangeError(`no partition: ${value}`)
  return value
}

function lagFrom(value: number): number {
  if (value < 0 || !Number.isSafeInteger(value)) throw new RangeError(`no lag: ${value}`)
  return value
}

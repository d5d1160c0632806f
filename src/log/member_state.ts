// What a member of a group tells the leader of itself, and what the leader tells it beside its
// partitions: the user data of Kafka's consumer protocol, in bytes of our own. The first byte is
// their version; what cannot be read says nothing. Used by kafka/member.ts.
import type { TopicPartitions } from '../wire/consumer_protocol.ts'
import { Decoder } from '../wire/decoder.ts'
import { Encoder } from '../wire/encoder.ts'
import type { HeldState, MemberFacts } from './log.ts'

/** The facts of a member at one time. */
export interface ToldFacts extends Omit<MemberFacts, 'held'> {
  readonly held: readonly HeldState[]
}

/** A member that was in the group, by its transactional id. */
export interface KnownId {
  readonly id: string
  /** ms since it was last in a round. */
  readonly goneMs: number
}

/** The user data of a subscription. */
export interface LocalState extends ToldFacts {
  /** Copies of the same state should be in different places. '': the member's own. */
  readonly place: string
  /** Partitions whose state it was told to copy. */
  readonly standbys: readonly TopicPartitions[]
  /** Some of the members that it has heard of, gone or not. */
  readonly known: readonly KnownId[]
}

export interface MemberState extends LocalState {
  /** Of the group, when `owned` was assigned; -1: before any. */
  readonly generation: number
  readonly owned: readonly TopicPartitions[]
}

/** Where tables can be asked for what. */
export interface HostShare {
  readonly address: string
  readonly actives: readonly TopicPartitions[]
  readonly standbys: readonly TopicPartitions[]
}

/** What the leader tells beside the partitions themselves. */
export interface ShareNotes {
  /** Some partition waits for its owner: another round follows. */
  readonly incomplete: boolean
  /** A checksum of the topics and their numbers of partitions that were assigned; 0: unknown. */
  readonly layout: number
  /** A checksum of the member's topics and facts as the leader knew them; 0: unknown. */
  readonly declared: number
  readonly standbys: readonly TopicPartitions[]
  /** Of the standbys. */
  readonly warmups: readonly TopicPartitions[]
  /** Members of this round that this one is to remember. */
  readonly witnessed: readonly string[]
  readonly departed: readonly KnownId[]
  readonly hosts: readonly HostShare[]
}

const VERSION = 2
const PARTITION_MAX = 2 ** 31 - 1

/** Of a member that tells nothing. */
export const noFacts: ToldFacts = {
  transactionalId: '',
  address: '',
  stateful: [],
  standbyReplicas: 0,
  warmupReplicas: 0,
  acceptableLag: 0,
  held: [],
}

/** As they are now. */
export function toldFacts(member: MemberFacts | undefined): ToldFacts {
  if (member === undefined) return noFacts
  const { transactionalId, address, stateful, standbyReplicas } = member
  const { warmupReplicas, acceptableLag } = member
  const own = { transactionalId, address, stateful, standbyReplicas }
  return { ...own, warmupReplicas, acceptableLag, held: member.held() }
}

const nothingKnown: LocalState = { ...noFacts, place: '', standbys: [], known: [] }
/** Of a leader that tells nothing. */
export const noNotes: ShareNotes = {
  incomplete: false,
  layout: 0,
  declared: 0,
  standbys: [],
  warmups: [],
  witnessed: [],
  departed: [],
  hosts: [],
}

export function encodeLocalState(state: LocalState): Buffer {
  const to = started()
  to.string(state.transactionalId)
  to.string(state.address)
  to.array(state.stateful, (topic) => to.string(topic))
  to.uvarint(state.standbyReplicas)
  to.uvarint(state.warmupReplicas)
  to.int64(state.acceptableLag)
  to.array(state.held, ({ topic, partition, lag }) => {
    to.string(topic)
    to.uvarint(partition)
    to.int64(lag)
  })
  to.string(state.place)
  writePartitions(to, state.standbys)
  writeIds(to, state.known)
  return Buffer.from(to.finish())
}

export function decodeLocalState(bytes: Uint8Array | null): LocalState {
  return read(bytes, nothingKnown, (from) => ({
    transactionalId: from.string(),
    address: from.string(),
    stateful: from.array(() => from.string()),
    standbyReplicas: from.uvarint(),
    warmupReplicas: from.uvarint(),
    acceptableLag: countFrom(from),
    held: from.array(() => ({
      topic: from.string(),
      partition: partitionFrom(from.uvarint()),
      lag: countFrom(from),
    })),
    place: from.string(),
    standbys: readPartitions(from),
    known: readIds(from),
  }))
}

export function encodeShareNotes(notes: ShareNotes): Buffer {
  const to = started()
  to.boolean(notes.incomplete)
  to.int64(notes.layout)
  to.int64(notes.declared)
  writePartitions(to, notes.standbys)
  writePartitions(to, notes.warmups)
  to.array(notes.witnessed, (id) => to.string(id))
  writeIds(to, notes.departed)
  to.array(notes.hosts, ({ address, actives, standbys }) => {
    to.string(address)
    writePartitions(to, actives)
    writePartitions(to, standbys)
  })
  return Buffer.from(to.finish())
}

export function decodeShareNotes(bytes: Uint8Array | null): ShareNotes {
  return read(bytes, noNotes, (from) => ({
    incomplete: from.boolean(),
    layout: from.int64(),
    declared: from.int64(),
    standbys: readPartitions(from),
    warmups: readPartitions(from),
    witnessed: from.array(() => from.string()),
    departed: readIds(from),
    hosts: from.array(() => ({
      address: from.string(),
      actives: readPartitions(from),
      standbys: readPartitions(from),
    })),
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

function countFrom(from: Decoder): number {
  const value = from.int64()
  if (value < 0 || !Number.isSafeInteger(value)) throw new RangeError(`no number: ${value}`)
  return value
}

function writeIds(to: Encoder, ids: readonly KnownId[]): void {
  to.array(ids, ({ id, goneMs }) => {
    to.string(id)
    to.int64(goneMs)
  })
}

function readIds(from: Decoder): KnownId[] {
  return from.array(() => ({ id: from.string(), goneMs: countFrom(from) }))
}

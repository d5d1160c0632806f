// Reads the answer to a Fetch as it arrives, and has each partition's records read straight into
// the place that the handler gives: no copy but of what came together with a head. Made for each
// Fetch by BrokerFetcher.
//
//   throttle · error · session · topics ─▶ [ name · partitions ─▶ [ head │ records │ tags ] tags ]
import { EuphorionError } from '../../errors.ts'
import { Decoder } from '../../wire/decoder.ts'
import type { AnswerSink } from '../../wire/request.ts'
import type { AbortedTransaction } from '../../wire/requests/fetch.ts'

/** What stands in front of a partition's records. */
export interface PartitionHead {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
  readonly abortedTransactions: readonly AbortedTransaction[]
  /** -1: none. */
  readonly preferredReadReplica: number
  readonly recordBytes: number
}

/** Where records go: bytes[0 … ), or nowhere where they are to be thrown away. */
export interface RecordPlace {
  readonly bytes: Uint8Array | undefined
}

export interface FetchAnswerHandler {
  begin(errorCode: number, sessionId: number): void
  /** Called for each partition of the answer, also without records. */
  partition(head: PartitionHead): void
  /** Undefined: there is no place now; proceed() is called when there may be one. */
  place(head: PartitionHead): RecordPlace | undefined
  /** `filled` bytes are at the place: all, or as many as it has room for. */
  records(head: PartitionHead, place: RecordPlace, filled: number): void
}

/** A head with the transactions that were aborted in its range; far more than they ever take. */
const headBytesMax = 1 << 20
const nothing = Buffer.alloc(0)

type State = 'begin' | 'topic' | 'partition' | 'records' | 'partition-end' | 'topic-end' | 'end'

export class FetchAnswer implements AnswerSink {
  readonly #handler: FetchAnswerHandler
  readonly #flexible: boolean
  #state: State = 'begin'
  #topics = 0
  #partitions = 0
  #topic = ''
  #head: PartitionHead | undefined
  #place: RecordPlace | undefined
  #filled = 0
  #recordsLeft = 0
  /** Came, and cannot be read yet. */
  #rest: Buffer = nothing
  #given: Uint8Array | undefined
  #left = 0

  constructor(flexible: boolean, handler: FetchAnswerHandler) {
    this.#flexible = flexible
    this.#handler = handler
  }

  target(left: number): Uint8Array | undefined {
    this.#given = undefined
    if (this.#state !== 'records' || this.#rest.length > 0) return undefined
    const bytes = this.#place?.bytes
    if (bytes === undefined || this.#filled === bytes.length) return undefined
    const end = Math.min(bytes.length, this.#filled + Math.min(this.#recordsLeft, left))
    this.#given = bytes.subarray(this.#filled, end)
    return this.#given
  }

  take(bytes: Uint8Array, left: number): boolean {
    this.#left = left
    const given = this.#given
    if (given?.buffer === bytes.buffer && given.byteOffset === bytes.byteOffset) {
      this.#filled += bytes.length
      this.#recordsLeft -= bytes.length
      if (this.#recordsLeft > 0) return true
      return this.#read(nothing)
    }
    return this.#read(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
  }

  /** There may be a place now. True where reading can go on. */
  proceed(): boolean {
    return this.#read(nothing)
  }

  #read(piece: Buffer): boolean {
    const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece])
    this.#rest = nothing
    let at = 0
    for (;;) {
      if (this.#state === 'records') {
        this.#place ??= this.#handler.place(this.#head!)
        if (this.#place === undefined) {
          this.#keep(bytes, at)
          return false
        }
        at = this.#takeRecords(bytes, at, this.#place)
        if (this.#recordsLeft > 0) return true
        this.#endRecords(this.#place)
        continue
      }
      const next = at === bytes.length ? this.#withoutBytes(at) : this.#parse(bytes, at)
      if (next === undefined) {
        this.#keep(bytes, at)
        return true
      }
      at = next
      if (this.#state === 'end' && at === bytes.length) return true
    }
  }

  #keep(bytes: Buffer, at: number): void {
    this.#rest = at === bytes.length ? nothing : Buffer.from(bytes.subarray(at))
  }

  #takeRecords(bytes: Buffer, at: number, place: RecordPlace): number {
    const count = Math.min(this.#recordsLeft, bytes.length - at)
    const room = (place.bytes?.length ?? 0) - this.#filled
    if (room > 0 && count > 0) {
      const copied = Math.min(count, room)
      place.bytes!.set(bytes.subarray(at, at + copied), this.#filled)
      this.#filled += copied
    }
    this.#recordsLeft -= count
    return at + count
  }

  #endRecords(place: RecordPlace): void {
    const head = this.#head!
    const filled = this.#filled
    this.#place = undefined
    this.#filled = 0
    this.#state = 'partition-end'
    if (head.recordBytes > 0) this.#handler.records(head, place, filled)
  }

  /** As #parse, where nothing is there: of most parts that is known without a try. */
  #withoutBytes(at: number): number | undefined {
    const isEnded = this.#state === 'end'
    const isPlain = !this.#flexible
    const isLastPartition = this.#state === 'partition' && this.#partitions === 0
    const isTagged = this.#state === 'partition-end' || this.#state === 'topic-end'
    const isLastTopic = this.#state === 'topic' && this.#topics === 0
    if (isEnded) return at
    if (isLastPartition || (isPlain && (isTagged || isLastTopic)) || this.#left === 0)
      return this.#parse(nothing, 0) === undefined ? undefined : at
    return undefined
  }

  /** Position behind the next part; undefined where it is not all there yet. */
  #parse(bytes: Buffer, at: number): number | undefined {
    const from = new Decoder(bytes, at)
    from.flexible = this.#flexible
    try {
      this.#readPart(from)
      return from.at
    } catch (error) {
      const violated = error instanceof EuphorionError && error.code === 'PROTOCOL_VIOLATED'
      if (!violated || this.#left === 0 || bytes.length - at > headBytesMax) throw error
      return undefined
    }
  }

  /** Changes nothing before the part is read whole. */
  #readPart(from: Decoder): void {
    switch (this.#state) {
      case 'begin': {
        from.int32()
        const errorCode = from.int16()
        const sessionId = from.int32()
        this.#topics = Math.max(0, from.arrayLength())
        this.#handler.begin(errorCode, sessionId)
        this.#state = 'topic'
        break
      }
      case 'topic':
        if (this.#topics === 0) {
          from.tags()
          this.#state = 'end'
          break
        }
        this.#topic = from.string()
        this.#partitions = Math.max(0, from.arrayLength())
        this.#topics--
        this.#state = 'partition'
        break
      case 'partition':
        if (this.#partitions === 0) this.#state = 'topic-end'
        else this.#readHead(from)
        break
      case 'partition-end':
        from.tags()
        this.#state = 'partition'
        break
      case 'topic-end':
        from.tags()
        this.#state = 'topic'
        break
      default:
        throw new EuphorionError('PROTOCOL_VIOLATED', 'a Fetch answer goes on behind its end')
    }
  }

  #readHead(from: Decoder): void {
    const head: PartitionHead = {
      topic: this.#topic,
      partition: from.int32(),
      errorCode: from.int16(),
      highWatermark: from.int64(),
      lastStableOffset: from.int64(),
      logStartOffset: from.int64(),
      abortedTransactions: from.array(() => {
        const aborted = { producerId: from.int64(), firstOffset: from.int64() }
        from.tags()
        return aborted
      }),
      preferredReadReplica: from.int32(),
      recordBytes: Math.max(0, this.#flexible ? from.uvarint() - 1 : from.int32()),
    }
    if (head.recordBytes > from.left + this.#left)
      throw new EuphorionError('PROTOCOL_VIOLATED', 'records are longer than their Fetch answer')
    this.#partitions--
    this.#head = head
    this.#recordsLeft = head.recordBytes
    this.#state = head.recordBytes > 0 ? 'records' : 'partition-end'
    this.#handler.partition(head)
  }
}

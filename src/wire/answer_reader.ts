// Cuts what a connection receives into answers: a size, the response header, the body. The socket
// reads a body to where it belongs; everything else goes through a small landing buffer.
//
//   size 4 │ correlation id 4 │ tagged fields, in flexible versions │ body …
import { EuphorionError } from '../errors.ts'
import type { AnswerSink } from './request.ts'

/** A request whose answer is to come. */
export interface AwaitedAnswer {
  readonly correlationId: number
  /** Tagged fields follow the correlation id. */
  readonly flexibleHeader: boolean
  /** Takes the body; without one it is gathered. */
  readonly sink: AnswerSink | undefined
}

export interface AnswerPort {
  /** The oldest request without an answer. */
  awaited(): AwaitedAnswer | undefined
  /** Its answer is complete. `body` is empty where a sink took it. */
  complete(body: Buffer): void
}

/**
 * An answer begins in it, and so does what comes after a pause: what it holds of a body is copied.
 */
const landingBytes = 4096
const nothing = Buffer.alloc(0)

type Step = 'size' | 'correlation' | 'tagCount' | 'tag' | 'tagSize' | 'tagBytes' | 'body'

export class AnswerReader {
  readonly #port: AnswerPort
  readonly #answerBytesMax: number
  readonly #landing = new Uint8Array(landingBytes)
  #step: Step = 'size'
  /** The integer that is being read, and its bytes so far. */
  #number = 0
  #numberBytes = 0
  #tagsLeft = 0
  /** Bytes of the answer that have not come. */
  #left = 0
  #awaited: AwaitedAnswer | undefined
  #body = nothing
  #paused = false

  constructor(port: AnswerPort, answerBytesMax: number) {
    this.#port = port
    this.#answerBytesMax = answerBytesMax
  }

  /** A sink wants no more for now. */
  get paused(): boolean {
    return this.#paused
  }

  resume(): void {
    this.#paused = false
  }

  /** Where the socket reads to next; never empty. */
  buffer(): Uint8Array {
    if (this.#step !== 'body' || this.#paused) return this.#landing
    const sink = this.#awaited?.sink
    if (sink === undefined) return this.#body.subarray(this.#body.length - this.#left)
    const target = sink.target(this.#left)
    if (target === undefined || target.length === 0) return this.#landing
    return target.length > this.#left ? target.subarray(0, this.#left) : target
  }

  /** The first `count` bytes of what buffer() gave have arrived. PROTOCOL_VIOLATED. */
  arrived(count: number, buffer: Uint8Array): void {
    if (buffer !== this.#landing) {
      this.#bodyArrived(count, buffer.subarray(0, count))
      return
    }
    for (let at = 0; at < count; ) {
      if (this.#step === 'body') {
        const taken = Math.min(this.#left, count - at)
        const piece = buffer.subarray(at, at + taken)
        at += taken
        if (this.#awaited?.sink === undefined) this.#body.set(piece, this.#body.length - this.#left)
        this.#bodyArrived(taken, piece)
      } else this.#headerByte(buffer[at++])
    }
  }

  #bodyArrived(count: number, bytes: Uint8Array): void {
    this.#left -= count
    const sink = this.#awaited?.sink
    if (sink !== undefined && !sink.take(bytes, this.#left)) this.#paused = true
    if (this.#left === 0) this.#complete()
  }

  #complete(): void {
    const body = this.#body
    this.#step = 'size'
    this.#awaited = undefined
    this.#body = nothing
    this.#port.complete(body)
  }

  #headerByte(byte: number): void {
    switch (this.#step) {
      case 'size':
        if (this.#wholeInt32(byte)) this.#sized(this.#takeNumber())
        return
      case 'correlation':
        this.#left--
        if (this.#wholeInt32(byte)) this.#correlated(this.#takeNumber())
        return
      case 'tagBytes':
        this.#count()
        if (--this.#number === 0) this.#tagEnds()
        return
      default:
        this.#count()
        if (this.#wholeVarint(byte)) this.#tagNumber()
    }
  }

  #count(): void {
    if (this.#left === 0) throw violated('an answer is shorter than its header')
    this.#left--
  }

  #wholeInt32(byte: number): boolean {
    this.#number = (this.#number << 8) | byte
    return ++this.#numberBytes === 4
  }

  #wholeVarint(byte: number): boolean {
    if (this.#numberBytes === 5) throw violated('a varint has more than five bytes')
    this.#number += (byte & 0x7f) * 128 ** this.#numberBytes++
    return byte < 0x80
  }

  #takeNumber(): number {
    const number = this.#number
    this.#number = 0
    this.#numberBytes = 0
    return number
  }

  #sized(size: number): void {
    this.#awaited = this.#port.awaited()
    if (size >>> 16 === tlsAlert) throw violated('it answers in TLS')
    if (size < 4) throw violated(`an answer of ${size} bytes`)
    // A sink takes an answer of any size: nothing is set aside for it here.
    if (size > this.#answerBytesMax && this.#awaited?.sink === undefined)
      throw violated(`an answer of ${size} bytes, at most ${this.#answerBytesMax} are read`)
    if (this.#awaited === undefined) throw violated('an answer to no request')
    this.#left = size
    this.#step = 'correlation'
  }

  #correlated(id: number): void {
    const awaited = this.#awaited!
    if (id !== awaited.correlationId)
      throw violated(`the answer to request ${id} where that to ${awaited.correlationId} is due`)
    if (awaited.flexibleHeader) this.#step = 'tagCount'
    else this.#beginBody()
  }

  /** A varint of the header is whole: the count of the tagged fields, or a tag, or its size. */
  #tagNumber(): void {
    const number = this.#takeNumber()
    if (this.#step === 'tagCount') {
      this.#tagsLeft = number + 1
      this.#tagEnds()
    } else if (this.#step === 'tag') this.#step = 'tagSize'
    else if (number > this.#left) throw violated('a tagged field is longer than its answer')
    else if (number === 0) this.#tagEnds()
    else {
      this.#number = number
      this.#step = 'tagBytes'
    }
  }

  #tagEnds(): void {
    if (--this.#tagsLeft > 0) this.#step = 'tag'
    else this.#beginBody()
  }

  #beginBody(): void {
    this.#step = 'body'
    if (this.#awaited?.sink === undefined) this.#body = Buffer.allocUnsafe(this.#left)
    if (this.#left === 0) this.#complete()
  }
}

/** The first two bytes of a TLS alert. */
const tlsAlert = 0x1503

export function violated(what: string): EuphorionError {
  return new EuphorionError('PROTOCOL_VIOLATED', what)
}

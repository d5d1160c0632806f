// Frames of the local socket: length, request number, kind, JSON, bytes. Also how errors cross it.
import { type ErrorCode, type ErrorPlace, EuphorionError } from '../errors.ts'

export const frameKinds = { request: 0, reply: 1, error: 2 } as const

export interface Frame {
  /** Number of the request; its reply has the same. */
  readonly id: number
  readonly kind: number
  readonly json: unknown
  readonly payload: Uint8Array
}

/** length u32 (of what follows it), id u32, kind u8, length of the JSON u32; little-endian. */
const headBytes = 13

/** The parts of a frame, to be written one behind the other. */
export function encodeFrame(
  id: number,
  kind: number,
  json: unknown,
  payload: Uint8Array | undefined,
): { head: Buffer; payload: Uint8Array | undefined; bytes: number } {
  const text = Buffer.from(JSON.stringify(json ?? null))
  const head = Buffer.allocUnsafe(headBytes + text.length)
  const bytes = head.length + (payload?.length ?? 0)
  head.writeUInt32LE(bytes - 4, 0)
  head.writeUInt32LE(id, 4)
  head[8] = kind
  head.writeUInt32LE(text.length, 9)
  text.copy(head, headBytes)
  return { head, payload, bytes }
}

/** Puts frames together from what a socket gives. */
export class FrameReader {
  readonly #maxBytes: number
  #chunks: Buffer[] = []
  #size = 0
  #needed = 4

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The frames that are whole now; undefined when a frame is too large or no frame at all. */
  push(chunk: Buffer): Frame[] | undefined {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    const frames: Frame[] = []
    while (this.#size >= this.#needed) {
      const bytes = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks)
      this.#chunks = [bytes]
      this.#needed = 4 + bytes.readUInt32LE(0)
      if (this.#needed > this.#maxBytes || this.#needed < headBytes) return undefined
      if (this.#size < this.#needed) break
      const frame = decodeFrame(bytes.subarray(0, this.#needed))
      if (frame === undefined) return undefined
      frames.push(frame)
      this.#size -= this.#needed
      this.#chunks = this.#size > 0 ? [bytes.subarray(this.#needed)] : []
      this.#needed = 4
    }
    return frames
  }
}

function decodeFrame(bytes: Buffer): Frame | undefined {
  const end = headBytes + bytes.readUInt32LE(9)
  if (end > bytes.length) return undefined
  try {
    const json: unknown = JSON.parse(bytes.toString('utf8', headBytes, end))
    // A copy, aligned and of its own, that the receiver may keep and change.
    const payload = new Uint8Array(bytes.length - end)
    payload.set(bytes.subarray(end))
    return { id: bytes.readUInt32LE(4), kind: bytes[8], json, payload }
  } catch {
    return undefined
  }
}

interface SentError {
  readonly code: string
  readonly message: string
  readonly place?: ErrorPlace
  readonly cause?: string
}

/** An error as JSON. */
export function packError(error: unknown): SentError {
  if (!(error instanceof EuphorionError))
    return { code: '', message: error instanceof Error ? error.message : String(error) }
  const { code, message, place } = error
  const offset = place.offset === undefined ? undefined : Number(place.offset)
  const cause = error.cause instanceof Error ? error.cause.message : undefined
  return { code, message, place: { ...place, offset }, cause }
}

/** The error of the other side, with its code, or a plain Error where it had none. */
export function unpackError(json: unknown): Error {
  const { code, message, place, cause } = json as SentError
  if (code === '') return new Error(message)
  return new EuphorionError(code as ErrorCode, message, {
    place,
    cause: cause === undefined ? undefined : new Error(cause),
  })
}

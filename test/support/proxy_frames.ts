// Finds where Kafka's frames begin in a stream of bytes that arrives in pieces. Called by
// proxy_pipe.ts.

/** How much of a frame must be there before a rule can be asked: length, key and version. */
export const requestBytes = 8
/** The length. */
export const responseBytes = 4

/** A part of the stream: the beginning of a frame (at least its head) or more of it. */
export interface FramePiece {
  readonly bytes: Buffer
  /** Of the frame that begins here, with its length field; undefined for more of the last one. */
  readonly frameBytes?: number
}

/** From bytes on that cannot be a frame (TLS), all is more of the last one. */
export class FrameScanner {
  readonly #headBytes: number
  #head: Buffer = Buffer.alloc(0)
  /** Of the present frame. */
  #left = 0

  constructor(headBytes: number) {
    this.#headBytes = headBytes
  }

  *scan(chunk: Buffer): Generator<FramePiece> {
    let rest = chunk
    while (rest.length > 0) {
      if (this.#left > 0) {
        const bytes = rest.subarray(0, this.#left)
        this.#left -= bytes.length
        rest = rest.subarray(bytes.length)
        yield { bytes }
        continue
      }
      this.#head = Buffer.concat([this.#head, rest])
      if (this.#head.length < this.#headBytes) return
      const length = this.#head.readInt32BE(0)
      const isFrame = length >= this.#headBytes - 4 && length <= frameBytesMax
      const frameBytes = isFrame ? 4 + length : Number.POSITIVE_INFINITY
      const bytes = this.#head.subarray(0, frameBytes)
      rest = this.#head.subarray(bytes.length)
      this.#head = Buffer.alloc(0)
      this.#left = frameBytes - bytes.length
      yield isFrame ? { bytes, frameBytes } : { bytes }
    }
  }
}

/** Above what brokers accept; a TLS record's first bytes are a larger number. */
const frameBytesMax = 256 * 1024 * 1024

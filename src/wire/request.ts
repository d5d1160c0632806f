// What a request of Kafka's protocol is: its number, the versions that are spoken here, and how its
// body and its answer's body are written. One file a request in src/wire/requests; sent by
// Connection, which writes the headers.
import type { Decoder } from './decoder.ts'
import type { Encoder } from './encoder.ts'

export interface RequestType<Q, A> {
  /** As Kafka calls it: 'Fetch'. */
  readonly name: string
  readonly apiKey: number
  /** Lowest and highest version spoken here. */
  readonly versions: readonly [lowest: number, highest: number]
  /** First version with compact encodings and tagged fields. */
  readonly flexibleFrom: number
  /** Writes the body; `to.flexible` is set already. */
  encode(to: Encoder, body: Q, version: number): void
  /** Reads the body of the answer; `from.flexible` is set already. */
  decode(from: Decoder, version: number): A
}

/** Takes the body of an answer as it arrives, where it is too large to be gathered first. */
export interface AnswerSink {
  /**
   * Where the next bytes are to be read to; at most `left` are. Undefined: anywhere, a small
   * buffer of the connection's own.
   */
  target(left: number): Uint8Array | undefined
  /**
   * These bytes arrived: what target() gave, as far as it is filled, or a piece of the connection's
   * own buffer, which is overwritten later. `left` bytes of the answer follow. False: read no more
   * until resume() of the connection; what was read meanwhile still comes, piece by piece.
   */
  take(bytes: Uint8Array, left: number): boolean
}

// The messages in test/wire/recorded; made by record_requests.ts. Used by the tests of the requests.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Decoder } from '../../src/wire/decoder.ts'
import { Encoder } from '../../src/wire/encoder.ts'
import type { RequestType } from '../../src/wire/request.ts'
import { requests } from '../../src/wire/requests.ts'
import type { Json } from './kafka_shapes.ts'

export interface Recorded {
  /** 'Fetch'. */
  readonly name: string
  readonly isAnswer: boolean
  readonly version: number
  readonly bytes: Buffer
  /** What Kafka's classes read in the bytes. */
  readonly json: Json
}

/** `file`: 'broker', 'kafkajs', 'made'. */
export function recorded(file: string): Recorded[] {
  const path = join(import.meta.dirname, '../../../test/wire/recorded', `${file}.json`)
  const messages = JSON.parse(readFileSync(path, 'utf8')) as {
    readonly message: string
    readonly version: number
    readonly hex: string
    readonly json: Json
  }[]
  return messages.map(({ message, version, hex, json }) => ({
    name: message.replace(/(Request|Response)$/, ''),
    isAnswer: message.endsWith('Response'),
    version,
    bytes: Buffer.from(hex, 'hex'),
    json,
  }))
}

/** Of messages that are requests or answers. */
export function typeOf({ name, version }: Recorded): RequestType<unknown, unknown> {
  const type = Object.values(requests).find(
    ({ name: known, versions: [lowest, highest] }) =>
      known === name && version >= lowest && version <= highest,
  )
  if (type === undefined) throw new Error(`${name} ${version} is not spoken`)
  return type as RequestType<unknown, unknown>
}

export function encodeBody(
  type: RequestType<unknown, unknown>,
  version: number,
  body: unknown,
): Buffer {
  const to = new Encoder()
  to.flexible = version >= type.flexibleFrom
  type.encode(to, body, version)
  return to.finish()
}

/** The answer, and how many bytes were not read. */
export function decodeAnswer(
  type: RequestType<unknown, unknown>,
  version: number,
  bytes: Buffer,
): { answer: unknown; left: number } {
  const from = new Decoder(bytes)
  from.flexible = version >= type.flexibleFrom
  const answer = type.decode(from, version)
  return { answer, left: from.left }
}

/** No error anywhere in it. */
export function isSuccess(answer: unknown): boolean {
  if (typeof answer !== 'object' || answer === null) return true
  const { errorCode = 0 } = answer as { errorCode?: unknown }
  return errorCode === 0 && Object.values(answer).every(isSuccess)
}

// A partition of a table that another worker has, read over HTTP. Made by routed_parts.ts.

import { eachRow } from '../batch/rows.ts'
import { type Clock, pause } from '../clock.ts'
import { type ErrorCode, EuphorionError, isErrorCode } from '../errors.ts'
import { asBuffer, unpackValues } from '../table/packed.ts'
import type { ScanOptions, StoreEntry, StoreReads } from '../table/store.ts'
import { type PartRead, READ_KEYS_MAX, READ_ROWS_MAX, type ReadRefusal } from './part_reads.ts'
import { signatureHeader, signRequest } from './signed_request.ts'

export interface RemotePartOptions {
  /** Where to ask now, the best first: host:port. Empty: nobody has it. */
  readonly addresses: () => readonly string[]
  /** Workers tell where they can be asked. */
  readonly mayAsk: boolean
  readonly table: string
  readonly partition: number
  /** It is a copy that is asked. */
  readonly stale: boolean
  /** Shared by all workers of the app; undefined: none. */
  readonly secret: string | undefined
  readonly timeoutMs: number
  readonly clock: Clock
}

/** How often a partition that nobody has is asked for, and the pause between. */
const ROUNDS = 4
const ROUND_MS = 50

export const readsPath = '/euphorion/reads'

export class RemotePart implements StoreReads {
  readonly #options: RemotePartOptions

  constructor(options: RemotePartOptions) {
    this.#options = options
  }

  async get(key: Uint8Array): Promise<Buffer | undefined> {
    return (await this.getMany([key]))[0]
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Buffer | undefined)[]> {
    const values: (Buffer | undefined)[] = []
    for (let at = 0; at < keys.length; at += READ_KEYS_MAX) {
      const asked = keys.slice(at, at + READ_KEYS_MAX).map(base64)
      values.push(...unpackValues(await this.#ask({ keys: asked })))
    }
    return values
  }

  /** Each page of rows is as of its own moment. */
  async *scan({ gte, lt, reverse = false, limit = Infinity }: ScanOptions) {
    let left = limit
    let from = gte
    let to = lt
    while (left > 0) {
      const rows = Math.min(left, READ_ROWS_MAX)
      const bounds = { ...(from && { gte: base64(from) }), ...(to && { lt: base64(to) }) }
      const page = entriesOf(await this.#ask({ scan: { ...bounds, reverse, limit: rows } }))
      yield* page
      if (page.length < rows) return
      left -= page.length
      const [last] = page[page.length - 1]
      if (reverse) to = last
      else from = Buffer.concat([last, Buffer.from([0])])
    }
  }

  /** Asks one after the other; a partition that moves is asked for again, a few times. */
  async #ask(what: Pick<PartRead, 'keys' | 'scan'>): Promise<Buffer> {
    const { addresses, mayAsk, table, partition, stale, clock } = this.#options
    if (!mayAsk)
      throw this.#error('QUERY_UNAVAILABLE', 'another worker has the partition, and answers nobody')
    const body = JSON.stringify({ table, partition, stale, ...what } satisfies PartRead)
    let moving = this.#error('TABLE_MOVING', 'no worker has the partition at the moment')
    for (let round = 0; round < ROUNDS; round++) {
      if (round > 0) await pause(clock, ROUND_MS)
      for (const address of addresses()) {
        try {
          return await this.#askOne(address, body)
        } catch (error) {
          if (!(error instanceof EuphorionError) || error.code !== 'TABLE_MOVING') throw error
          moving = error
        }
      }
    }
    throw moving
  }

  async #askOne(address: string, body: string): Promise<Buffer> {
    const { secret, timeoutMs, clock } = this.#options
    const headers: Record<string, string> = { 'content-type': 'application/json' }
    if (secret !== undefined)
      headers[signatureHeader] = signRequest(secret, readsPath, body, clock.now())
    const ending = new AbortController()
    const cancel = clock.after(timeoutMs, () => ending.abort())
    try {
      const request = { method: 'POST', headers, body, signal: ending.signal }
      const answer = await fetch(`http://${address}${readsPath}`, request)
      const bytes = Buffer.from(await answer.arrayBuffer())
      if (answer.ok) return bytes
      throw this.#refused(address, answer.status, bytes)
    } catch (cause) {
      if (cause instanceof EuphorionError) throw cause
      const how = ending.signal.aborted ? `did not answer in ${timeoutMs} ms` : 'cannot be reached'
      throw this.#error('TABLE_MOVING', `the worker at ${address} ${how}`, cause)
    } finally {
      cancel()
    }
  }

  #refused(address: string, status: number, body: Buffer): EuphorionError {
    const refusal = parseRefusal(body.toString())
    if (refusal !== undefined && isErrorCode(refusal.code))
      return this.#error(refusal.code, refusal.message)
    return this.#error('QUERY_UNAVAILABLE', `${address} answered with HTTP status ${status}`)
  }

  #error(code: ErrorCode, message: string, cause?: unknown): EuphorionError {
    const { table, partition } = this.#options
    return new EuphorionError(code, message, { cause, place: { table, partition } })
  }
}

/** Undefined for what no worker says. */
function parseRefusal(text: string): ReadRefusal | undefined {
  try {
    return JSON.parse(text) as ReadRefusal
  } catch {
    return undefined
  }
}

function base64(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('base64')
}

function entriesOf(rows: Buffer): StoreEntry[] {
  const entries: StoreEntry[] = []
  eachRow(rows, (_op, keyStart, keyEnd, valueEnd) => {
    entries.push([rows.subarray(keyStart, keyEnd), rows.subarray(keyEnd, valueEnd)])
  })
  return entries
}

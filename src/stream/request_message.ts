// How a request says where its reply goes, as Faust does it: by two headers, or wrapped around its
// value. Written by agents that are asked, read where an agent yields.
import type { LogHeader } from '../log/log.ts'
import { parseJson } from '../record/json.ts'
import { isObject } from './reply_message.ts'

/** Where a reply goes, and whose it is. */
export interface ReplyAddress {
  /** A topic. */
  readonly replyTo: string
  /** Unique among the requests that are under way. */
  readonly correlationId: string
}

/** What a request says besides. */
export interface RequestAddress extends ReplyAddress {
  /** An asker that is told when no reply will come. Programs of Faust would take it for a value. */
  readonly hearsErrors: boolean
}

export const replyToHeader = 'Faust-Ag-ReplyTo'
const correlationHeader = 'Faust-Ag-CorrelationId'
const errorsHeader = 'Euphorion-Ag-Errors'

/** Ends the JSON of every wrapped request, but for spaces. */
export const wrapperMark = 'ReqRepRequest"'
const namespaces: readonly unknown[] = ['@ReqRepRequest', '@ModelReqRepRequest']

/** `hearsErrors` is told where it holds. */
export function requestHeaders(address: ReplyAddress, hearsErrors: boolean): LogHeader[] {
  const headers = [
    { key: replyToHeader, value: Buffer.from(address.replyTo) },
    { key: correlationHeader, value: Buffer.from(address.correlationId) },
  ]
  if (hearsErrors) headers.push({ key: errorsHeader, value: Buffer.from('1') })
  return headers
}

/** Undefined where it is no request. */
export function requestOfHeaders(headers: readonly LogHeader[]): RequestAddress | undefined {
  const textOf = (name: string): string | undefined => {
    const value = headers.find(({ key }) => key === name)?.value
    return value == null ? undefined : Buffer.from(value).toString()
  }
  const replyTo = textOf(replyToHeader)
  if (replyTo === undefined || replyTo === '') return undefined
  const correlationId = textOf(correlationHeader) ?? ''
  return { replyTo, correlationId, hearsErrors: textOf(errorsHeader) !== undefined }
}

/** A request without headers; `json` is the value's. */
export function wrapRequest(json: string, { replyTo, correlationId }: ReplyAddress): Uint8Array {
  const to = `"reply_to":${JSON.stringify(replyTo)}`
  const id = `"correlation_id":${JSON.stringify(correlationId)}`
  return Buffer.from(`{"value":${json},${to},${id},"__faust":{"ns":"@ReqRepRequest"}}`)
}

/** Undefined where the value is no wrapped request; who wraps hears no errors. */
export function requestOfValue(value: Uint8Array | null): RequestAddress | undefined {
  if (value === null) return undefined
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length)
  if (!bytes.includes(wrapperMark, 0, 'latin1')) return undefined
  const parsed = parseJson(bytes.toString())
  if (!isObject(parsed) || !isObject(parsed.__faust)) return undefined
  const { reply_to: replyTo, correlation_id: correlationId } = parsed
  if (!namespaces.includes(parsed.__faust.ns) || !('value' in parsed)) return undefined
  if (typeof replyTo !== 'string' || typeof correlationId !== 'string') return undefined
  return { replyTo, correlationId, hearsErrors: false }
}

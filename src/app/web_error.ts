// Errors as HTTP answers: what a page throws on purpose, and what the codes of our own errors mean
// to who asks. Thrown by users' pages; read by the web server.
import { type ErrorCode, EuphorionError } from '../errors.ts'

/** Statuses of errors that pages throw. */
export type WebStatus =
  | 400
  | 401
  | 403
  | 404
  | 405
  | 406
  | 409
  | 410
  | 413
  | 415
  | 422
  | 429
  | 500
  | 503

/** A page answers with this status and the JSON `{ "error": message, ...facts }`. */
export class WebError extends Error {
  readonly status: WebStatus
  readonly facts: Readonly<Record<string, unknown>>

  constructor(status: WebStatus, message: string, facts: Readonly<Record<string, unknown>> = {}) {
    super(message)
    this.name = 'WebError'
    this.status = status
    this.facts = facts
  }
}

const statusOf: Partial<Record<ErrorCode, WebStatus>> = {
  USAGE: 400,
  RECORD_INVALID: 400,
  ACCESS_DENIED: 401,
  TABLE_UNKNOWN: 404,
  TOPIC_UNKNOWN: 404,
  TABLE_MOVING: 503,
  QUERY_UNAVAILABLE: 503,
  RECORD_TOO_LARGE: 413,
}

/** 500 for what nobody threw for the web; then the message is not for who asks. */
export function webError(error: unknown): WebError {
  if (error instanceof WebError) return error
  if (error instanceof EuphorionError) {
    const { code, message } = error
    const status = statusOf[code]
    if (status !== undefined) return new WebError(status, message, { code })
  }
  // hono's own errors, and those of its middleware
  const { status, message } = error as { readonly status?: unknown; readonly message?: unknown }
  if (typeof status === 'number' && status >= 400 && status < 600)
    return new WebError(status as WebStatus, String(message))
  return new WebError(500, 'the page failed')
}

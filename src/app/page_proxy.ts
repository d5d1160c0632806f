// Sends a request on to the worker that has the key of its page. Called by pages.ts.
import type { Clock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'

export interface RouteRequest {
  readonly request: Request
  /** 'host:port' of the worker. */
  readonly address: string
  readonly timeoutMs: number
  readonly clock: Clock
}

/** Marks a request that another worker sent on: it is sent on once only. */
export const ROUTED_HEADER = 'x-euphorion-routed'

/** Of one connection (RFC 9110, 7.6.1), or of the coding of a body that fetch has decoded. */
const requestOnly = ['host', 'connection', 'keep-alive', 'te', 'transfer-encoding', 'upgrade']
const answerOnly = ['connection', 'keep-alive', 'transfer-encoding', 'content-encoding']

/**
 * Method, query, headers and body go there, status, headers and body come back. Rejects with
 * QUERY_UNAVAILABLE where the worker does not begin to answer in time.
 */
export async function proxied(options: RouteRequest): Promise<Response> {
  const { request, address, timeoutMs, clock } = options
  const { pathname, search } = new URL(request.url)
  const headers = without(request.headers, requestOnly)
  headers.set(ROUTED_HEADER, '1')
  headers.set('accept-encoding', 'identity')
  const ending = new AbortController()
  const cancel = clock.after(timeoutMs, () => ending.abort())
  const hasBody = request.body !== null && request.method !== 'GET' && request.method !== 'HEAD'
  try {
    const answer = await fetch(`http://${address}${pathname}${search}`, {
      method: request.method,
      headers,
      redirect: 'manual',
      signal: ending.signal,
      ...(hasBody && { body: await request.arrayBuffer() }),
    })
    const { status, statusText, body } = answer
    const answered = without(answer.headers, [...answerOnly, 'content-length'])
    return new Response(body, { status, statusText, headers: answered })
  } catch (cause) {
    const message = `the worker at ${address} does not answer`
    throw new EuphorionError('QUERY_UNAVAILABLE', message, { cause })
  } finally {
    cancel()
  }
}

function without(headers: Headers, names: readonly string[]): Headers {
  const left = new Headers(headers)
  for (const name of names) left.delete(name)
  return left
}

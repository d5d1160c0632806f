// Who may ask a worker: whoever knows the secret that all workers of an app share. What workers ask
// each other is signed, so that the secret does not travel; people send it as a bearer token.
import { createHmac, timingSafeEqual } from 'node:crypto'

export const signatureHeader = 'x-euphorion-signature'

/** How far the clocks of two machines may be apart, and how old a request may be. */
const AGE_MS_MAX = 60_000

/** The value of the header: time and HMAC-SHA-256 of time, path and body. */
export function signRequest(secret: string, path: string, body: string, nowMs: number): string {
  return `${nowMs}.${hmac(secret, nowMs, path, body)}`
}

export function isSigned(
  header: string | undefined,
  secret: string,
  path: string,
  body: string,
  nowMs: number,
): boolean {
  const [time = '', given = ''] = (header ?? '').split('.')
  const atMs = Number(time)
  if (!Number.isSafeInteger(atMs) || Math.abs(nowMs - atMs) > AGE_MS_MAX) return false
  return isSame(given, hmac(secret, atMs, path, body))
}

/** Whether an Authorization header carries the secret. */
export function isBearer(header: string | undefined, secret: string): boolean {
  return isSame(header ?? '', `Bearer ${secret}`)
}

function hmac(secret: string, atMs: number, path: string, body: string): string {
  return createHmac('sha256', secret).update(`${atMs}\n${path}\n${body}`).digest('hex')
}

/** In a time that tells nothing of where they differ. */
function isSame(given: string, wanted: string): boolean {
  const digest = (text: string) => createHmac('sha256', 'compare').update(text).digest()
  return timingSafeEqual(digest(given), digest(wanted))
}

// Cuts the connection behind one byte after the other of a kind of response, and lets an operation
// go through each of them. Used by tests of cut connections.
import assert from 'node:assert/strict'
import type { FaultProxy } from './proxy.ts'

/** Kafka's numbers of requests. */
export const apiKey = {
  produce: 0,
  fetch: 1,
  listOffsets: 2,
  metadata: 3,
  offsetCommit: 8,
  offsetFetch: 9,
  findCoordinator: 10,
  joinGroup: 11,
  heartbeat: 12,
  leaveGroup: 13,
  syncGroup: 14,
  saslHandshake: 17,
  apiVersions: 18,
  initProducerId: 22,
  saslAuthenticate: 36,
} as const

export type ApiName = keyof typeof apiKey

export interface SweepOptions {
  readonly proxy: FaultProxy
  readonly api: ApiName
  /** About so many cuts, evenly; default: behind every byte. */
  readonly cuts?: number
  /** Responses that count; default: all. */
  readonly bytesMin?: number
}

/**
 * Runs the operation once for each cut; it must ask for such a response. Resolves with the number
 * of cuts, when a response was shorter than where it was to be cut.
 */
export async function sweepCuts(
  { proxy, api, cuts = Number.POSITIVE_INFINITY, bytesMin = 0 }: SweepOptions,
  operation: () => Promise<void>,
): Promise<number> {
  let done = 0
  for (let position = 0; ; ) {
    let bytes: number | undefined
    proxy.rules = {
      response: (frame) => {
        if (frame.apiKey !== apiKey[api] || frame.bytes < bytesMin || bytes !== undefined)
          return undefined
        bytes = frame.bytes
        return position <= frame.bytes ? { cutAfter: position } : undefined
      },
    }
    try {
      await operation()
    } catch (cause) {
      throw new Error(`${api} was cut after ${position} of ${bytes} bytes`, { cause })
    }
    assert.ok(bytes !== undefined, `the operation does not ask for ${api}`)
    if (position > bytes) break
    done++
    position += Math.max(1, Math.floor(bytes / cuts))
  }
  proxy.rules = {}
  return done
}

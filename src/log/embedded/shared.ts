// What the owner of a log directory and its remote clients say alike.
import { join } from 'node:path'
import { EuphorionError } from '../../errors.ts'
import type { LogCapabilities } from '../log.ts'

export const embeddedCapabilities: LogCapabilities = {
  driver: 'embedded',
  rawBatches: true,
  idempotentAppend: true,
  transactions: true,
  staticMembership: false,
  overlappingFetches: false,
}

export const readBytesDefault = 1024 * 1024

/** Frames of the socket hold the largest batch that a topic can allow. */
export const socketOptions = { maxFrameBytes: 258 * 1024 * 1024 }

export function socketPath(root: string): string {
  return join(root, 'log.sock')
}

export function lockedError(root: string, pid: number, cause?: unknown): EuphorionError {
  return new EuphorionError('LOG_LOCKED', `the embedded log in ${root} is open in process ${pid}`, {
    cause,
    place: { path: root },
  })
}

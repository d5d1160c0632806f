// How large the batches of a stream may be. Called by Stream.
import { EuphorionError } from '../errors.ts'
import type { BatchLimits } from './agent_records.ts'

/** What stream.batches() takes. */
export interface BatchOptions {
  /** Most events of a batch: 1 to 32768, which is the default. */
  readonly maxRecords?: number | undefined
  /** Most bytes of their records, uncompressed; one event always fits. Default 16 MiB. */
  readonly maxBytes?: number | undefined
}

const RECORDS_MAX = 32_768
const BYTES_DEFAULT = 16 * 1024 * 1024
const BYTES_MAX = 2 ** 31 - 1

/** Throws APP_INVALID. */
export function batchLimits(options: BatchOptions): BatchLimits {
  const { maxRecords = RECORDS_MAX, maxBytes = BYTES_DEFAULT } = options
  check('maxRecords', maxRecords, RECORDS_MAX)
  check('maxBytes', maxBytes, BYTES_MAX)
  return { maxRecords, maxBytes }
}

function check(name: string, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= max) return
  const message = `batches: ${name} ${value}: it is a whole number from 1 to ${max}`
  throw new EuphorionError('APP_INVALID', message)
}

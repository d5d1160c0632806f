// What the threads of handover.ts run: a look at the batch that they are given, and it goes back.
import assert from 'node:assert/strict'
import { move } from 'piscina'
import { recordCountOf } from '../../src/wire/batch_header.ts'

export interface HandedOver {
  readonly bytes: Uint8Array
  /** How it goes back: given away, copied, or only how many records it has. */
  readonly back: 'moved' | 'copied' | 'count'
}

/** What piscina calls. */
export default function look({ bytes, back }: HandedOver): unknown {
  const records = recordCountOf(bytes)
  assert(records > 0)
  if (back === 'count') return records
  return back === 'moved' ? move(bytes) : bytes
}

// Which time a call of a windowed table is about. Chosen by the user's handle
// (stream/windowed_table.ts), used by agent_windowed.ts.
import { EuphorionError } from '../errors.ts'
import type { EventInHand } from '../ingest/subscriber.ts'

/** The time that a call is about. */
export type TimeOf =
  /** Of the event in hand, or of one that is given. */
  { readonly of: 'event'; readonly field: string | undefined } | { readonly of: 'now' | 'stream' }

/** An event whose time counts, where it is not the one in hand. */
export type GivenEvent = EventInHand & { readonly partition?: number }

/** What a Date can be. */
const DATE_MAX_MS = 8.64e15

/** Throws RECORD_INVALID. */
export function timeIn(table: string, event: EventInHand, field: string | undefined): number {
  if (field === undefined) return event.timestamp
  const read = (event.value as Readonly<Record<string, unknown>> | null)?.[field]
  const atMs = read instanceof Date ? read.getTime() : read
  if (typeof atMs === 'number' && Math.abs(atMs) <= DATE_MAX_MS) return atMs
  const message = `field ${field} of the event in hand has no time: which window of table ${table}?`
  throw new EuphorionError('RECORD_INVALID', message, { place: { table } })
}

export function tooFarAhead(table: string, atMs: number): EuphorionError {
  const message = `the time ${new Date(atMs).toISOString()} is more than maxFutureMs ahead`
  return new EuphorionError('RECORD_INVALID', message, { place: { table } })
}

/** A partition, and what agents have of it. */
interface PartInHand {
  readonly name: string
  readonly partition: number
  readonly isHeld: boolean
  readonly inHand: EventInHand | undefined
}

/** Throws TIME_UNKNOWN. */
export function eventTime(
  part: PartInHand,
  field: string | undefined,
  given: GivenEvent | undefined,
): number {
  const { name } = part
  if (given?.partition !== undefined && given.partition !== part.partition) {
    const other = `the event that was given of ${given.partition}`
    const message = `the key is of partition ${part.partition} of table ${name}, ${other}`
    const place = { table: name, partition: part.partition }
    throw new EuphorionError('KEY_ELSEWHERE', message, { place })
  }
  const event = given ?? part.inHand
  if (event !== undefined) return timeIn(name, event, field)
  const place = { table: name, partition: part.partition }
  const several = 'several events (of one agent, or of several that read it), or a batch, are'
  const found = part.isHeld ? several : 'no event is'
  const message = `${found} in hand of partition ${part.partition}: which window of ${name}?`
  throw new EuphorionError('TIME_UNKNOWN', message, { place })
}

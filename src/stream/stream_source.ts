// Where the iterators of a stream take from: one slot (running function) of one partition of an
// agent. Asking for the next acknowledges the one before, unless events are kept.
import type { Clock } from '../clock.ts'
import type { RecordSchema } from '../record/schema.ts'
import type { Batch, BatchLimits } from './agent_records.ts'
import type { BatchShape } from './batch_shape.ts'
import type { Event } from './events.ts'
import type { Derivation } from './repartition.ts'
import type { Stream } from './stream.ts'

export interface StreamSource<K, V> {
  readonly clock: Clock
  /** Of the batches. */
  readonly shape: BatchShape
  takeValue(): Promise<IteratorResult<V, undefined>>
  takeEvent(): Promise<IteratorResult<Event<K, V>, undefined>>
  takeBatch(limits: BatchLimits): Promise<IteratorResult<Batch<K, V>, undefined>>
  /** Acknowledges nothing: the batch is not in hand before hand(). */
  takeAhead(limits: BatchLimits): Promise<IteratorResult<Batch<K, V>, undefined>>
  /** The oldest batch that was taken ahead is in hand now. */
  hand(): void
  /** Undefined: events may be handed out; else hand() has to wait for it. */
  paused(): Promise<void> | undefined
  /** What is in hand is acknowledged; not what was kept. */
  release(): void
  /** What was taken ahead is not wanted, nor what takeAhead() still waits for. */
  giveBack(): void

  /**
   * Acknowledges nothing: the event is kept, no cut waits for it, before handKept(). `isByHand`:
   * then only ack() acknowledges it; this waits while `unackedMax` of those are not.
   */
  takeKept(isByHand?: boolean): Promise<IteratorResult<Event<K, V>, undefined>>
  /** The same by hand, and in hand at once. */
  takeByHand(): Promise<IteratorResult<Event<K, V>, undefined>>
  /**
   * That event, or all that are kept, are in hand now; paused() is to be asked before. False:
   * nothing is handed out any more.
   */
  handKept(offset?: number): boolean
  /** What is in hand of them is acknowledged; what is by hand no cut waits for any more. */
  releaseKept(): void
  /** No cut waits any more for that event, or for all in hand. Unacknowledged they stay. */
  withholdKept(offset?: number): void
  /** What was kept and not handed comes again, to whoever asks next; nor is takeKept() awaited. */
  giveBackKept(): void
  /** One that is kept or in hand is acknowledged; false where it was, or is none of these. */
  ack(offset: number): boolean
  /** All that were handed out are; false where there were none. */
  ackHanded(): boolean
  /** Records are kept with their events from now on, for rawOf(). */
  keepRaw(): void
  /** Whoever waits, or asks next, gets the error; without one all that ask get the end. */
  interrupt(failure: { readonly error: unknown } | undefined): void
  /** The stream that goes on in another topic. Throws APP_INVALID. */
  derive(derivation: Derivation): Stream<unknown, unknown>
  /** The field that the records are keyed by, where the topic says so. */
  readonly keyedBy: string | undefined
  /** The fields of the values, where they are declared records. */
  readonly schema: RecordSchema | undefined
  /** Aborted when nothing more is to be taken: the partition moves away, or has stopped. */
  readonly ending: AbortSignal
}

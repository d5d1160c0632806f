// Where the iterators of a stream take from: one slot (running function) of one partition of an
// agent. Asking for the next acknowledges the one before.
import type { Clock } from '../clock.ts'
import type { Batch, BatchLimits } from './agent_records.ts'
import type { BatchShape } from './batch_shape.ts'
import type { Event } from './events.ts'

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
  /** What is in hand is acknowledged. */
  release(): void
  /** What was taken ahead is not wanted, nor what takeAhead() still waits for. */
  giveBack(): void
  /** Aborted when nothing more is to be taken: the partition moves away, or has stopped. */
  readonly ending: AbortSignal
}

// What the ingest loop gives to whoever wants a topic's events one by one: whole fetched batches of
// a partition go in, acknowledged offsets come out. Implemented by agents (stream/agent.ts).
import { EuphorionError } from '../errors.ts'

/** Wants the events of one topic; opened once per assigned partition. */
export interface EventSubscriber {
  /** For people. */
  readonly name?: string
  readonly topic: string
  /** That the topic is deleted is no error: the subscriber goes with it. */
  readonly mayGo?: boolean
  open(partition: number, beginning: SinkBeginning): PartitionSink
}

export interface SinkBeginning {
  /** Records below it (a batch may begin before it) are skipped. */
  readonly startOffset: number
  /** There the sink stops, with that error, and hands nothing out. */
  readonly until?: SinkHalt | undefined
}

export interface SinkHalt {
  readonly offset: number
  readonly error: EuphorionError
  /** The sink does not stop there: opened again, it tries once more, or leaves it out. */
  readonly goesOn?: boolean
}

/** Why a cut is given up where nothing is wrong but an attempt at an event, which was expected. */
export class AttemptFailed extends EuphorionError {
  constructor({ error }: SinkHalt) {
    super('TRANSACTION_ABORTED', 'an attempt at an event is taken back', { cause: error })
  }
}

/** What a function works on. */
export interface EventInHand {
  /** ms since the epoch. */
  readonly timestamp: number
  readonly value: unknown
}

/**
 * The events of one partition on their way to user code. At a cut the loop reads acknowledged(),
 * then lets outputs reach the log (EngineOptions.beforeCommit), then commits: never the other way
 * round.
 */
export interface PartitionSink {
  /**
   * True once nothing more is taken (a handler failed, or its function returned): the loop need not
   * fetch for it. acknowledged() stays where it is, push() does nothing.
   */
  readonly stopped: boolean
  /**
   * `payload` holds whole RecordBatches v2 and is not written to any more: batches may refer to it
   * for as long as user code keeps them. Resolves when the next one can be taken: never more than
   * one is out. False: a batch is damaged, what is not acknowledged has to be read again. Never
   * rejects.
   */
  push(payload: Uint8Array): Promise<boolean>
  /** User code has an event in hand: it may write tables. */
  readonly holds: boolean
  /** The one event that user code has in hand. Undefined: none, several, or a batch. */
  readonly inHand?: EventInHand | undefined
  /** Offset below which every event is acknowledged; what a cut commits. */
  acknowledged(): number
  /**
   * Hands out nothing more until resume(). Resolves when no handler has an event in hand, and what
   * they yielded, or refused, is with the sender. Never rejects.
   */
  pause(): Promise<void>
  resume(): void
  /** A pause has lasted for `ms`: stops; handlers that have an event in hand are not waited for. */
  stall(ms: number): void
  /**
   * A handler failed, or hangs, with the event at that offset in hand: what it has sent and written
   * for it may not count, and cannot be told from the rest since the last cut.
   */
  readonly spoiled: SinkHalt | undefined
  /**
   * Takes nothing more, finishes the events that handlers have now, and ends them. Never rejects.
   */
  close(): Promise<void>
}

// How operators take events from one another: one at a time, when they are asked for. Implemented
// by the beginnings of streams and by each operator; taken from by operators and loops.
//
//   kept ──hand()──▶ in hand of the user's code ──release()──▶ acknowledged
//     └──end()──▶ comes again, to whoever asks next
import type { Event } from './events.ts'

/** What has to be told of an event that is kept. */
export interface Claim {
  /** What it stands for is in hand already: other values of its event are. */
  readonly isInHand: boolean
  /** Undefined: it may be handed out now; else afterwards, when this is to be asked again. */
  paused(): Promise<unknown> | undefined
  /** The user's code has it. False: nothing is handed out any more, the stream has ended. */
  hand(): boolean
  /** The user's code has done with it: it is acknowledged, unless that is done by hand. */
  release(): void
  /** It is left out: acknowledged in any case. Only the first call of these two counts. */
  drop(): void
}

export interface Held<K, V> {
  readonly event: Event<K, V>
  readonly claim: Claim
}

export type Pulled<K, V> = IteratorResult<Held<K, V>, undefined>

/** One consumer, who asks for the next event when it has got the last one. */
export interface EventPull<K, V> {
  /**
   * Unless keep() was called the event is in hand at once, and acknowledges the one before. After
   * an error, end() is to be called.
   */
  next(): Promise<Pulled<K, V>>
  /** Before the first next(): events are in hand, and acknowledged, as their claims are told. */
  keep(): void
  /** The loop was left: what is in hand stays there, what was kept comes again. */
  end(): void
}

export const done = { done: true, value: undefined } as const

/** Of events that are acknowledged by the next one, or by nobody. */
export const noClaim: Claim = {
  isInHand: false,
  paused: () => undefined,
  hand: () => true,
  release: () => undefined,
  drop: () => undefined,
}

export function held<K, V>(event: Event<K, V>, claim: Claim): Pulled<K, V> {
  return { done: false, value: { event, claim } }
}

/** The event with another value. */
export function withValue<K, V, U>(event: Event<K, V>, value: U): Event<K, U> {
  return { ...event, value }
}

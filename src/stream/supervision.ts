// What an agent does about an event that its function throws on: options of the program, defaults
// of the settings, and the decision. Asked by agent_runs.ts.
import type { Random } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import { settingSpecs } from '../setting_specs.ts'
import type { Settings } from '../settings.ts'
import { type Duration, parseDuration } from '../units.ts'
import type { Event } from './events.ts'

/**
 * 'stop': that partition of that agent stops in front of the event, the others go on. 'skip': the
 * event is left out, logged and counted. 'dead-letter': it goes to the dead-letter topic, and is
 * acknowledged once it is stored there. 'crash': the app fails, app.ended rejects.
 */
export type FailurePolicy = (typeof failurePolicies)[number]

const failurePolicies = ['stop', 'skip', 'dead-letter', 'crash'] as const

export interface AgentFailure<K, V> {
  /** What the function threw. */
  readonly error: unknown
  /** The first of `events`; undefined: the function had none in hand. */
  readonly event: Event<K, V> | undefined
  /** All that it had in hand, decoded anew: several of a batch, or of take(). */
  readonly events: readonly Event<K, V>[]
  /** 1 when the event was handed out for the first time. */
  readonly attempt: number
  readonly agent: string
  readonly topic: string
  readonly partition: number
}

/** Must not throw; what it throws stops the partition. */
export type FailureFunction<K, V> = (failure: AgentFailure<K, V>) => FailurePolicy | 'retry'

export interface RetryOptions {
  /**
   * How often an event is handed out again after its first attempt; Infinity: until it is done.
   * Default: the setting agentRetries; 10 where onError is a function.
   */
  readonly attempts?: number
  /** Pause before the second attempt; doubled with each. Default: agentBackoffMs. */
  readonly backoff?: Duration
  /** Longest pause. Default: agentBackoffMaxMs. */
  readonly backoffMax?: Duration
}

export interface SupervisionOptions<K, V> {
  /**
   * An event that the function throws on is handed out again, to a fresh instance of the function,
   * before `onError` says what becomes of it.
   */
  readonly retry?: RetryOptions
  /**
   * What becomes of an event that has failed for good, or a function that is asked after each
   * failure, and may answer 'retry'. Default: the setting onAgentError.
   */
  readonly onError?: FailurePolicy | FailureFunction<K, V>
}

export type SupervisionDefaults = Pick<
  Settings,
  'onAgentError' | 'agentRetries' | 'agentBackoffMs' | 'agentBackoffMaxMs'
>

/** Of an agent whose options say nothing of it. */
const FUNCTION_RETRIES = 10

export class Supervision<K, V> {
  readonly #onError: FailurePolicy | FailureFunction<K, V>
  readonly #retries: number
  readonly #backoffMs: number
  readonly #backoffMaxMs: number
  readonly #random: Random

  constructor(
    { retry = {}, onError }: SupervisionOptions<K, V>,
    given: SupervisionDefaults | undefined,
    random: Random,
  ) {
    const defaults = given ?? specDefaults()
    const fallback = typeof onError === 'function' ? FUNCTION_RETRIES : defaults.agentRetries
    this.#onError = onError ?? defaults.onAgentError
    this.#retries = retry.attempts ?? fallback
    this.#backoffMs = msOf(retry.backoff) ?? defaults.agentBackoffMs
    const longest = msOf(retry.backoffMax) ?? defaults.agentBackoffMaxMs
    this.#backoffMaxMs = Math.max(this.#backoffMs, longest)
    this.#random = random
  }

  /** A function looks at the events. */
  get asks(): boolean {
    return typeof this.#onError === 'function'
  }

  /** Throws what onError throws. `hasEvent`: there is something to leave out. */
  decide(failure: AgentFailure<K, V>, hasEvent: boolean): FailurePolicy | 'retry' {
    const mayRetry = failure.attempt <= this.#retries
    const onError = this.#onError
    const policy = typeof onError === 'function' ? onError(failure) : mayRetry ? 'retry' : onError
    if (policy === 'retry') return mayRetry ? 'retry' : 'stop'
    if ((policy === 'skip' || policy === 'dead-letter') && !hasEvent) return 'stop'
    if (failurePolicies.includes(policy)) return policy
    throw new EuphorionError('APP_INVALID', `onError of agent ${failure.agent} says '${policy}'`)
  }

  /** Pause behind that attempt: half of it is left to chance, so that not all come back at once. */
  delayMs(attempt: number): number {
    const ms = Math.min(this.#backoffMaxMs, this.#backoffMs * 2 ** Math.min(attempt - 1, 52))
    return ms * (0.5 + 0.5 * this.#random())
  }
}

/** It needs the dead-letter topic. */
export function mayDeadLetter<K, V>(
  { onError }: SupervisionOptions<K, V> = {},
  { onAgentError }: SupervisionDefaults,
): boolean {
  return typeof onError === 'function' || (onError ?? onAgentError) === 'dead-letter'
}

/** Throws APP_INVALID. */
export function checkSupervision<K, V>({ retry = {}, onError }: SupervisionOptions<K, V>): void {
  const { attempts = 0, backoff = 0, backoffMax = 0 } = retry
  const isCount = attempts === Number.POSITIVE_INFINITY || Number.isInteger(attempts)
  if (!isCount || attempts < 0) invalid(`retry.attempts ${attempts}: it is a whole number`)
  for (const [name, given] of Object.entries({ backoff, backoffMax })) {
    const ms = msOf(given)
    if (ms === undefined || !(ms >= 0)) invalid(`retry.${name} '${given}': it is a time as '1s'`)
  }
  const isKnown = typeof onError !== 'string' || failurePolicies.includes(onError)
  if (!isKnown) invalid(`onError '${onError}': it is one of ${failurePolicies.join(', ')}`)
}

/** What a program that gives no settings has; a program of tests, mostly. */
function specDefaults(): SupervisionDefaults {
  const { onAgentError, agentRetries, agentBackoffMs, agentBackoffMaxMs } = settingSpecs
  return {
    onAgentError: onAgentError.default,
    agentRetries: agentRetries.default,
    agentBackoffMs: agentBackoffMs.default,
    agentBackoffMaxMs: agentBackoffMaxMs.default,
  }
}

function msOf(duration: Duration | undefined): number | undefined {
  return duration === undefined ? undefined : parseDuration(duration)
}

function invalid(message: string): never {
  throw new EuphorionError('APP_INVALID', message)
}

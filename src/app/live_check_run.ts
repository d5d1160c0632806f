// Runs the tests of live checks: on the worker that has the one partition of their topic. Tests are
// in memory; what runs when the partition moves is not reported.
import { AssertionError } from 'node:assert'
import type { Clock } from '../clock.ts'
import { type Deferred, deferred } from '../deferred.ts'
import { EuphorionError } from '../errors.ts'
import type { Event } from '../stream/events.ts'
import { type Duration, parseDuration } from '../units.ts'
import type { LiveCheckMessage, LiveCheckOptions, LiveCheckTimes } from './live_check.ts'

/**
 * SKIP: too old when its turn came, or too many ran. FAIL: an assertion does not hold. TIMEOUT: a
 * signal did not come in time. STALL: of no test; there was none for long.
 */
export type LiveCheckState = 'PASS' | 'FAIL' | 'ERROR' | 'TIMEOUT' | 'STALL' | 'SKIP'

export interface LiveCheckReport {
  readonly check: string
  /** '' of STALL. */
  readonly id: string
  readonly state: LiveCheckState
  readonly error?: string
  /** From its trigger to its end. */
  readonly ms: number
  /** ms from its trigger to each signal that came. */
  readonly signals: Readonly<Record<string, number>>
}

export interface LiveCheckSignal {
  /** What was sent with it, once it has come. Rejects after `timeout`: the test is TIMEOUT. */
  wait(options?: { readonly timeout?: Duration }): Promise<unknown>
}

export interface LiveCheckContext<Data, Signal extends string> {
  readonly id: string
  readonly data: Data
  readonly signals: Readonly<Record<Signal, LiveCheckSignal>>
  /** Aborted when the test has expired or its worker stops. */
  readonly signal: AbortSignal
}

export type LiveCheckFunction<Data, Signal extends string> = (
  context: LiveCheckContext<Data, Signal>,
) => unknown

export interface LiveCheckDefinition {
  readonly name: string
  readonly options: LiveCheckOptions<string>
  readonly times: LiveCheckTimes
  readonly run: LiveCheckFunction<unknown, string>
}

export interface LiveCheckPorts {
  readonly clock: Clock
  readonly report: (report: LiveCheckReport) => Promise<void>
  /** A report could not be sent, or onReport threw. */
  readonly failed: (error: unknown) => void
}

/** Of one check; more are SKIP. */
const TESTS_MAX = 100

class SignalTimeout extends Error {}

interface RunningTest {
  readonly beganMs: number
  readonly ending: AbortController
  readonly came: Map<string, { readonly value: unknown; readonly ms: number }>
  readonly waiting: Map<string, Deferred<unknown>>
}

/** Of one assignment of the partition. */
export class LiveCheckRun {
  readonly #checks: ReadonlyMap<string, LiveCheckDefinition>
  readonly #ports: LiveCheckPorts
  readonly #tests = new Map<string, Map<string, RunningTest>>()
  readonly #stalls = new Map<string, () => void>()

  constructor(checks: readonly LiveCheckDefinition[], ports: LiveCheckPorts) {
    this.#checks = new Map(checks.map((each) => [each.name, each]))
    this.#ports = ports
    for (const check of checks) {
      this.#tests.set(check.name, new Map())
      this.#watch(check)
    }
  }

  take({ value, timestamp }: Event<unknown, LiveCheckMessage>): void {
    const check = this.#checks.get(value.check)
    const tests = this.#tests.get(value.check)
    // of a program that had other checks
    if (check === undefined || tests === undefined) return
    if (value.kind === 'test') this.#begin(check, tests, value, timestamp)
    else this.#signalled(tests.get(value.id), value.signal, value.value)
  }

  /** Aborts what runs. */
  stop(): void {
    for (const cancel of this.#stalls.values()) cancel()
    for (const tests of this.#tests.values())
      for (const { ending } of tests.values()) ending.abort()
  }

  #begin(
    check: LiveCheckDefinition,
    tests: Map<string, RunningTest>,
    { id, data }: { readonly id: string; readonly data: unknown },
    triggeredMs: number,
  ): void {
    this.#watch(check)
    const ageMs = this.#ports.clock.now() - triggeredMs
    if (ageMs >= check.times.expiresMs || tests.size >= TESTS_MAX || tests.has(id)) {
      this.#report({ check: check.name, id, state: 'SKIP', ms: ageMs, signals: {} })
      return
    }
    const test: RunningTest = {
      beganMs: triggeredMs,
      ending: new AbortController(),
      came: new Map(),
      waiting: new Map(),
    }
    tests.set(id, test)
    void this.#run(check, id, data, test).finally(() => tests.delete(id))
  }

  async #run(
    check: LiveCheckDefinition,
    id: string,
    data: unknown,
    test: RunningTest,
  ): Promise<void> {
    const { clock } = this.#ports
    const expired = deferred<never>()
    const cancel = clock.after(test.beganMs + check.times.expiresMs - clock.now(), () => {
      expired.reject(new SignalTimeout(`it has run for ${check.times.expiresMs} ms`))
    })
    const names = check.options.signals
    const signals = Object.fromEntries(names.map((name) => [name, this.#signal(test, name)]))
    const { signal } = test.ending
    let error: unknown
    try {
      const running = Promise.resolve(check.run({ id, data, signals, signal }))
      await Promise.race([running, expired.promise])
    } catch (cause) {
      error = cause
    } finally {
      cancel()
    }
    const isStopped = signal.aborted
    test.ending.abort()
    if (isStopped) return
    const came = [...test.came].map(([name, { ms }]) => [name, ms] as const)
    this.#report({
      check: check.name,
      id,
      state: stateOf(error),
      ...(error !== undefined && { error: String(error) }),
      ms: clock.now() - test.beganMs,
      signals: Object.fromEntries(came),
    })
  }

  #signal(test: RunningTest, name: string): LiveCheckSignal {
    const { clock } = this.#ports
    return {
      wait: async ({ timeout = '1h' } = {}) => {
        const came = test.came.get(name)
        if (came !== undefined) return came.value
        const ms = parseDuration(timeout)
        if (ms === undefined)
          throw new EuphorionError('APP_INVALID', `signal ${name}: '${timeout}' is no time`)
        const waiting = test.waiting.get(name) ?? deferred<unknown>()
        test.waiting.set(name, waiting)
        const late = deferred<never>()
        const cancel = clock.after(ms, () => {
          late.reject(new SignalTimeout(`signal ${name} did not come in ${ms} ms`))
        })
        const stop = (): void => late.reject(test.ending.signal.reason)
        test.ending.signal.addEventListener('abort', stop, { once: true })
        try {
          return await Promise.race([waiting.promise, late.promise])
        } finally {
          cancel()
          test.ending.signal.removeEventListener('abort', stop)
        }
      },
    }
  }

  #signalled(test: RunningTest | undefined, name: string, value: unknown): void {
    // of a test that has ended, or a second time
    if (test === undefined || test.came.has(name)) return
    test.came.set(name, { value, ms: this.#ports.clock.now() - test.beganMs })
    test.waiting.get(name)?.resolve(value)
  }

  #watch({ name, times }: LiveCheckDefinition): void {
    this.#stalls.get(name)?.()
    const stalled = (): void =>
      this.#report({ check: name, id: '', state: 'STALL', ms: times.stalledMs, signals: {} })
    this.#stalls.set(name, this.#ports.clock.after(times.stalledMs, stalled))
  }

  #report(report: LiveCheckReport): void {
    const { report: send, failed } = this.#ports
    const tell = async (): Promise<void> => {
      await this.#checks.get(report.check)?.options.onReport?.(report)
    }
    void send(report).catch(failed)
    void tell().catch(failed)
  }
}

function stateOf(error: unknown): LiveCheckState {
  if (error === undefined) return 'PASS'
  if (error instanceof SignalTimeout) return 'TIMEOUT'
  return error instanceof AssertionError ? 'FAIL' : 'ERROR'
}

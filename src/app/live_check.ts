// Probes of a running program (app.liveCheck): a test is triggered where something begins, its
// context travels with the messages, those who handle them send signals, and a function waits for
// the signals and says what must hold. Tests are run by live_check_run.ts.
import { randomUUID } from 'node:crypto'
import { type Random, systemRandom } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { LogHeader } from '../log/log.ts'
import type { Event } from '../stream/events.ts'
import type { Topic } from '../stream/topic.ts'
import { type Duration, parseDuration } from '../units.ts'
import type { LiveCheckReport } from './live_check_run.ts'

export interface LiveCheckOptions<Signal extends string> {
  /** Names of the signals that tests wait for. */
  readonly signals: readonly Signal[]
  /** Part of the triggers that become tests, 0 to 1. Default 1. */
  readonly probability?: number
  /** A test that is older is ended as TIMEOUT, or SKIP where it has not begun. Default '1h'. */
  readonly expires?: Duration
  /** Without a test for so long, STALL is reported, once. Default '30m'. */
  readonly warnStalledAfter?: Duration
  /** The leader calls `request` so often, which begins something as a user would. */
  readonly frequency?: Duration
  readonly request?: () => unknown
  /** Called on the worker that runs the tests. */
  readonly onReport?: (report: LiveCheckReport) => unknown
  /** For `probability`. Default: the system's. */
  readonly random?: Random
}

export interface LiveCheckTimes {
  readonly expiresMs: number
  readonly stalledMs: number
}

/** What is sent to the worker that runs the tests. */
export type LiveCheckMessage =
  | { readonly kind: 'test'; readonly check: string; readonly id: string; readonly data: unknown }
  | {
      readonly kind: 'signal'
      readonly check: string
      readonly id: string
      readonly signal: string
      readonly value: unknown
    }

/** Goes with the messages of a test: `headers` of what is sent. */
export interface LiveTest {
  readonly id: string
  readonly headers: readonly LogHeader[]
}

const ID_HEADER = 'LiveCheck-Test-Id'
const NAME_HEADER = 'LiveCheck-Test-Name'

export class LiveCheck<Data, Signal extends string> {
  readonly name: string
  readonly #options: LiveCheckOptions<Signal>
  readonly #topic: Topic<string, LiveCheckMessage>

  /** Made by app.liveCheck(). */
  constructor(
    name: string,
    options: LiveCheckOptions<Signal>,
    topic: Topic<string, LiveCheckMessage>,
  ) {
    this.name = name
    this.#options = options
    this.#topic = topic
  }

  /**
   * Begins a test, or, where chance is against it, none. Send what begins with the test's headers;
   * the function of the check gets `data` (as JSON).
   */
  async trigger(data: Data, id: string = randomUUID()): Promise<LiveTest | undefined> {
    const { probability = 1, random = systemRandom } = this.#options
    if (random() >= probability) return undefined
    await this.#send({ kind: 'test', check: this.name, id, data })
    const header = (key: string, value: string) => ({ key, value: Buffer.from(value) })
    return { id, headers: [header(ID_HEADER, id), header(NAME_HEADER, this.name)] }
  }

  /** Tells the test that the event belongs to; resolves at once for an event of none. */
  async signal(
    name: Signal,
    event: Pick<Event<unknown, unknown>, 'headers'>,
    value: unknown = null,
  ): Promise<void> {
    const id = this.testOf(event)?.id
    if (id === undefined) return
    await this.#send({ kind: 'signal', check: this.name, id, signal: name, value })
  }

  /** The test that an event belongs to, to send on with its headers; undefined: none. */
  testOf({ headers }: Pick<Event<unknown, unknown>, 'headers'>): LiveTest | undefined {
    const own = headers.filter(({ key }) => key === ID_HEADER || key === NAME_HEADER)
    const text = (name: string) => {
      const value = own.find(({ key }) => key === name)?.value
      return value ? Buffer.from(value).toString() : undefined
    }
    const id = text(ID_HEADER)
    return id === undefined || text(NAME_HEADER) !== this.name ? undefined : { id, headers: own }
  }

  async #send(message: LiveCheckMessage): Promise<void> {
    await this.#topic.send({ key: message.id, value: message })
  }
}

/** Throws APP_INVALID. */
export function liveCheckTimes(name: string, options: LiveCheckOptions<string>): LiveCheckTimes {
  const { expires = '1h', warnStalledAfter = '30m', probability = 1 } = options
  const expiresMs = parseDuration(expires)
  const stalledMs = parseDuration(warnStalledAfter)
  if (expiresMs === undefined || stalledMs === undefined || !(probability >= 0 && probability <= 1))
    throw new EuphorionError(
      'APP_INVALID',
      `liveCheck ${name}: expires and warnStalledAfter are times, probability is from 0 to 1`,
    )
  return { expiresMs, stalledMs }
}

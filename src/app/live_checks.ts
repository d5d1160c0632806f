// The live checks of an app: their topics, and the agent that runs their tests. Made by the first
// app.liveCheck().
import type { Clock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import { string } from '../record/fields.ts'
import type { Topic } from '../stream/topic.ts'
import { callbackError } from './app_context.ts'
import type { DeclaringApp } from './declaring_app.ts'
import {
  LiveCheck,
  type LiveCheckMessage,
  type LiveCheckOptions,
  liveCheckTimes,
} from './live_check.ts'
import {
  type LiveCheckDefinition,
  type LiveCheckFunction,
  type LiveCheckReport,
  LiveCheckRun,
} from './live_check_run.ts'

export interface LiveChecksPorts {
  readonly id: string
  readonly clock: () => Clock
  /** A report could not be sent, or a listener of reports threw. */
  readonly failed: (error: unknown) => void
}

export class LiveChecks {
  readonly #checks: LiveCheckDefinition[] = []
  readonly #topic: Topic<string, LiveCheckMessage>

  constructor(app: DeclaringApp, { id, clock, failed }: LiveChecksPorts) {
    const options = { key: string(), partitions: 1 }
    this.#topic = app.topic<LiveCheckMessage, string>(`${id}-livecheck`, options)
    const reports = app.topic<LiveCheckReport, string>(`${id}-livecheck-report`, options)
    app.agent(
      this.#topic,
      async (stream) => {
        const run = new LiveCheckRun(this.#checks, {
          clock: clock(),
          report: async (report) => {
            await reports.send({ key: report.check, value: report })
          },
          failed: (error) => failed(callbackError('a report of a live check', error)),
        })
        try {
          for await (const event of stream.events()) run.take(event)
        } finally {
          run.stop()
        }
      },
      { name: 'livecheck' },
    )
  }

  /** Throws APP_INVALID. */
  add<Data, Signal extends string>(
    name: string,
    options: LiveCheckOptions<Signal>,
    run: LiveCheckFunction<Data, Signal>,
  ): LiveCheck<Data, Signal> {
    if (this.#checks.some((each) => each.name === name))
      throw new EuphorionError('APP_INVALID', `there is already a liveCheck ${name}`)
    const times = liveCheckTimes(name, options)
    const any = run as unknown as LiveCheckFunction<unknown, string>
    this.#checks.push({ name, options, times, run: any })
    return new LiveCheck(name, options, this.#topic)
  }
}

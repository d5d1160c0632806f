// What a program declares to run beside its streams: timers, crontabs, tasks, services. Filled by
// BackgroundApp, read by the worker.
import { EuphorionError } from '../errors.ts'
import { type Duration, parseDuration } from '../units.ts'
import type { AppContext } from './app_context.ts'
import { type CrontabOptions, cronTimes } from './crontab.ts'
import type { ServiceDefinition } from './services.ts'
import type { TaskDefinition } from './tasks.ts'

export type TimerContext = AppContext

export type TimerFunction = (context: TimerContext) => unknown

export interface TimerOptions {
  /** Only on the worker that leads; see app.onLeader(). Default false. */
  readonly onLeader?: boolean
}

export interface TimerDefinition extends TimerOptions {
  readonly name: string
  readonly everyMs: number
  readonly run: TimerFunction
}

export interface CrontabDefinition extends CrontabOptions {
  readonly name: string
  readonly expression: string
  readonly run: TimerFunction
}

export class BackgroundDeclarations {
  readonly timers: TimerDefinition[] = []
  readonly crontabs: CrontabDefinition[] = []
  readonly tasks: TaskDefinition[] = []
  /** Tasks of the worker that leads. */
  readonly leaderTasks: TaskDefinition[] = []
  readonly services: ServiceDefinition[] = []

  /** Something runs only on the worker that leads. */
  get needsLeader(): boolean {
    const some = (each: readonly TimerOptions[]) => each.some(({ onLeader }) => onLeader === true)
    return this.leaderTasks.length > 0 || some(this.timers) || some(this.crontabs)
  }

  /** Throws APP_INVALID. */
  addTimer(name: string, every: Duration, run: TimerFunction, options: TimerOptions): void {
    const everyMs = parseDuration(every)
    if (everyMs === undefined || everyMs < 1) {
      throw new EuphorionError(
        'APP_INVALID',
        `timer ${name}: '${every}' is no time of at least 1 ms`,
      )
    }
    this.timers.push({ ...options, name, everyMs, run })
  }

  /** Throws APP_INVALID. */
  addCrontab(definition: CrontabDefinition): void {
    cronTimes(definition.name, definition.expression, definition.timezone)
    this.crontabs.push(definition)
  }

  /** Throws APP_INVALID. */
  addService(definition: ServiceDefinition): void {
    const { name } = definition
    if (this.services.some((each) => each.name === name))
      throw new EuphorionError('APP_INVALID', `there is already a service ${name}`)
    this.services.push(definition)
  }
}

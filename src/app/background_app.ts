// What a program declares to run beside its streams, the part of App that only writes it down:
// timers, crontabs, tasks, services, pages, listeners. Nothing runs before App.start().
import type { Duration } from '../units.ts'
import {
  BackgroundDeclarations,
  type TimerFunction,
  type TimerOptions,
} from './background_declarations.ts'
import {
  type CommandArguments,
  CommandDeclarations,
  type CommandFunction,
  type CommandOptions,
  type CommandSpec,
} from './commands.ts'
import type { CrontabOptions } from './crontab.ts'
import { type HookListener, type HookName, Hooks } from './hooks.ts'
import { type Page, PageDeclarations, type TableRoute } from './page_declarations.ts'
import { Sensors } from './sensors.ts'
import type { Service, ServiceOptions } from './services.ts'
import type { TaskFunction, TaskOptions } from './tasks.ts'

export abstract class BackgroundApp {
  /** @internal */
  readonly background = new BackgroundDeclarations()
  /** @internal */
  readonly hooks = new Hooks()
  /** Measures what a running app does: `app.sensors.add({ onCut: ({ ms }) => … })`. */
  readonly sensors = new Sensors((error) => this.logged('a sensor failed', error))
  /**
   * To the logger of the running app.
   *
   * @internal
   */
  logged: (message: string, error: unknown) => void = () => undefined
  /** @internal */
  readonly served = new PageDeclarations()
  /** @internal */
  readonly commands = new CommandDeclarations()

  /**
   * Declares a function that is called every `every` ('1s', or ms) while the app runs: first after
   * one period, then at its multiples, never twice at once. A call that lasts longer leaves out
   * the ticks that it overruns, which is logged; so is what it throws.
   */
  timer(name: string, every: Duration, run: TimerFunction, options: TimerOptions = {}): void {
    this.background.addTimer(name, every, run, options)
  }

  /**
   * Declares a function that is called at the times of a cron expression: minute, hour, day of
   * month, month, day of week ('0 20 * * *'), or six fields that begin with the second. Never twice
   * at once; what it throws is logged. Throws APP_INVALID for an expression or a time zone that is
   * none.
   */
  crontab(
    name: string,
    expression: string,
    run: TimerFunction,
    options: CrontabOptions = {},
  ): void {
    this.background.addCrontab({ ...options, name, expression, run })
  }

  /**
   * Declares a function that is called once, when the worker runs. When the app stops its signal is
   * aborted and its end is waited for. What it throws stops the app, unless `onError` is 'log'.
   */
  task(run: TaskFunction, options?: TaskOptions): void
  task(name: string, run: TaskFunction, options?: TaskOptions): void
  task(
    first: string | TaskFunction,
    second: TaskFunction | TaskOptions = {},
    third: TaskOptions = {},
  ): void {
    const { tasks } = this.background
    if (typeof first === 'string')
      tasks.push({ ...third, name: first, run: second as TaskFunction })
    else tasks.push({ ...(second as TaskOptions), name: nameOf(first, tasks.length), run: first })
  }

  /**
   * Declares a task that only one worker of the app runs at a time: the leader, to which the group
   * gives the one partition of the topic `{id}-leader`. When another takes over, the signal is
   * aborted and the function has 5 s to end before the partition goes; a worker that was taken for
   * dead may overlap with its successor. It is called again whenever this worker leads again.
   */
  onLeader(run: TaskFunction, options?: TaskOptions): void
  onLeader(name: string, run: TaskFunction, options?: TaskOptions): void
  onLeader(
    first: string | TaskFunction,
    second: TaskFunction | TaskOptions = {},
    third: TaskOptions = {},
  ): void {
    const { leaderTasks: tasks } = this.background
    if (typeof first === 'string')
      tasks.push({ ...third, name: first, run: second as TaskFunction })
    else tasks.push({ ...(second as TaskOptions), name: nameOf(first, tasks.length), run: first })
  }

  /**
   * Declares what the streams need: an object with start() and stop(), both awaited, or a function
   * that runs until its signal is aborted. Services start before the streams, each behind those
   * that `after` names, and stop after them in reverse. A start() that throws makes App.start()
   * reject; a function that throws stops the app.
   */
  service(name: string, service: Service | TaskFunction, options: ServiceOptions = {}): void {
    this.background.addService({ ...options, name, service })
  }

  /**
   * Declares what a path of the worker's web server answers: a function for GET, or one for each
   * method; the others answer 405. Paths are hono's ('/users/:id'). What a page throws is answered
   * as `{ "error": … }`: WebError with its status, errors of this package with the one that they
   * mean, others with 500. Pages ask nobody for the querySecret; app.fetch() serves them too.
   * Throws APP_INVALID for a path that is taken.
   */
  page<const Path extends string>(path: Path, page: Page<Path>): void {
    this.served.add(path, page as Page)
  }

  /**
   * A page that the worker answers which has the key, a parameter of the path or the query, of a
   * table: there the handler reads it without asking others. Other workers send the request on to
   * it, and answer 503 while nobody has the key's partition.
   */
  tableRoute<const Path extends string>(path: Path, route: TableRoute, page: Page<Path>): void {
    this.served.add(path, page as Page, route)
  }

  /**
   * Declares a command of the program: `node app.js NAME …`, or `euphorion NAME -A app.js …`. It
   * appears in help; its app is not started (it may send, or start it), and is stopped afterwards.
   * What the function returns is printed; what it throws ends the process with 1. Throws
   * APP_INVALID.
   */
  command<
    const A extends CommandArguments = Record<never, string>,
    const O extends CommandOptions = Record<never, string>,
  >(name: string, spec: CommandSpec<A, O>, run: CommandFunction<A, O>): void {
    const any = run as unknown as CommandFunction<CommandArguments, CommandOptions>
    this.commands.add({ ...spec, name, run: any })
  }

  /**
   * Calls `listener` whenever that happens; the returned function ends it. What a listener throws
   * is logged; of the synchronous ones it goes to whoever caused the event.
   */
  on<N extends HookName>(name: N, listener: HookListener<N>): () => void {
    return this.hooks.on(name, listener)
  }
}

function nameOf(run: TaskFunction, index: number): string {
  return run.name === '' ? `task ${index + 1}` : run.name
}

// Functions that run once, beside the streams: app.task(), app.onLeader() and services that are
// functions. Run by background.ts and services.ts.
import type { Logger } from '../logger.ts'
import type { App } from './app.ts'
import { type AppContext, callbackError, contextOf, isAbort } from './app_context.ts'

export type TaskFunction = (context: AppContext) => unknown

export interface TaskOptions {
  /** What an error does: 'fail' (default) stops the app with it, 'log' logs it. */
  readonly onError?: 'fail' | 'log'
}

export interface TaskDefinition extends TaskOptions {
  readonly name: string
  readonly run: TaskFunction
}

export interface TaskPorts {
  readonly app: App
  readonly logger: Logger
  /** The app cannot go on. */
  readonly fail: (error: unknown) => void
}

/** A few functions with one signal: what runs until the worker stops, or no longer leads. */
export class Tasks {
  readonly #ports: TaskPorts
  /** 'a task', for messages. */
  readonly #kind: string
  readonly #ending = new AbortController()
  readonly #running = new Set<Promise<void>>()

  constructor(kind: string, ports: TaskPorts) {
    this.#kind = kind
    this.#ports = ports
  }

  start(task: TaskDefinition): void {
    const running = this.#run(task).finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  /** Aborts the signal and waits for what runs. Never rejects. */
  async stop(): Promise<void> {
    this.#ending.abort()
    await Promise.all(this.#running)
  }

  async #run({ name, run, onError }: TaskDefinition): Promise<void> {
    const { app, logger, fail } = this.#ports
    const { signal } = this.#ending
    try {
      await run(contextOf(app, signal))
    } catch (error) {
      if (isAbort(error, signal)) return
      if (onError === 'log' || signal.aborted) {
        logger.error({ name, err: error }, `${this.#kind} failed`)
      } else fail(callbackError(`${this.#kind} (${name})`, error))
    }
  }
}

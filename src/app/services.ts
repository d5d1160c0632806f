// Services of a program (app.service): what its streams need, such as a pool of connections.
// Started before the streams, each behind those it needs, and stopped after them in reverse. Called
// by the worker.
import { EuphorionError } from '../errors.ts'
import { type AppContext, callbackError, contextOf } from './app_context.ts'
import { type TaskFunction, type TaskPorts, Tasks } from './tasks.ts'

/** Something with a beginning and an end. */
export interface Service {
  start?(context: AppContext): unknown
  stop?(): unknown
}

export interface ServiceOptions {
  /** Names of services that run before it starts, and until it has stopped. */
  readonly after?: readonly string[]
}

export interface ServiceDefinition extends ServiceOptions {
  readonly name: string
  readonly service: Service | TaskFunction
}

interface RunningService {
  readonly name: string
  stop(): Promise<unknown>
}

export class Services {
  readonly #definitions: readonly ServiceDefinition[]
  readonly #ports: TaskPorts
  /** In the order in which they were started. */
  readonly #running: RunningService[] = []
  readonly #ending = new AbortController()

  constructor(definitions: readonly ServiceDefinition[], ports: TaskPorts) {
    this.#definitions = definitions
    this.#ports = ports
  }

  /** Rejects with what a start() throws, as CALLBACK_FAILED; stop() ends those that had started. */
  async start(): Promise<void> {
    for (const { name, service } of startOrder(this.#definitions)) {
      if (typeof service === 'function') {
        const tasks = new Tasks('a service', this.#ports)
        tasks.start({ name, run: service })
        this.#running.push({ name, stop: () => tasks.stop() })
        continue
      }
      // what has begun to start is stopped too
      this.#running.push({ name, stop: async () => service.stop?.() })
      try {
        await service.start?.(contextOf(this.#ports.app, this.#ending.signal))
      } catch (error) {
        throw callbackError(`the start of service ${name}`, error)
      }
    }
  }

  /** What a stop() throws is logged. Never rejects. */
  async stop(): Promise<void> {
    this.#ending.abort()
    for (;;) {
      const last = this.#running.pop()
      if (last === undefined) return
      try {
        await last.stop()
      } catch (error) {
        this.#ports.logger.error({ name: last.name, err: error }, 'a service failed to stop')
      }
    }
  }
}

/** Throws APP_INVALID for a service that is not there, and for those that wait for each other. */
function startOrder(definitions: readonly ServiceDefinition[]): ServiceDefinition[] {
  const byName = new Map(definitions.map((each) => [each.name, each]))
  const order: ServiceDefinition[] = []
  const visit = (name: string, path: readonly string[]): void => {
    const found = byName.get(name)
    const way = [...path, name].join(' after ')
    if (found === undefined)
      throw new EuphorionError('APP_INVALID', `there is no service ${name}: ${way}`)
    if (path.includes(name))
      throw new EuphorionError('APP_INVALID', `services wait for each other: ${way}`)
    if (order.includes(found)) return
    for (const each of found.after ?? []) visit(each, [...path, name])
    order.push(found)
  }
  for (const { name } of definitions) visit(name, [])
  return order
}

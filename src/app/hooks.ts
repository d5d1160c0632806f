// What a program can hear of: app.on(name, listener). Called by App, its worker, the command line
// and, for what is sent, by src/stream.
import type { TopicPartition } from '../log/log.ts'
import type { Logger } from '../logger.ts'
import type { Settings, SettingsInput } from '../settings.ts'
import type { ProducedMessage } from '../stream/produced.ts'
import type { App } from './app.ts'
import { callbackError } from './app_context.ts'

/** What listeners of each name get. Asynchronous ones are awaited, in the order of on(). */
export interface HookEvents {
  /** Before start() reads the settings; what is set here counts as set in code. Synchronous. */
  beforeConfigured: { readonly app: App; readonly settings: Mutable<SettingsInput> }
  /** start() has read the settings. Synchronous. */
  configured: { readonly app: App; readonly settings: Settings }
  /** The command line has found the app, before it does anything with it. Synchronous. */
  workerInit: { readonly app: App; readonly command: string }
  /** Partitions have come; tables of some may still be restored. */
  partitionsAssigned: { readonly app: App; readonly partitions: readonly TopicPartition[] }
  /** Partitions have gone, after their last cut; `lost`: without one. */
  partitionsRevoked: {
    readonly app: App
    readonly partitions: readonly TopicPartition[]
    readonly lost: boolean
  }
  /** All partitions that were assigned are open, and their tables restored. */
  rebalanceComplete: { readonly app: App }
  /** The worker runs. */
  started: { readonly app: App }
  /** The worker is about to stop: everything still works. */
  beforeShutdown: { readonly app: App }
  stopped: { readonly app: App }
  /** A message is about to be sent; what is thrown refuses it. Synchronous. */
  produceMessage: ProducedMessage
}

type Mutable<T> = { -readonly [N in keyof T]: T[N] }

export type HookName = keyof HookEvents

/** Those that nobody waits for: a promise is refused by the compiler. */
type SynchronousHook = 'beforeConfigured' | 'configured' | 'workerInit' | 'produceMessage'

export type HookListener<N extends HookName> = (
  event: HookEvents[N],
) => N extends SynchronousHook ? undefined | void : unknown

type AnyListener = (event: unknown) => unknown

export class Hooks {
  readonly #listeners = new Map<HookName, readonly AnyListener[]>()

  /** The returned function takes it away again. */
  on<N extends HookName>(name: N, listener: HookListener<N>): () => void {
    const added: AnyListener = (event) => listener(event as HookEvents[N])
    this.#listeners.set(name, [...this.#of(name), added])
    return () => {
      this.#listeners.set(
        name,
        this.#of(name).filter((each) => each !== added),
      )
    }
  }

  has(name: HookName): boolean {
    return this.#of(name).length > 0
  }

  /** Throws what a listener throws, as CALLBACK_FAILED. */
  call<N extends SynchronousHook>(name: N, event: HookEvents[N]): void {
    for (const listener of this.#of(name)) {
      try {
        listener(event)
      } catch (error) {
        throw callbackError(`a listener of ${name}`, error)
      }
    }
  }

  /** Resolves when all have been called, one after the other; what they throw is logged. */
  async tell<N extends Exclude<HookName, SynchronousHook>>(
    name: N,
    event: HookEvents[N],
    logger: Logger,
  ): Promise<void> {
    for (const listener of this.#of(name)) {
      try {
        await listener(event)
      } catch (error) {
        logger.error({ hook: name, err: callbackError(`a listener of ${name}`, error) }, 'a hook')
      }
    }
  }

  #of(name: HookName): readonly AnyListener[] {
    return this.#listeners.get(name) ?? []
  }
}

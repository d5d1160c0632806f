// Tells the leader and the program's listeners what the group gives and takes. Made by the worker,
// called by the engine.
import type { TopicPartition } from '../log/log.ts'
import type { Logger } from '../logger.ts'
import type { App } from './app.ts'
import { within } from './app_context.ts'
import type { GroupListener } from './engine_options.ts'
import type { HealthBook } from './health.ts'
import type { HookEvents } from './hooks.ts'
import type { Leader } from './leader.ts'

export interface GroupHooksOptions {
  readonly app: App
  readonly logger: Logger
  readonly leader: Leader
  readonly health: HealthBook
}

/** The group waits for listeners so long. */
const LISTENERS_MS_MAX = 5000

type GroupHook = 'partitionsAssigned' | 'partitionsRevoked' | 'rebalanceComplete'

export class GroupHooks implements GroupListener {
  readonly #options: GroupHooksOptions

  constructor(options: GroupHooksOptions) {
    this.#options = options
  }

  async assigned(partitions: readonly TopicPartition[]): Promise<void> {
    const { app, leader, health } = this.#options
    health.forget(partitions)
    leader.assigned(partitions)
    const own = this.#ofProgram(partitions)
    app.sensors.tell('onAssigned', own)
    await this.#tell('partitionsAssigned', { app, partitions: own })
  }

  async settled(): Promise<void> {
    const { app } = this.#options
    app.sensors.tell('onRebalanced')
    await this.#tell('rebalanceComplete', { app })
  }

  async leaving(partitions: readonly TopicPartition[]): Promise<void> {
    await this.#options.leader.leaving(partitions)
  }

  async revoked(partitions: readonly TopicPartition[], lost: boolean): Promise<void> {
    const { app, health } = this.#options
    health.forget(partitions)
    const own = this.#ofProgram(partitions)
    app.sensors.tell('onRevoked', own, lost)
    await this.#tell('partitionsRevoked', { app, partitions: own, lost })
  }

  #ofProgram(partitions: readonly TopicPartition[]): TopicPartition[] {
    return partitions
      .filter(({ topic }) => topic !== this.#options.leader.topic)
      .map(({ topic, partition }) => ({ topic, partition }))
  }

  async #tell<N extends GroupHook>(name: N, event: HookEvents[N]): Promise<void> {
    const { app, logger } = this.#options
    if (!app.hooks.has(name)) return
    const ended = await within(app.clock, LISTENERS_MS_MAX, app.hooks.tell(name, event, logger))
    if (!ended)
      logger.warn({ hook: name, ms: LISTENERS_MS_MAX }, 'a listener is waited for no more')
  }
}

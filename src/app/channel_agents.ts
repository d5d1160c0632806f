// Agents on channels while the app runs. Called by Worker.
import type { Clock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import type { Topology } from './declarations.ts'

export class ChannelAgents {
  readonly #topology: Topology
  readonly #running: Promise<void>[]

  /** They read from this moment on. */
  constructor(topology: Topology, clock: Clock, logger: Logger) {
    this.#topology = topology
    this.#running = topology.channelAgents.map((agent) => {
      const onError = (error: unknown): void => {
        logger.error({ agent: agent.name, err: error }, 'an agent failed, and begins again')
      }
      return agent.run({ clock, onError })
    })
  }

  /** Channels end: resolves when the agents have what was sent before. */
  async stop(): Promise<void> {
    for (const channel of this.#topology.channels) channel.end()
    await Promise.all(this.#running)
  }
}

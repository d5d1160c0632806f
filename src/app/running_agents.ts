// The agents of a running worker: the topics that each of them reads here, by name or because they
// match a pattern, those that records of theirs are grouped into, and agents that start and stop
// meanwhile. Owned by the worker.
import { deferred } from '../deferred.ts'
import type { EventSubscriber } from '../ingest/subscriber.ts'
import type { Logger } from '../logger.ts'
import { keepFreedMemory } from '../malloc.ts'
import type { Settings } from '../settings.ts'
import type { Agent } from '../stream/agent.ts'
import type { AgentDefinition, AgentServices } from '../stream/agent_definition.ts'
import type { RunningAgent } from '../stream/agent_port.ts'
import { agentSubscriber } from '../stream/agent_subscriber.ts'
import type { DerivedTopic, Deriving, ForwardTarget } from '../stream/forwarding.ts'
import { repartitionTopic } from '../stream/repartition.ts'
import type { App } from './app.ts'
import type { Connection } from './connection.ts'
import { ownTopics } from './own_topics.ts'
import type { Subscriptions } from './subscriptions.ts'
import { ensureTopics, type WantedTopic, wantedTopic } from './topics.ts'

type Changes = Pick<Subscriptions, 'add' | 'remove'>
type AnyAgent = Agent<unknown, unknown, unknown>
type AnyDefinition = AgentDefinition<unknown, unknown, unknown>

export interface RunningAgentsOptions {
  readonly app: App
  readonly settings: Settings
  readonly logger: Logger
  readonly connection: Pick<Connection, 'log' | 'store'>
  readonly services: AgentServices
}

/** What an agent reads here. */
interface Reading {
  isStopped: boolean
  /** By topic, also while it is stopped: they know where they were. */
  readonly subscribers: Map<string, EventSubscriber>
  /** Topics that it has its records go through, and when they may. */
  readonly derived: Map<string, Promise<ForwardTarget>>
}

export class RunningAgents {
  readonly #options: RunningAgentsOptions
  readonly #readings = new Map<AnyAgent, Reading>()
  /** Of the engine, once it is there. */
  readonly #subscriptions = deferred<Changes>()
  #cancel: (() => void) | undefined
  #isEnded = false

  constructor(options: RunningAgentsOptions) {
    this.#options = options
  }

  /** Of all that are declared; the engine begins with them. */
  async open(): Promise<EventSubscriber[]> {
    const { agents } = this.#options.app.topology
    const names = agents.some(isByPattern) ? await this.#topicNames() : []
    if (agents.length > 0) keepFreedMemory()
    return agents.flatMap((agent) => {
      const reading = this.#readingOf(agent)
      return topicsOf(agent, names).map((topic) => this.#subscriber(agent, reading, topic))
    })
  }

  /** What open() gave is read; more may come. */
  opened(subscriptions: Changes): void {
    this.#subscriptions.resolve(subscriptions)
  }

  /** Looks for topics that match, until stop(). */
  look(): void {
    const { app, settings, logger } = this.#options
    this.#cancel = app.clock.after(settings.topicRefreshMs, () => {
      this.refresh()
        .catch((error: unknown) => logger.warn({ err: error }, 'topics cannot be looked for'))
        .then(() => {
          if (!this.#isEnded) this.look()
        })
    })
  }

  stop(): void {
    this.#isEnded = true
    this.#cancel?.()
  }

  /** Reads the topics that match by now. */
  async refresh(): Promise<void> {
    const agents = [...this.#readings].filter(([agent, { isStopped }]) => {
      return isByPattern(agent) && !isStopped
    })
    if (agents.length === 0) return
    const names = await this.#topicNames()
    for (const [agent, reading] of agents) await this.#add(agent, reading, names)
  }

  of(agent: AnyAgent): RunningAgent {
    return { start: () => this.#start(agent), stop: () => this.#stop(agent) }
  }

  /** One that was declared just now. */
  async #start(agent: AnyAgent): Promise<void> {
    const { app, settings, connection } = this.#options
    const { log } = connection
    const reading = this.#readingOf(agent)
    reading.isStopped = false
    const { definition } = agent
    const ours = definition.topics?.names ?? [definition.topic]
    const wanted = ours.flatMap((name) => app.topology.topics.get(name) ?? []).map(wantedTopic)
    await ensureTopics(log, [...wanted, ...this.#deadLetters(agent)], {
      create: settings.createTopics,
      partitions: settings.topicPartitions,
    })
    await this.#add(agent, reading, isByPattern(agent) ? await this.#topicNames() : [])
  }

  async #add(agent: AnyAgent, reading: Reading, names: readonly string[]): Promise<void> {
    const subscriptions = await this.#subscriptions.promise
    for (const topic of topicsOf(agent, names))
      await subscriptions.add(this.#subscriber(agent, reading, topic))
  }

  async #stop(agent: AnyAgent): Promise<void> {
    const reading = this.#readings.get(agent)
    if (reading === undefined || reading.isStopped) return
    reading.isStopped = true
    reading.derived.clear()
    const subscriptions = await this.#subscriptions.promise
    for (const subscriber of reading.subscribers.values()) await subscriptions.remove(subscriber)
  }

  #deadLetters({ definition }: AnyAgent): WantedTopic[] {
    const { settings, services } = this.#options
    if (definition.onBadRecord !== 'dead-letter') return []
    return [
      { name: services.deadLetters.topic, config: { maxMessageBytes: settings.maxRecordBytes } },
    ]
  }

  #readingOf(agent: AnyAgent): Reading {
    let reading = this.#readings.get(agent)
    if (reading === undefined) {
      reading = { isStopped: false, subscribers: new Map(), derived: new Map() }
      this.#readings.set(agent, reading)
    }
    return reading
  }

  #subscriber(agent: AnyAgent, reading: Reading, topic: string): EventSubscriber {
    const { definition } = agent
    return this.#kept(reading, { ...definition, topic }, isByPattern(agent))
  }

  #kept(reading: Reading, definition: AnyDefinition, mayGo: boolean): EventSubscriber {
    const { topic } = definition
    const known = reading.subscribers.get(topic)
    if (known !== undefined) return known
    const deriving: Deriving = {
      topicOf: (name, from, group) =>
        repartitionTopic(`${this.#options.app.id}-${name}`, from, group),
      open: (wanted) => this.#derive(reading, wanted),
    }
    const services = { ...this.#options.services, deriving }
    const subscriber = { ...agentSubscriber(definition, services), mayGo }
    reading.subscribers.set(topic, subscriber)
    return subscriber
  }

  #derive(reading: Reading, wanted: DerivedTopic): Promise<ForwardTarget> {
    const { topic } = wanted.derived
    const known = reading.derived.get(topic)
    if (known !== undefined) return known
    const opening = this.#open(reading, wanted).catch((error: unknown) => {
      if (!this.#isEnded) throw error
      // its functions end for another reason
      return new Promise<never>(() => undefined)
    })
    reading.derived.set(topic, opening)
    // the next one tries again
    opening.catch(() => reading.derived.delete(topic))
    return opening
  }

  async #open(
    reading: Reading,
    { from, derivation, derived }: DerivedTopic,
  ): Promise<ForwardTarget> {
    const { connection, settings, logger } = this.#options
    const { log } = connection
    const { topic } = derived
    const isOwn = derivation.value === undefined
    const { partitions } = isOwn ? await log.topic(from) : { partitions: settings.topicPartitions }
    const config = isOwn ? ({ cleanup: 'delete' } as const) : undefined
    const created = await ensureTopics(
      log,
      [{ name: topic, partitions: derivation.partitions, config }],
      { create: settings.createTopics, partitions: derivation.partitions ?? partitions },
    )
    if (created.length > 0) logger.info({ topics: created }, 'created topics')
    const subscriptions = await this.#subscriptions.promise
    // what was stopped meanwhile is opened when it starts again
    if (!reading.isStopped) await subscriptions.add(this.#kept(reading, derived, false))
    return { store: (record) => connection.store(topic, undefined, record) }
  }

  async #topicNames(): Promise<string[]> {
    const { app, connection, settings } = this.#options
    const { log } = connection
    const isOwn = ownTopics(app.id, settings)
    return (await log.topics()).map(({ name }) => name).filter((name) => !isOwn(name))
  }
}

function isByPattern({ definition }: AnyAgent): boolean {
  return definition.topics !== undefined && definition.topics.names === undefined
}

/** In the same order on every worker. */
function topicsOf({ definition }: AnyAgent, names: readonly string[]): readonly string[] {
  const { topics, topic } = definition
  if (topics === undefined) return [topic]
  return topics.names ?? names.filter((name) => topics.matches(name)).sort()
}

// Creates and deletes topics, and deletes groups, through kafkajs' admin client, loaded when it is
// first needed: workers seldom need it. Owned by KafkaLog.
import { systemClock } from '../../clock.ts'
import type { Sockets } from '../kafkajs/sockets.ts'
import type { TopicAdmin } from '../kafkajs/topic_admin.ts'
import type { TopicConfig } from '../log.ts'
import type { ClusterOptions } from './cluster.ts'

interface Loaded {
  readonly admin: TopicAdmin
  readonly sockets: Sockets
}

export class TopicEditor {
  readonly #options: ClusterOptions
  #loaded: Promise<Loaded> | undefined

  constructor(options: ClusterOptions) {
    this.#options = options
  }

  /** False when it existed already. The brokers may not know it yet. */
  async create(
    name: string,
    options: { partitions: number; config?: TopicConfig },
  ): Promise<boolean> {
    return (await this.#admin()).createTopic(name, options, false)
  }

  async configs(names: readonly string[]): Promise<ReadonlyMap<string, TopicConfig>> {
    return (await this.#admin()).topicConfigs(names)
  }

  async delete(name: string): Promise<void> {
    return (await this.#admin()).deleteTopic(name)
  }

  async forgetGroup(groupId: string): Promise<void> {
    return (await this.#admin()).forgetGroup(groupId)
  }

  async close(): Promise<void> {
    const loaded = await this.#loaded?.catch(() => undefined)
    await loaded?.admin.close()
    loaded?.sockets.destroy()
  }

  async #admin(): Promise<TopicAdmin> {
    this.#loaded ??= this.#load()
    return (await this.#loaded).admin
  }

  async #load(): Promise<Loaded> {
    const { brokers, clientId, tls, sasl, requestTimeoutMs, clock = systemClock } = this.#options
    const [{ clientMaker }, { Sockets }, { TopicAdmin }] = await Promise.all([
      import('../kafkajs/client.ts'),
      import('../kafkajs/sockets.ts'),
      import('../kafkajs/topic_admin.ts'),
    ])
    const sockets = new Sockets()
    const options = { brokers, clientId, ssl: tls, sasl, requestTimeoutMs, clock }
    const makeClient = clientMaker(options, sockets.factory)
    return { admin: new TopicAdmin(makeClient, brokers.join(','), clock), sockets }
  }
}

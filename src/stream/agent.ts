// An agent: a function of the user's that runs once per assigned partition of a topic. Made by
// app.agent(); the ingest loop opens its partitions.
import type { EventSubscriber } from '../ingest/subscriber.ts'
import { type AgentDefinition, AgentPartition, type AgentServices } from './agent_partition.ts'

export class Agent<K, V, R> {
  readonly definition: AgentDefinition<K, V, R>

  /** Made by app.agent(). */
  constructor(definition: AgentDefinition<K, V, R>) {
    this.definition = definition
  }

  get name(): string {
    return this.definition.name
  }

  /** For the ingest loop of one run of the app. */
  subscriber(services: AgentServices): EventSubscriber {
    const { definition } = this
    return {
      topic: definition.topic,
      open: (partition, startOffset) =>
        new AgentPartition(definition, services, partition, startOffset),
    }
  }
}

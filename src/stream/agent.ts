// An agent: a function of the user's that runs once per assigned partition of a topic. Made by
// app.agent(); the ingest loop opens its partitions.

import { EuphorionError } from '../errors.ts'
import type { EventSubscriber } from '../ingest/subscriber.ts'
import type { AgentDefinition, AgentFunction, AgentServices } from './agent_definition.ts'
import { AgentPartition } from './agent_partition.ts'
import type { Sink } from './sink.ts'
import type { Topic } from './topic.ts'

export interface AgentOptions<R> {
  /** Default: the function's name, else the topic's. */
  readonly name?: string
  /** Where yielded values go. */
  readonly sink?: Sink<R> | readonly Sink<R>[]
  /** Functions that share a partition; more than one gives up the order. Default 1. */
  readonly concurrency?: number
}

const CONCURRENCY_MAX = 1000

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
      name: definition.name,
      topic: definition.topic,
      open: (partition, beginning) =>
        new AgentPartition(definition, services, partition, beginning),
    }
  }
}

/** Throws APP_INVALID. */
export function defineAgent<K, V, R>(
  topic: Topic<K, V>,
  run: AgentFunction<K, V, R>,
  options: AgentOptions<R>,
): Agent<K, V, R> {
  const { concurrency = 1, sink = [] } = options
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > CONCURRENCY_MAX) {
    const range = `a whole number from 1 to ${CONCURRENCY_MAX}`
    throw new EuphorionError('APP_INVALID', `concurrency ${concurrency}: it is ${range}`)
  }
  return new Agent<K, V, R>({
    name: options.name ?? (run.name || topic.name),
    topic: topic.name,
    key: topic.key,
    value: topic.value,
    schema: topic.schema,
    onBadRecord: topic.onBadRecord,
    concurrency,
    sinks: Array.isArray(sink) ? sink : [sink as Sink<R>],
    run,
  })
}

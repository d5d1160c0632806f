// What a program has declared: topics, agents, aggregations and tables, each name once where it
// has to be. Filled by App, read by the worker that runs it.
import { EuphorionError } from '../errors.ts'
import type { AggregationDefinition, LateOutput, ResultOutput } from '../ingest/aggregation.ts'
import type { BadRecordPolicy } from '../kernel/lane.ts'
import type { Agent } from '../stream/agent.ts'
import type { DeclaredAggregation } from '../stream/aggregation.ts'
import type { Channel } from '../stream/channel.ts'
import type { ChannelAgent } from '../stream/channel_agent.ts'
import type { Topic } from '../stream/topic.ts'
import type { TableDeclaration } from '../table/agent_definition.ts'

/** What was declared, for the worker. */
export interface Topology {
  readonly topics: ReadonlyMap<string, Topic<unknown, unknown>>
  readonly agents: readonly Agent<unknown, unknown, unknown>[]
  readonly channels: readonly Channel<unknown, unknown>[]
  /** Agents whose source is a channel. */
  readonly channelAgents: readonly ChannelAgent<unknown, unknown, unknown>[]
  readonly aggregations: readonly AggregationDefinition[]
  /** Tables that agents write. */
  readonly tables: readonly TableDeclaration[]
}

export class Declarations implements Topology {
  readonly topics = new Map<string, Topic<unknown, unknown>>()
  readonly agents: Agent<unknown, unknown, unknown>[] = []
  readonly channels: Channel<unknown, unknown>[] = []
  readonly channelAgents: ChannelAgent<unknown, unknown, unknown>[] = []
  readonly aggregations: AggregationDefinition[] = []
  readonly tables: TableDeclaration[] = []

  /** The first of a name counts: for its topic that is created, and for who sends by name. */
  addTopic(topic: Topic<unknown, unknown>): void {
    if (!this.topics.has(topic.name)) this.topics.set(topic.name, topic)
  }

  addAgent<K, V, R>(agent: Agent<K, V, R>): void {
    this.agents.push(agent as unknown as Agent<unknown, unknown, unknown>)
  }

  addChannel<K, V>(channel: Channel<K, V>): void {
    this.channels.push(channel as unknown as Channel<unknown, unknown>)
  }

  addChannelAgent<K, V, R>(agent: ChannelAgent<K, V, R>): void {
    this.channelAgents.push(agent as unknown as ChannelAgent<unknown, unknown, unknown>)
  }

  /** Throws TABLE_DUPLICATE. */
  addAggregation(declared: DeclaredAggregation, onBadRecord: BadRecordPolicy) {
    const { name } = declared.plan
    this.#checkName(name)
    const outputs: ResultOutput[] = []
    const late: LateOutput[] = []
    this.aggregations.push({ ...declared, onBadRecord, outputs, late })
    return { name, outputs, late }
  }

  /** Throws TABLE_DUPLICATE. */
  addTable(table: TableDeclaration): void {
    this.#checkName(table.name)
    this.tables.push(table)
  }

  /** By one of the same name. */
  replaceTable(by: TableDeclaration): void {
    this.tables[this.tables.findIndex(({ name }) => name === by.name)] = by
  }

  #checkName(table: string): void {
    const names = [
      ...this.aggregations.map(({ plan }) => plan.name),
      ...this.tables.map((each) => each.name),
    ]
    if (!names.includes(table)) return
    throw new EuphorionError('TABLE_DUPLICATE', `there is already a table ${table}`, {
      place: { table },
    })
  }
}

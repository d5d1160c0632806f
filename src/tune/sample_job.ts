// What runs in a measured run of `tune`: the aggregations of a workload or of an app, and agents
// where they are asked for; without their outputs. Called by sample_run.ts, and by the command,
// which says what is left out.
import type { App } from '../app/app.ts'
import type { AggregationDefinition } from '../ingest/aggregation.ts'
import type { EventSubscriber } from '../ingest/subscriber.ts'
import type { Settings } from '../settings.ts'
import type { Agent } from '../stream/agent.ts'
import type { AgentDefinition, AgentServices } from '../stream/agent_definition.ts'
import { agentSubscriber } from '../stream/agent_subscriber.ts'
import type { TableDeclaration } from '../table/agent_definition.ts'
import { benchAgentOf } from './bench_agents.ts'
import { aggregationOf } from './bench_run.ts'
import { type BenchSpec, isAgent } from './bench_spec.ts'

type Services = Omit<AgentServices, 'onBadRecord'>

export interface Job {
  readonly aggregations: readonly AggregationDefinition[]
  readonly agentTables: readonly TableDeclaration[]
  subscribers(services: Services): EventSubscriber[]
}

export function workloadJob(spec: BenchSpec): Job {
  const agent = benchAgentOf(spec)
  return {
    aggregations: isAgent(spec.workload) ? [] : [aggregationOf(spec)],
    agentTables: agent?.tables ?? [],
    subscribers: (services) => (agent === undefined ? [] : [agent.subscriber(services)]),
  }
}

export function appJob(app: App, includeAgents: boolean, { maxFutureMs }: Settings): Job {
  const { aggregations, tables } = app.topology
  const agents = includeAgents ? app.topology.agents.filter(hasTopics) : []
  return {
    aggregations: aggregations.map((each) => ({
      ...each,
      plan: { ...each.plan, maxFutureMs },
      onBadRecord: 'skip',
      outputs: [],
      late: [],
    })),
    agentTables: includeAgents ? tables : [],
    subscribers: (services) =>
      agents.flatMap(({ definition }) =>
        topicsOf(definition).map((topic) => {
          const quiet = { ...definition, topic, sinks: [], onBadRecord: 'skip' as const }
          return agentSubscriber(quiet, { ...services, onBadRecord: () => undefined })
        }),
      ),
  }
}

/** Topics that the job of an app reads. */
export function topicsRead({ topology }: App, includeAgents: boolean): string[] {
  const agents = includeAgents ? topology.agents.filter(hasTopics) : []
  const topics = [
    ...topology.aggregations.map(({ topic }) => topic),
    ...agents.flatMap(({ definition }) => topicsOf(definition)),
  ]
  return [...new Set(topics)]
}

/** What of an app does not run, or does less than in a worker: for people. */
export function leftOut({ topology, background }: App, includeAgents: boolean): string[] {
  const { agents, aggregations, channelAgents } = topology
  const out = includeAgents ? agents.filter((each) => !hasTopics(each)) : agents
  const names = out.map(({ definition }) => definition.name).join(', ')
  const why = includeAgents ? 'they read topics by a pattern' : 'add --include-agents to run them'
  const { timers, crontabs, tasks, leaderTasks, services } = background
  const beside = [timers, crontabs, tasks, leaderTasks, services].flat().length
  const outputs = aggregations.filter((each) => each.outputs.length + each.late.length > 0)
  return [
    ...(out.length > 0 ? [`agents ${names}: ${why}`] : []),
    ...(includeAgents && agents.length > 0 ? ['what agents send, yield and answer'] : []),
    ...(channelAgents.length > 0 ? ['agents of channels'] : []),
    ...(beside > 0 ? ['timers, crontabs, tasks and services'] : []),
    ...outputs.map(({ plan }) => `what ${plan.name} sends to topics`),
  ]
}

const hasTopics = ({ definition }: Agent<unknown, unknown, unknown>): boolean =>
  definition.topics === undefined || definition.topics.names !== undefined

function topicsOf({
  topics,
  topic,
}: AgentDefinition<unknown, unknown, unknown>): readonly string[] {
  return topics?.names ?? [topic]
}

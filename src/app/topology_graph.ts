// What a program declares as a graph: who reads what, and where it goes. Drawn by `euphorion
// topology`. What an agent's function does inside is not known before it runs: tables that agents
// write, and topics that they send to by name, have no line to them.
import type { WindowPlan } from '../kernel/plan.ts'
import type { Sink } from '../stream/sink.ts'
import { formatDuration } from '../units.ts'
import type { App } from './app.ts'

export type NodeKind =
  | 'topic'
  | 'agent'
  | 'aggregation'
  | 'table'
  | 'timer'
  | 'crontab'
  | 'task'
  | 'service'
  | 'page'

export interface GraphNode {
  /** `kind:name`. */
  readonly id: string
  readonly kind: NodeKind
  readonly name: string
  /** A line of facts; '' where there are none. */
  readonly detail: string
}

export interface GraphEdge {
  readonly from: string
  readonly to: string
  /** What goes there; '' for records as they are. */
  readonly label: string
}

export interface TopologyGraph {
  readonly nodes: readonly GraphNode[]
  readonly edges: readonly GraphEdge[]
}

class Graph implements TopologyGraph {
  readonly nodes: GraphNode[] = []
  readonly edges: GraphEdge[] = []

  /** Returns its id. The first of a name counts. */
  add(kind: NodeKind, name: string, detail = ''): string {
    const id = `${kind}:${name}`
    if (!this.nodes.some((node) => node.id === id)) this.nodes.push({ id, kind, name, detail })
    return id
  }

  connect(from: string, to: string, label = ''): void {
    const isThere = this.edges.some(
      (edge) => edge.from === from && edge.to === to && edge.label === label,
    )
    if (!isThere) this.edges.push({ from, to, label })
  }
}

export function topologyGraph(app: App): TopologyGraph {
  const graph = new Graph()
  addStreams(graph, app)
  addBackground(graph, app)
  return graph
}

function addStreams(graph: Graph, { topology }: App): void {
  for (const { name, schema } of topology.topics.values())
    graph.add('topic', name, schema === undefined ? '' : `of ${schema.name}`)
  for (const { definition } of topology.agents) {
    const { name, topic, concurrency, sinks } = definition
    const agent = graph.add('agent', name, concurrency > 1 ? `concurrency ${concurrency}` : '')
    graph.connect(graph.add('topic', topic), agent)
    for (const sink of sinks) {
      const target = sinkTopic(sink)
      if (target !== undefined) graph.connect(agent, graph.add('topic', target), 'yields')
    }
  }
  for (const { topic, plan, outputs, late } of topology.aggregations) {
    const aggregation = graph.add('aggregation', plan.name, windowText(plan.window))
    graph.connect(graph.add('topic', topic), aggregation)
    for (const { mode, topic: to } of outputs)
      graph.connect(aggregation, graph.add('topic', to), mode)
    for (const { topic: to } of late) graph.connect(aggregation, graph.add('topic', to), 'late')
  }
  for (const { name, isGlobal } of topology.tables)
    graph.add('table', name, isGlobal ? 'global' : '')
}

/** What runs beside the streams. */
function addBackground(graph: Graph, { background, served }: App): void {
  const led = (onLeader: boolean | undefined): string =>
    onLeader === true ? ', on the leader' : ''
  for (const { name, everyMs, onLeader } of background.timers)
    graph.add('timer', name, `every ${formatDuration(everyMs)}${led(onLeader)}`)
  for (const { name, expression, onLeader } of background.crontabs)
    graph.add('crontab', name, `${expression}${led(onLeader)}`)
  for (const { name } of background.tasks) graph.add('task', name)
  for (const { name } of background.leaderTasks) graph.add('task', name, 'on the leader')
  for (const { name } of background.services) graph.add('service', name)
  for (const { path } of served.pages) graph.add('page', path)
}

/** Undefined for functions. */
function sinkTopic(sink: Sink<unknown>): string | undefined {
  const { name } = sink as { readonly name?: unknown }
  return typeof sink === 'function' || typeof name !== 'string' ? undefined : name
}

function windowText(window: WindowPlan | undefined): string {
  if (window === undefined) return 'without windows'
  const { sizeMs, stepMs } = window
  if (sizeMs === stepMs) return `tumbling ${formatDuration(sizeMs)}`
  return `hopping ${formatDuration(sizeMs)} by ${formatDuration(stepMs)}`
}

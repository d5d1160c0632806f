// The graph of a program as a Mermaid flowchart, which GitHub and many editors draw. Printed by
// `euphorion topology --format mermaid`.
import type { NodeKind, TopologyGraph } from '../app/topology_graph.ts'

/** What stands around a node's text: a topic is a stadium, a table a cylinder. */
const shapes: Readonly<Record<NodeKind, readonly [string, string]>> = {
  topic: ['([', '])'],
  agent: ['[', ']'],
  aggregation: ['[[', ']]'],
  table: ['[(', ')]'],
  timer: ['((', '))'],
  crontab: ['((', '))'],
  task: ['(', ')'],
  service: ['(', ')'],
  page: ['[/', '/]'],
}

export function topologyMermaid({ nodes, edges }: TopologyGraph): string {
  const number = new Map(nodes.map(({ id }, index) => [id, `n${index}`]))
  const lines = nodes.map(({ id, kind, name, detail }) => {
    const [open, close] = shapes[kind]
    const text = detail === '' ? name : `${name}<br>${detail}`
    return `  ${number.get(id)}${open}"${escaped(text)}"${close}`
  })
  for (const { from, to, label } of edges) {
    const arrow = label === '' ? '-->' : `-->|${escaped(label)}|`
    lines.push(`  ${number.get(from)} ${arrow} ${number.get(to)}`)
  }
  return ['flowchart LR', ...lines].map((line) => `${line}\n`).join('')
}

function escaped(text: string): string {
  return text.replaceAll('"', '#quot;')
}

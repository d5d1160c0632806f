// The graph of a program as text: each reader with what comes in and what goes out. Printed by
// `euphorion topology`.
import type { GraphNode, TopologyGraph } from '../app/topology_graph.ts'

/**
 * ```
 * page-views of PageView
 * ├─▶ agent counts
 * └─▶ aggregation views-per-page, hopping 1 m by 10 s
 *     └─ changes ▶ views-per-page
 * ```
 * A topic that something writes and something reads stands at both places.
 */
export function topologyText({ nodes, edges }: TopologyGraph): string {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const outOf = (id: string) => edges.filter((edge) => edge.from === id)
  const lines: string[] = []
  const branch = (id: string, indent: string): void => {
    const out = outOf(id)
    for (const [index, { to, label }] of out.entries()) {
      const node = byId.get(to)!
      const isLast = index === out.length - 1
      const arrow = label === '' ? '─▶' : `─ ${label} ▶`
      lines.push(`${indent}${isLast ? '└' : '├'}${arrow} ${nodeText(node)}`)
      // what reads a topic stands under the topic itself
      if (node.kind !== 'topic') branch(to, `${indent}${isLast ? ' ' : '│'}   `)
    }
  }
  const isRoot = ({ id, kind }: GraphNode): boolean =>
    kind === 'topic'
      ? outOf(id).length > 0 || !edges.some((edge) => edge.to === id)
      : !edges.some((edge) => edge.to === id)
  for (const node of nodes) {
    if (!isRoot(node)) continue
    lines.push(nodeText(node))
    branch(node.id, '')
  }
  return lines.map((line) => `${line}\n`).join('')
}

function nodeText({ kind, name, detail }: GraphNode): string {
  const text = kind === 'topic' ? name : `${kind} ${name}`
  if (detail === '') return text
  return kind === 'topic' ? `${text} ${detail}` : `${text}, ${detail}`
}

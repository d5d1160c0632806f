// The graph of a program as an SVG picture, laid out by dagre. Written by `euphorion topology
// --format svg`.
import type { GraphNode, NodeKind, TopologyGraph } from '../app/topology_graph.ts'

interface Point {
  readonly x: number
  readonly y: number
}

/** A node where the layout has put it; x and y are its middle. */
interface Placed extends Point {
  readonly node: GraphNode
  readonly width: number
  readonly height: number
}

interface Line {
  readonly points: readonly Point[]
  readonly label: string
  /** Where the label stands. */
  readonly at: Point
}

const CHARACTER_PX = 7.3
const PADDING_PX = 14
const LINE_PX = 17
const MARGIN_PX = 16

/** What runs beside the streams. */
const beside = ['#f1f3f5', '#6b7280'] as const

/** Fill and line, readable on white and on dark pages alike. */
const colours: Readonly<Record<NodeKind, readonly [fill: string, line: string]>> = {
  topic: ['#e8f0fe', '#3b6fb6'],
  agent: ['#fff4e0', '#b7791f'],
  aggregation: ['#e9f7ec', '#2f855a'],
  table: ['#f3e8fd', '#7b4bb7'],
  timer: beside,
  crontab: beside,
  task: beside,
  service: beside,
  page: ['#e6fffa', '#287d7a'],
}

const arrowHead = `<defs>
<marker id="end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">
<path d="M0 0 L8 4 L0 8 z" fill="#6b7280"/>
</marker>
</defs>`

export async function topologySvg(graph: TopologyGraph): Promise<string> {
  const { placed, lines, width, height } = await layOut(graph)
  const body = [...lines.map(lineSvg), ...placed.map(nodeSvg)].join('\n')
  const size = `viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`
  const font = 'font-family="ui-sans-serif, system-ui, sans-serif" font-size="12"'
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} ${font}>
${arrowHead}
<rect width="${width}" height="${height}" fill="#ffffff"/>
${body}
</svg>
`
}

async function layOut({ nodes, edges }: TopologyGraph) {
  const { Graph, layout } = await import('@dagrejs/dagre')
  const graph = new Graph({ multigraph: true })
  graph.setGraph({
    rankdir: 'LR',
    nodesep: 18,
    ranksep: 56,
    marginx: MARGIN_PX,
    marginy: MARGIN_PX,
  })
  for (const node of nodes) graph.setNode(node.id, { ...sizeOf(node) })
  for (const [index, { from, to, label }] of edges.entries()) {
    const width = label.length * CHARACTER_PX
    graph.setEdge(from, to, { width, height: LINE_PX, labelpos: 'c' }, String(index))
  }
  layout(graph)
  const placed = nodes.map((node): Placed => {
    const { x = 0, y = 0, width = 0, height = 0 } = graph.node(node.id)
    return { node, x, y, width, height }
  })
  const lines = edges.map(({ from, to, label }, index): Line => {
    const { points = [], x = 0, y = 0 } = graph.edge(from, to, String(index))
    return { points, label, at: { x, y } }
  })
  const { width = 0, height = 0 } = graph.graph()
  return { placed, lines, width: Math.ceil(width), height: Math.ceil(height) }
}

function sizeOf({ kind, name, detail }: GraphNode): { width: number; height: number } {
  const characters = Math.max(name.length, detail.length, kind.length)
  return {
    width: Math.ceil(characters * CHARACTER_PX + 2 * PADDING_PX),
    height: LINE_PX * (detail === '' ? 2 : 3) + PADDING_PX,
  }
}

function nodeSvg({ node, x, y, width, height }: Placed): string {
  const { kind, name, detail } = node
  const [fill, line] = colours[kind]
  const radius = kind === 'topic' ? height / 2 : 5
  const rows = [
    { text: kind, size: 10, colour: line },
    { text: name, size: 13, colour: '#111827' },
    ...(detail === '' ? [] : [{ text: detail, size: 11, colour: '#4b5563' }]),
  ]
  const top = y - ((rows.length - 1) * LINE_PX) / 2
  const middle = 'text-anchor="middle" dominant-baseline="central"'
  const texts = rows.map(({ text, size, colour }, row) => {
    const place = `x="${x}" y="${top + row * LINE_PX}" ${middle}`
    return `<text ${place} font-size="${size}" fill="${colour}">${escaped(text)}</text>`
  })
  const corner = `x="${x - width / 2}" y="${y - height / 2}"`
  const size = `width="${width}" height="${height}" rx="${radius}"`
  const box = `<rect ${corner} ${size} fill="${fill}" stroke="${line}"/>`
  return `${box}${texts.join('')}`
}

function lineSvg({ points, label, at }: Line): string {
  const path = points.map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${x} ${y}`).join(' ')
  const line = `<path d="${path}" fill="none" stroke="#6b7280" marker-end="url(#end)"/>`
  if (label === '') return line
  const halo = 'stroke="#ffffff" stroke-width="4" paint-order="stroke"'
  const place = `x="${at.x}" y="${at.y - 8}" text-anchor="middle" font-size="11" fill="#374151"`
  return `${line}<text ${place} ${halo}>${escaped(label)}</text>`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

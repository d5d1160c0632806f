// A plot of W0–W3: the rate of each engine, on a logarithmic scale. Made of the rows of
// bench/results; called by peers.ts.

import type { StreamRow } from './rows.ts'
import { streamWorkloads } from './spec.ts'
import { labelOf, shortRate } from './tables.ts'

const WIDTH = 860
const LABEL_WIDTH = 210
const NUMBER_WIDTH = 70
const BAR = 16
const GAP = 4
const HEAD = 34
const own = '#0f766e'
const others = '#94a3b8'

const titles = {
  w0: 'W0: an agent reads every event',
  w1: 'W1: count by url, tumbling 10 s',
  w2: 'W2: count, sum, min, max by url, hopping 60 s / 10 s',
  w3: 'W3: count by url for ever',
} as const

/** An SVG document. */
export function streamsPlot(rows: readonly StreamRow[]): string {
  const rates = rows.map(({ perSecond }) => Math.max(1, perSecond))
  const floor = Math.floor(Math.log10(Math.min(...rates)))
  const ceiling = Math.log10(Math.max(...rates))
  const widthOf = (rate: number): number => {
    const share = (Math.log10(Math.max(1, rate)) - floor) / Math.max(ceiling - floor, 1e-9)
    return Math.max(1, share * (WIDTH - LABEL_WIDTH - NUMBER_WIDTH))
  }
  const parts: string[] = []
  let y = 0
  for (const workload of streamWorkloads) {
    const group = rows.filter((row) => row.workload === workload)
    if (group.length === 0) continue
    y += HEAD
    parts.push(`<text x="0" y="${y - 10}" font-weight="bold">${titles[workload]}</text>`)
    for (const row of [...group].sort((a, b) => b.perSecond - a.perSecond)) {
      const width = widthOf(row.perSecond).toFixed(1)
      const label = labelOf(row.peer, row.guarantee).replaceAll('*', '')
      const middle = y + BAR - 4
      const colour = row.peer === 'euphorion' ? own : others
      const end = (LABEL_WIDTH + Number(width) + 6).toFixed(1)
      parts.push(
        `<text x="${LABEL_WIDTH - 8}" y="${middle}" text-anchor="end">${label}</text>`,
        `<rect x="${LABEL_WIDTH}" y="${y}" width="${width}" height="${BAR}" fill="${colour}"/>`,
        `<text x="${end}" y="${middle}">${shortRate(row.perSecond)}/s</text>`,
      )
      y += BAR + GAP
    }
  }
  const foot = `events a second, from 10^${floor}, logarithmic`
  const height = y + HEAD
  parts.push(`<text x="0" y="${height - 10}" fill="#64748b">${foot}</text>`)
  const open = '<svg xmlns="http://www.w3.org/2000/svg"'
  const size = `viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}"`
  const style = 'font-family="system-ui, sans-serif" font-size="12"'
  const back = `<rect width="${WIDTH}" height="${height}" fill="white"/>`
  return `${open} ${size} ${style}>\n${back}\n${parts.join('\n')}\n</svg>\n`
}

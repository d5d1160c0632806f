// The plot of a run of `tune` as an SVG picture: every run in its order, and the pairs of the last
// comparison. Written by `euphorion tune --out`.
import { type Goal, showValue, valueTitle } from './goal.ts'
import type { TuneReport } from './tune_report.ts'

const WIDTH = 880
const HEIGHT = 380
const TOP = 56
const BOTTOM = 330
const RUNS = { left: 90, right: 600 } as const
const PAIRS = { left: 690, right: 830 } as const
const GRID = '#e5e7eb'
const TEXT = '#374151'

const colours = {
  halving: '#9ca3af',
  descent: '#3b6fb6',
  reduction: '#b7791f',
  comparison: '#2f855a',
} as const

interface Point {
  readonly number: number
  readonly phase: keyof typeof colours
  readonly value: number
}

export function tunePlot(report: TuneReport, goal: Goal): string {
  const points = report.candidates.flatMap(({ runs }) =>
    runs.flatMap(({ number, phase, value }): Point[] =>
      value === undefined || value <= 0 ? [] : [{ number, phase, value }],
    ),
  )
  const scale = scaleOf(points.map(({ value }) => value))
  const ticks = scale.ticks.map((value) => {
    const y = scale.y(value).toFixed(1)
    const label = text(RUNS.left - 8, y, showValue(goal, value), 'end')
    return `<path d="M${RUNS.left} ${y}H${PAIRS.right}" stroke="${GRID}"/>${label}`
  })
  const last = Math.max(1, ...points.map(({ number }) => number))
  const dots = points.map(({ number, phase, value }) => {
    const x = RUNS.left + (number / last) * (RUNS.right - RUNS.left)
    const place = `cx="${x.toFixed(1)}" cy="${scale.y(value).toFixed(1)}"`
    return `<circle ${place} r="3" fill="${colours[phase]}" fill-opacity="0.75"/>`
  })
  const body = [...ticks, ...dots, ...legend(), ...pairsOf(report, scale.y)].join('\n')
  const size = `viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}"`
  const font = 'font-family="ui-sans-serif, system-ui, sans-serif" font-size="11"'
  const title = `${valueTitle(goal)} — ${report.target}, seed ${report.seed}`
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} ${font}>
<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>
<text x="${RUNS.left}" y="24" font-size="14" fill="#111827">${escaped(title)}</text>
${body}
${text((RUNS.left + RUNS.right) / 2, BOTTOM + 38, 'runs in their order', 'middle')}
</svg>
`
}

/** Of logarithms, where the values are far apart. */
function scaleOf(values: readonly number[]) {
  const least = Math.min(...values, Infinity)
  const most = Math.max(...values, 0)
  if (most === 0) return { y: () => BOTTOM, ticks: [] }
  const isWide = most > 8 * least
  const read = isWide ? Math.log : (value: number): number => value
  const write = isWide ? Math.exp : (value: number): number => value
  const low = isWide ? read(least) : 0
  const high = read(most) + (isWide ? 0.1 : 0.05 * most)
  const y = (value: number): number =>
    BOTTOM - ((read(value) - low) / (high - low || 1)) * (BOTTOM - TOP)
  const ticks = [0, 1, 2, 3, 4].map((step) => write(low + (step / 4) * (high - low)))
  return { y, ticks }
}

function legend(): string[] {
  return Object.entries(colours).map(([phase, colour], index) => {
    const x = RUNS.left + index * 110
    const dot = `<circle cx="${x + 4}" cy="40" r="4" fill="${colour}"/>`
    return `${dot}${text(x + 14, 40, phase, 'start')}`
  })
}

/** A line for each pair; one that rises is better, or worse where less is better. */
function pairsOf({ gain }: TuneReport, y: (value: number) => number): string[] {
  if (gain === undefined) return []
  const lines = gain.pairs.map(({ start, best }) => {
    const from = `M${PAIRS.left} ${y(start).toFixed(1)}`
    const path = `${from}L${PAIRS.right} ${y(best).toFixed(1)}`
    return `<path d="${path}" stroke="${colours.comparison}" stroke-opacity="0.5"/>`
  })
  const medians = [
    [PAIRS.left, gain.startMedian],
    [PAIRS.right, gain.bestMedian],
  ].map(
    ([x, value]) =>
      `<circle cx="${x}" cy="${y(value).toFixed(1)}" r="5" fill="${colours.comparison}"/>`,
  )
  const { interval, ratio } = gain
  const range = interval?.map((each) => each.toFixed(2)).join(' to ') ?? 'too few pairs'
  const middle = (PAIRS.left + PAIRS.right) / 2
  return [
    ...lines,
    ...medians,
    text(PAIRS.left, BOTTOM + 18, 'start', 'middle'),
    text(PAIRS.right, BOTTOM + 18, 'best', 'middle'),
    text(middle, BOTTOM + 38, `× ${ratio.toFixed(2)} (95%: ${range})`, 'middle'),
  ]
}

function text(x: number, y: number | string, words: string, anchor: string): string {
  const place = `x="${x}" y="${y}" text-anchor="${anchor}" dominant-baseline="middle"`
  return `<text ${place} fill="${TEXT}">${escaped(words)}</text>`
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

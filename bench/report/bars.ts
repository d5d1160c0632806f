// A plot of figures: a bar for each median, a line from the least to the most. Each group has its
// own scale, from 0, or logarithmic where it is wide.
//
//   Group, unit
//      case  ████████████├──┤  1.23
import { type Figure, grouped, showNumber } from './figure.ts'

const WIDTH = 860
const LABEL_WIDTH = 300
const NUMBER_WIDTH = 90
const BAR = 16
const GAP = 4
const HEAD = 34
const FILL = '#0f766e'
const RANGE = '#111827'
const FAINT = '#64748b'
/** The largest value of a group as times its least, from which its scale is logarithmic. */
const WIDE = 30

/** An SVG document. */
export function barPlot(title: string, foot: string, figures: readonly Figure[]): string {
  const parts = [`<text x="0" y="18" font-size="15">${escaped(title)}</text>`]
  let y = 18
  for (const group of grouped(figures)) {
    y += HEAD
    const { widthOf, note } = scaleOf(group)
    const head = `${group[0].group}, ${group[0].unit}${note}`
    parts.push(`<text x="0" y="${y - 10}" font-weight="bold">${escaped(head)}</text>`)
    for (const figure of group) {
      parts.push(...barOf(figure, y, widthOf))
      y += BAR + GAP
    }
  }
  const height = y + HEAD
  parts.push(`<text x="0" y="${height - 10}" fill="${FAINT}">${escaped(foot)}</text>`)
  const size = `viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}"`
  const style = 'font-family="system-ui, sans-serif" font-size="12"'
  const back = `<rect width="${WIDTH}" height="${height}" fill="white"/>`
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} ${style}>\n${back}\n${parts.join('\n')}\n</svg>\n`
}

function barOf(figure: Figure, y: number, widthOf: (value: number) => number): string[] {
  const { min, median, max } = figure
  const [from, width, to] = [min, median, max].map((value) => widthOf(value).toFixed(1))
  const middle = y + BAR / 2
  const end = (LABEL_WIDTH + Math.max(Number(width), Number(to)) + 6).toFixed(1)
  const centred = 'dominant-baseline="central"'
  const label = escaped(figure.case)
  const place = `x="${LABEL_WIDTH - 8}" y="${middle}" text-anchor="end"`
  const bar = `x="${LABEL_WIDTH}" y="${y}" width="${width}" height="${BAR}"`
  const range = `M${LABEL_WIDTH + Number(from)} ${middle}H${LABEL_WIDTH + Number(to)}`
  return [
    `<text ${place} ${centred}>${label}</text>`,
    `<rect ${bar} fill="${FILL}" fill-opacity="0.8"/>`,
    ...(figure.samples > 1 ? [`<path d="${range}" stroke="${RANGE}" stroke-width="2"/>`] : []),
    `<text x="${end}" y="${middle}" ${centred}>${showNumber(median)}</text>`,
  ]
}

/** Of a group: widths of values in pixels, and what is to be said of it. */
function scaleOf(group: readonly Figure[]) {
  const room = WIDTH - LABEL_WIDTH - NUMBER_WIDTH
  const most = Math.max(...group.map(({ max }) => max), Number.MIN_VALUE)
  const positive = group.map(({ min }) => min).filter((value) => value > 0)
  const least = Math.min(...positive, most)
  if (most / least < WIDE) {
    return { note: '', widthOf: (value: number) => Math.max(1, (value / most) * room) }
  }
  const floor = Math.floor(Math.log10(least))
  const span = Math.log10(most) - floor
  const widthOf = (value: number): number =>
    Math.max(1, ((Math.log10(Math.max(value, least)) - floor) / span) * room)
  return { note: ` (logarithmic, from ${showNumber(10 ** floor)})`, widthOf }
}

export function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

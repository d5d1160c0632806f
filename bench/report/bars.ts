// A plot of figures: a bar for each median, a line from the least to the most. Each group has its
// own scale, from 0, or logarithmic where its medians are far apart.
//
//   Group, unit
//      case  ████████████├──┤  1.23
import { type Figure, grouped, showNumber } from './figure.ts'

const MARGIN = 12
const BARS_WIDTH = 458
const NUMBER_WIDTH = 90
/** Of a letter, in the middle; of the longest label too, near enough. */
const LETTER_WIDTH = 6.5
const BAR = 16
const GAP = 4
const HEAD = 34
/** From the middle of a line of text down to its feet; not every viewer knows how to centre. */
const FOOT = 4
const FILL = '#5eaaa3'
const RANGE = '#111827'
const FAINT = '#64748b'
/** The largest median of a group as times its least, from which its scale is logarithmic. */
const WIDE = 30
/** The scale has room for so many times the largest median: one bad sample bends it no further. */
const ROOM = 1.5
const LEGEND =
  'Bars: medians. Lines: from the least sample to the most; an arrow where it is beyond.'

interface Scale {
  /** Of a value in pixels, as far as there is room. */
  readonly widthOf: (value: number) => number
  /** The largest value that there is room for. */
  readonly most: number
  /** What is to be said of it. */
  readonly note: string
}

/** An SVG document. */
export function barPlot(title: string, foot: string, figures: readonly Figure[]): string {
  const parts = [textAt(MARGIN, 24, title, 'font-size="15"')]
  const longest = Math.max(...figures.map(({ case: label }) => label.length))
  const left = Math.ceil(longest * LETTER_WIDTH) + 2 * MARGIN
  const right = left + BARS_WIDTH + NUMBER_WIDTH + MARGIN
  let y = 24
  for (const group of grouped(figures)) {
    y += HEAD
    const scale = scaleOf(group)
    const head = `${group[0].group}, ${group[0].unit}${scale.note}`
    parts.push(textAt(MARGIN, y - 10, head, 'font-weight="bold"'))
    for (const figure of group) {
      parts.push(...barOf(figure, left, y, scale))
      y += BAR + GAP
    }
  }
  y += HEAD
  parts.push(textAt(MARGIN, y - 8, LEGEND, `fill="${FAINT}"`))
  parts.push(textAt(MARGIN, y + 8, foot, `fill="${FAINT}"`))
  const height = y + MARGIN + 8
  const size = `viewBox="0 0 ${right} ${height}" width="${right}"`
  const style = 'font-family="system-ui, sans-serif" font-size="12"'
  const back = `<rect width="${right}" height="${height}" fill="white"/>`
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} ${style}>\n${back}\n${parts.join('\n')}\n</svg>\n`
}

function textAt(x: number | string, y: number, words: string, how = ''): string {
  return `<text x="${x}" y="${y}"${how === '' ? '' : ` ${how}`}>${escaped(words)}</text>`
}

function barOf(figure: Figure, left: number, y: number, { widthOf, most }: Scale): string[] {
  const { min, median, max } = figure
  const [from, width, to] = [min, median, max].map(widthOf)
  const middle = y + BAR / 2
  const x = (pixels: number): string => (left + pixels).toFixed(1)
  const line = `M${x(from)} ${middle}H${x(to)}`
  const range = max > most ? `${line}m-4 -3l4 3l-4 3` : line
  const bar = `x="${left}" y="${y}" width="${width.toFixed(1)}" height="${BAR}"`
  return [
    textAt(left - 8, middle + FOOT, figure.case, 'text-anchor="end"'),
    `<rect ${bar} fill="${FILL}"/>`,
    ...(figure.samples > 1
      ? [`<path d="${range}" stroke="${RANGE}" stroke-width="1.5" fill="none"/>`]
      : []),
    textAt(x(Math.max(width, to) + 6), middle + FOOT, showNumber(median)),
  ]
}

function scaleOf(group: readonly Figure[]): Scale {
  const medians = group.map(({ median }) => median)
  const largest = Math.max(...medians, Number.MIN_VALUE)
  const most = Math.min(Math.max(...group.map(({ max }) => max), largest), largest * ROOM)
  const least = Math.min(...medians.filter((median) => median > 0), largest)
  const within = (part: number): number => Math.min(BARS_WIDTH, Math.max(1, part * BARS_WIDTH))
  if (largest / least < WIDE) return { most, note: '', widthOf: (value) => within(value / most) }
  const floor = Math.floor(Math.log10(least / ROOM))
  const span = Math.log10(most) - floor
  return {
    most,
    note: ` (logarithmic, from ${showNumber(10 ** floor)})`,
    widthOf: (value) => within(value > 0 ? (Math.log10(value) - floor) / span : 0),
  }
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

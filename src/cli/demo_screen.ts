// What `euphorion demo` shows while it runs: a table painted over itself in a terminal, a line a
// second elsewhere.
import type { PageRow } from './demo_app.ts'

export interface DemoFrame {
  readonly events: number
  readonly eventsPerSecond: number
  /** Events that wait. */
  readonly behind: number
  /** The window shown; undefined before the first results. */
  readonly windowStart: number | undefined
  readonly top: readonly PageRow[]
}

const BAR_CELLS = 30
const numbers = new Intl.NumberFormat('en-US')

/** 1,234,567 */
export function formatCount(count: number): string {
  return numbers.format(Math.round(count))
}

const hideCursor = '\x1b[?25l'
const showCursor = '\x1b[?25h'
const HINT_LINES = 2

export class DemoScreen {
  readonly #stream: NodeJS.WriteStream
  readonly #restore = (): void => {
    this.#stream.write(showCursor)
  }
  #lines = 0

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
    if (!stream.isTTY) return
    stream.write(hideCursor)
    process.once('exit', this.#restore)
  }

  show(frame: DemoFrame): void {
    const { isTTY } = this.#stream
    // A terminal that does not know its size says 0.
    const columns = this.#stream.columns || 80
    const rows = this.#stream.rows || 24
    if (!isTTY) {
      if (frame.events > 0) this.#stream.write(`${plainLine(frame)}\n`)
      return
    }
    const hint = ['', '\x1b[2mCtrl+C ends it\x1b[0m']
    // What is higher than the terminal cannot be painted over.
    const lines = [headLine(frame), '', ...topLines(frame, columns)].slice(
      0,
      rows - hint.length - 1,
    )
    this.#stream.write(`${this.#back(this.#lines)}${[...lines, ...hint].join('\n')}\n`)
    this.#lines = lines.length + hint.length
  }

  /** Leaves the last frame and gives the cursor back. */
  end(): void {
    if (!this.#stream.isTTY) return
    this.#stream.write(this.#back(Math.min(this.#lines, HINT_LINES)))
    this.#restore()
    process.off('exit', this.#restore)
  }

  #back(lines: number): string {
    return lines > 0 ? `\x1b[${lines}A\x1b[0J` : ''
  }
}

function headLine({ events, eventsPerSecond, behind }: DemoFrame): string {
  const rate = `\x1b[1m${formatCount(eventsPerSecond)}\x1b[0m events/s`
  return `${rate}   ${formatCount(events)} aggregated   ${formatCount(behind)} behind`
}

function topLines({ windowStart, top }: DemoFrame, columns: number): string[] {
  if (windowStart === undefined) return ['waiting for the first window …']
  const most = Math.max(1, ...top.map(({ views }) => views))
  const width = Math.max(4, ...top.map(({ key }) => key.length))
  const head = `   ${'page'.padEnd(width)} ${'views'.padStart(8)}  ${'mean ms'.padStart(8)}`
  const barCells = Math.max(1, Math.min(BAR_CELLS, columns - 26 - width))
  const rows = top.map(({ key, views, meanMs }, place) => {
    const bar = '█'.repeat(Math.max(1, Math.round((views / most) * barCells)))
    const mean = (meanMs ?? 0).toFixed(1).padStart(8)
    const rank = String(place + 1).padStart(2)
    const cells = `${rank} ${key.padEnd(width)} ${formatCount(views).padStart(8)}  ${mean}`
    return `${cells}  \x1b[36m${bar}\x1b[0m`
  })
  return [`top pages of the window from ${timeOfDay(windowStart)} (event time)`, head, ...rows]
}

function plainLine({ events, eventsPerSecond, windowStart, top }: DemoFrame): string {
  const shown = top.slice(0, 3).map(({ key, views }) => `${key} ${formatCount(views)}`)
  const results = windowStart === undefined ? '' : `, window ${timeOfDay(windowStart)}: `
  return `${formatCount(events)} events, ${formatCount(eventsPerSecond)}/s${results}${shown.join(', ')}`
}

function timeOfDay(ms: number): string {
  return new Date(ms).toISOString().slice(11, 19)
}

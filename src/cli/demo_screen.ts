// What `euphorion demo` shows while it runs: a table painted over itself in a terminal, a line a
// second elsewhere.
import type { PageRow } from './commands/demo.ts'

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

export class DemoScreen {
  readonly #stream: NodeJS.WriteStream
  #lines = 0

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
    if (stream.isTTY) stream.write('\x1b[?25l')
  }

  show(frame: DemoFrame): void {
    if (!this.#stream.isTTY) {
      if (frame.events > 0) this.#stream.write(`${plainLine(frame)}\n`)
      return
    }
    const lines = [headLine(frame), '', ...topLines(frame), '', '\x1b[2mCtrl+C ends it\x1b[0m']
    const back = this.#lines > 0 ? `\x1b[${this.#lines}A\x1b[0J` : ''
    this.#stream.write(`${back}${lines.join('\n')}\n`)
    this.#lines = lines.length
  }

  /** Leaves the last frame and gives the cursor back. */
  end(): void {
    if (this.#stream.isTTY) this.#stream.write('\x1b[?25h')
  }
}

function headLine({ events, eventsPerSecond, behind }: DemoFrame): string {
  const rate = `\x1b[1m${formatCount(eventsPerSecond)}\x1b[0m events/s`
  return `${rate}   ${formatCount(events)} aggregated   ${formatCount(behind)} behind`
}

function topLines({ windowStart, top }: DemoFrame): string[] {
  if (windowStart === undefined) return ['waiting for the first window …']
  const most = Math.max(1, ...top.map(({ views }) => views))
  const width = Math.max(4, ...top.map(({ key }) => key.length))
  const head = `  ${'page'.padEnd(width)}  ${'views'.padStart(8)}  ${'mean ms'.padStart(8)}`
  const rows = top.map(({ key, views, meanMs }, place) => {
    const bar = '█'.repeat(Math.max(1, Math.round((views / most) * BAR_CELLS)))
    const mean = (meanMs ?? 0).toFixed(1).padStart(8)
    const rank = String(place + 1).padStart(2)
    return `${rank} ${key.padEnd(width)} ${formatCount(views).padStart(8)}  ${mean}  \x1b[36m${bar}\x1b[0m`
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

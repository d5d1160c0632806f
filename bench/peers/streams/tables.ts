// Tables of W0–W3: README.md's, with all workloads, and those of bench/peers/README.md, one for
// each. Made of the rows of bench/results; called by peers.ts and by the test that compares them.
import { engines } from './engines.ts'
import type { StreamRow } from './rows.ts'
import { type Guarantee, streamWorkloads } from './spec.ts'

/** Below it a run is over before virtual machines are warm. */
const EVENTS_ENOUGH = 10_000_000
/** The workload whose CPU time and memory stand in README.md. */
const SHOWN = 'w1'

/** A line for each engine and guarantee: its rate in each workload, and Euphorion's as times it. */
export function streamsTable(rows: readonly StreamRow[]): string {
  const shown = streamWorkloads.filter((workload) => rows.some((row) => row.workload === workload))
  const names = shown.map((workload) => workload.toUpperCase())
  const head = ['', 'is kept', ...names, `${SHOWN.toUpperCase()}: CPU-s/M`, 'MiB']
  const lines = keysOf(rows).map(({ peer, guarantee }) => {
    const own = rows.filter((row) => row.peer === peer && row.guarantee === guarantee)
    const rates = shown.map((workload) => rateText(own.find((row) => row.workload === workload)))
    const main = own.find((row) => row.workload === SHOWN)
    const cpu = main?.cpuSecondsPerMillion
    const label = labelOf(peer, guarantee)
    const keeps = engines.find(({ name }) => name === peer)?.keeps ?? ''
    return [label, keeps, ...rates, digitsText(cpu), String(main?.residentMiB ?? '–')]
  })
  return `${tableText(head, lines, 2)}\n\n${footOf(rows)}\n`
}

/** All that is known of the runs of one workload. */
export function workloadTable(rows: readonly StreamRow[]): string {
  const head = [
    ...['', 'events/s', 'slowest', 'fastest', 'second half', 'Euphorion ×'],
    ...['CPU-s/M', 'MiB', 'runs', 'consumed', 'answer'],
  ]
  const lines = keysOf(rows).map(({ peer, guarantee }) => {
    const row = rows.find((each) => each.peer === peer && each.guarantee === guarantee)!
    const { perSecond, slowest, fastest, secondHalfPerSecond, consumed, events } = row
    return [
      labelOf(peer, guarantee),
      ...[perSecond, slowest, fastest, secondHalfPerSecond].map(wholeText),
      digitsText(row.euphorionIsTimes),
      digitsText(row.cpuSecondsPerMillion),
      String(row.residentMiB ?? '–'),
      String(row.runs),
      consumed === events ? 'all' : wholeText(consumed),
      row.identical ? 'right' : 'WRONG',
    ]
  })
  return `${tableText(head, lines, 1)}\n\n${footOf(rows)}\n`
}

interface Key {
  readonly peer: string
  readonly guarantee: Guarantee
}

function keysOf(rows: readonly StreamRow[]): readonly Key[] {
  return engines.flatMap(({ name, guarantees }) =>
    guarantees
      .map((guarantee) => ({ peer: name, guarantee }))
      .filter((key) =>
        rows.some((row) => row.peer === key.peer && row.guarantee === key.guarantee),
      ),
  )
}

export function labelOf(peer: string, guarantee: Guarantee): string {
  const engine = engines.find(({ name }) => name === peer)
  const label = peer === 'euphorion' ? `**${engine?.label}**` : (engine?.label ?? peer)
  return guarantee === 'exactly_once' ? `${label}, exactly once` : label
}

/** `406 k (13 ×)`, and what is not as it should be. */
function rateText(row: StreamRow | undefined): string {
  if (row === undefined) return '–'
  const { perSecond, euphorionIsTimes: times, identical, peer } = row
  const ratio = times === undefined || peer === 'euphorion' ? '' : ` (${timesText(times)} ×)`
  return `${shortRate(perSecond)}${ratio}${identical ? '' : ' WRONG'}`
}

function timesText(times: number): string {
  if (times >= 10) return wholeText(Math.round(times))
  return times.toFixed(times < 1 ? 2 : 1)
}

/** Three digits and a unit. */
export function shortRate(perSecond: number): string {
  if (perSecond < 999.5) return String(Math.round(perSecond))
  const [scaled, unit] = perSecond < 999_500 ? [perSecond / 1e3, 'k'] : [perSecond / 1e6, 'M']
  return `${Number(scaled.toPrecision(scaled >= 100 ? 3 : 2))} ${unit}`
}

function digitsText(value: number | undefined): string {
  if (value === undefined) return '–'
  return value >= 10 ? wholeText(Math.round(value)) : value.toFixed(2)
}

function wholeText(value: number): string {
  return value.toLocaleString('en')
}

function tableText(
  head: readonly string[],
  lines: readonly (readonly string[])[],
  texts: number,
): string {
  const align = head.map((_, column) => (column < texts ? '---' : '---:'))
  return [head, align, ...lines].map((each) => `| ${each.join(' | ')} |`).join('\n')
}

/** The conditions; those of the rows may differ where the workloads were not run together. */
function footOf(rows: readonly StreamRow[]): string {
  const each = (text: (row: StreamRow) => string): string => [...new Set(rows.map(text))].join('; ')
  const checked = rows.every((row) => row.identical)
    ? 'All answers are right.'
    : 'Not all answers are right.'
  const made = each(({ events, partitions, keys, seed }) => {
    const amount = `${wholeText(events)} events of ${wholeText(keys)} urls`
    return `${amount}, ${partitions} partitions, seed ${seed}`
  })
  const where = each(
    ({ kafka, cpu, date }) => `Kafka ${kafka} on the same machine, ${cpu}, ${date}`,
  )
  const time = each(({ secondsMax }) => `${secondsMax} s at most`)
  const isShort = rows.some(({ events }) => events < EVENTS_ENOUGH)
  const warning = isShort ? ' The run was short, mostly warming up: make your own.' : ''
  return `${checked}${warning} ${made}; a run has ${time}; ${where}: ${each(({ version }) => version)}.`
}

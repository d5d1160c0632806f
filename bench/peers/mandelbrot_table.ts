// README.md's table of the Mandelbrot set, made from the rows of a run. Called by peers.ts.
import type { PeerRow } from './results.ts'

const names: Readonly<Record<string, string>> = {
  python: 'pure Python',
  'cython-as-is': 'Cython, the `.py` compiled as it is',
  numpy: 'NumPy',
  numba: 'Numba',
  cython: 'Cython, a `.pyx` with types',
  c: 'C, `-O3`',
  'euphorion js': 'plain JavaScript',
  'euphorion wasm': 'WebAssembly SIMD',
  'euphorion native': 'native',
}
const order = Object.keys(names)

/**
 * A row for each tool, in the order of names: ms of each size on one thread, of the last also on
 * most threads, and how much faster than the plain loop of JavaScript on one thread that is.
 */
export function mandelbrotTable(rows: readonly PeerRow[]): string {
  const sizes = [...new Set(rows.map((row) => row.size))]
  const most = Math.max(...rows.map((row) => row.threads))
  const last = sizes[sizes.length - 1]
  const cells = [...sizes.map((size) => ({ size, threads: 1 })), { size: last, threads: most }]
  const plain = rows.find((row) => row.peer === 'euphorion js' && row.size === last)
  const keys = [...new Set(rows.map(keyOf))].sort((a, b) => rank(a) - rank(b))
  const lines = keys.map((key) => {
    const own = rows.filter((row) => keyOf(row) === key)
    const found = cells.map(({ size, threads }) =>
      own.find((row) => row.size === size && row.threads === threads),
    )
    const ratios = found.slice(-2).map((row) => ratioText(row, plain))
    return [labelOf(own[0]), ...found.map(timeText), ...ratios]
  })
  const shown = sizes.map((size) => `${size.replaceAll('x', ' × ')}, ms`)
  const times = '× JavaScript'
  const head = ['one thread', ...shown, `${most} threads, ms`, times, `${most} threads, ${times}`]
  const align = head.map((_, column) => (column === 0 ? '---' : '---:'))
  const table = [head, align, ...lines].map((each) => `| ${each.join(' | ')} |`)
  return `${table.join('\n')}\n\n${footOf(rows)}\n`
}

/** The same tool, set up in the same way. */
function keyOf({ peer, version }: PeerRow): string {
  return JSON.stringify([peer, peer.startsWith('euphorion') ? version : ''])
}

function ratioText(row: PeerRow | undefined, plain: PeerRow | undefined): string {
  if (row === undefined || plain === undefined) return ''
  const ratio = plain.ms / row.ms
  return ratio.toFixed(ratio < 0.95 ? 2 : 1)
}

function rank(key: string): number {
  const [peer, version] = JSON.parse(key) as [string, string]
  return order.indexOf(peer) * 2 + (version.includes('shortcuts') ? 1 : 0)
}

function labelOf({ peer, version }: PeerRow): string {
  const name = names[peer] ?? peer
  if (!peer.startsWith('euphorion')) return name
  const [instructions, shortcuts] = version.split(', ')
  const how = peer === 'euphorion native' ? `, ${instructions}` : ''
  const text = `Euphorion: ${name}${how}${shortcuts === undefined ? '' : ', shortcuts'}`
  return peer === 'euphorion js' ? text : `**${text}**`
}

function timeText(row: PeerRow | undefined): string {
  if (row === undefined) return '–'
  const { ms, identical } = row
  const text = ms < 100 ? ms.toFixed(1) : Math.round(ms).toLocaleString('en')
  return identical ? text : `${text} (other counts)`
}

function footOf(rows: readonly PeerRow[]): string {
  const { cpu, node, date } = rows[0]
  const versions = new Set(rows.filter((row) => !row.peer.startsWith('euphorion')).map(versionOf))
  const tools = [`Node ${node}`, ...versions].join('; ')
  const checked = rows.every((row) => row.identical)
    ? 'All counts are the same integers.'
    : 'Not all counts are the same.'
  return `${checked} Medians on ${cpu}, ${date}: ${tools}.`
}

function versionOf({ peer, version }: PeerRow): string {
  return peer === 'c' ? `cc ${version}` : version
}

// Runs the same work by other tools and by Euphorion, side by side on this machine, and checks that
// all find the same: `npm run bench:peers -- --only mandelbrot`. What the machine lacks is left out
// with a line that says so; --install fetches Python's packages into a directory of the cache.
// Writes bench/results/NAME.json and the table in README.md that is made from it.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { kernelPool } from '../../src/kernels.ts'
import { mandelbrotPeers } from './mandelbrot.ts'
import { mandelbrotTable } from './mandelbrot_table.ts'
import { Python } from './python.ts'
import { type PeerRow, readRows, replaceTable, root, writeRows } from './results.ts'

interface Workload {
  run(options: RunOptions): Promise<readonly PeerRow[]>
  table(rows: readonly PeerRow[]): string
}

export interface RunOptions {
  readonly python: Python
  readonly runs: number
  /** A small image, to see that all works. */
  readonly isSmoke: boolean
  say(line: string): void
}

const workloads: Readonly<Record<string, Workload>> = {
  mandelbrot: { run: mandelbrotPeers, table: mandelbrotTable },
}

const usage = `npm run bench:peers -- [--only ${Object.keys(workloads).join('|')}] [--runs N]
  --install    fetch NumPy, Numba and Cython into a directory of the cache first
  --smoke      a small image, and nothing is written but to --out
  --out FILE   where the rows go instead of bench/results/NAME.json
  --table      only make the table in README.md anew from the rows that are there`

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    runs: { type: 'string', default: '5' },
    install: { type: 'boolean', default: false },
    smoke: { type: 'boolean', default: false },
    table: { type: 'boolean', default: false },
    out: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

const say = (line: string): void => console.error(line)

async function main(): Promise<number> {
  const names = values.only === undefined ? Object.keys(workloads) : [values.only]
  const runs = Number(values.runs)
  const isKnown = names.every((name) => Object.hasOwn(workloads, name))
  if (values.help || !isKnown || !(Number.isInteger(runs) && runs > 0)) {
    console.log(usage)
    return values.help ? 0 : 2
  }
  let code = 0
  for (const name of names) {
    const results = values.out ?? join(root, 'bench/results', `${name}.json`)
    if (!values.table) {
      const python = new Python(say)
      if (values.install) await python.install()
      const options = { python, runs: values.smoke ? 1 : runs, isSmoke: values.smoke, say }
      const rows = await workloads[name].run(options)
      if (!values.smoke || values.out !== undefined) writeRows(results, rows)
      if (rows.some((row) => !row.identical)) code = 1
      console.log(workloads[name].table(rows))
    }
    if (values.smoke || values.out !== undefined) continue
    const readme = join(root, 'README.md')
    const table = workloads[name].table(readRows(results))
    writeFileSync(readme, replaceTable(readFileSync(readme, 'utf8'), `peers ${name}`, table))
  }
  await kernelPool().close()
  return code
}

process.exitCode = await main()

// `euphorion mandelbrot --compare`: a row for every backend and number of threads. Called by
// mandelbrot.ts.
import { availableParallelism, cpus } from 'node:os'
import type { MandelbrotShape } from '../../kernel/mandelbrot/shape.ts'
import { nativeAddon, whyNoNative } from '../../kernel/native.ts'
import {
  benchMandelbrot,
  instructionSetOf,
  type MandelbrotTimes,
  median,
} from '../../tune/mandelbrot_bench.ts'
import { type Align, paintTable } from '../paint.ts'
import { Progress } from '../progress.ts'

interface CompareOptions {
  readonly runs: number
  readonly shortcuts: boolean
  readonly threads?: number
  readonly json?: boolean
}

/** Prints the rows; resolves with whether all counts are the same. */
export async function compareBackends(
  shape: MandelbrotShape,
  { runs, shortcuts, threads, json }: CompareOptions,
): Promise<boolean> {
  const progress = new Progress(process.stderr)
  const onPart = (part: number) => progress.show(`comparing: ${Math.floor(part * 100)} %`)
  const { times, counts } = await benchMandelbrot(shape, { runs, shortcuts, threads, onPart })
  progress.end()
  const steps = counts.reduce((sum, count) => sum + count, 0)
  const plain = median(times[0].ms)
  const rows = times.map((each) => rowOf(shape, each, steps, plain))
  if (json) for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`)
  else process.stdout.write(paint(shape, rows, runs))
  return rows.every((row) => row.identical)
}

function rowOf(
  { nx, ny, iterations }: MandelbrotShape,
  { variant, ms, isIdentical }: MandelbrotTimes,
  steps: number,
  plainMs: number,
) {
  const { backend, instructionSet = instructionSetOf(backend), threads, shortcuts } = variant
  const middle = median(ms)
  return {
    size: `${nx}x${ny}`,
    iterations,
    backend,
    instructionSet,
    threads,
    shortcuts,
    ms: round(middle),
    fastest: round(Math.min(...ms)),
    slowest: round(Math.max(...ms)),
    runs: ms.length,
    millionIterationsPerSecond: Math.round(steps / middle / 1000),
    ratio: round(plainMs / middle),
    identical: isIdentical,
  }
}

type Row = ReturnType<typeof rowOf>

const round = (value: number): number => Number(value.toFixed(2))

const columns: readonly (readonly [string, Align, (row: Row) => string])[] = [
  ['backend', 'left', (row) => row.backend],
  ['instructions', 'left', (row) => row.instructionSet],
  ['shortcuts', 'left', (row) => (row.shortcuts ? 'yes' : 'no')],
  ['threads', 'right', (row) => String(row.threads)],
  ['ms', 'right', (row) => row.ms.toFixed(1)],
  ['fastest', 'right', (row) => row.fastest.toFixed(1)],
  ['slowest', 'right', (row) => row.slowest.toFixed(1)],
  ['M iterations/s', 'right', (row) => row.millionIterationsPerSecond.toLocaleString('en')],
  ['× JavaScript', 'right', (row) => row.ratio.toFixed(2)],
  ['identical', 'left', (row) => (row.identical ? 'yes' : 'NO')],
]

function paint({ nx, ny, iterations }: MandelbrotShape, rows: readonly Row[], runs: number) {
  const table = paintTable(
    columns.map(([name]) => name),
    rows.map((row) => columns.map(([, , text]) => text(row))),
    columns.map(([, align]) => align),
  )
  const cpu = `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'unknown'}`
  const image = `${nx} × ${ny} points, ${iterations.toLocaleString('en')} iterations`
  const facts = `${image}, median of ${runs}, Node ${process.versions.node}, ${cpu}\n`
  const native = nativeAddon() === undefined ? `No native rows: ${whyNoNative()}\n` : ''
  return `${table}\n${facts}${native}`
}

// Numeric kernels in each backend, beside the loop that a person writes. Results of the backends
// are the same to the last bit; the loop adds up in another order.
import assert from 'node:assert/strict'
import { nativeAddon } from '../../src/kernel/native.ts'
import type { ChosenBackend } from '../../src/kernel/offload/backend.ts'
import { kernelPool } from '../../src/kernel/offload/pool.ts'
import { type BenchKernelName, makeCase } from '../../src/tune/bench_kernels_cases.ts'
import { instructionSetOf } from '../../src/tune/mandelbrot_bench.ts'
import type { BenchContext } from '../report/bench.ts'
import { addCases, type MicroCase, type MicroPart } from './part.ts'

const names: readonly BenchKernelName[] = ['sum', 'stats', 'zScores', 'mandelbrot']
const VALUES = 100_000
/** 320 × 240, 255 steps. */
const POINTS = 76_800
const RELATIVE_ERROR_MAX = 1e-9

export const kernels: MicroPart = {
  name: 'kernels',
  async run(context) {
    for (const name of names) await addKernel(context, name)
    await kernelPool().close()
  },
}

async function addKernel(context: BenchContext, name: BenchKernelName): Promise<void> {
  const size = name === 'mandelbrot' ? POINTS : VALUES
  const measured = makeCase(name, { type: 'f64', size, place: 'shared' })
  const expected = contentOf(await measured.run('js'))
  const native = nativeAddon() === undefined ? [] : (['native'] as const)
  const backends: readonly ChosenBackend[] = ['js', 'wasm', ...native]
  const cases: MicroCase[] = [
    {
      name: 'the loop that a person writes',
      per: size,
      work: () => measured.plain(),
      check: (answer) => assertNear(contentOf(answer), expected),
    },
    ...backends.map((backend) => ({
      name: `${backend}, ${instructionSetOf(backend)}`,
      per: size,
      work: () => measured.run(backend),
      check: (answer: unknown) => assert.deepEqual(contentOf(answer), expected),
    })),
  ]
  const of = name === 'mandelbrot' ? 'points of 255 steps' : 'values'
  const per = name === 'mandelbrot' ? 'point' : 'value'
  const group = `${name} of ${size.toLocaleString('en')} ${of}`
  await addCases(context, { group, per, cases })
  measured.close()
}

/** Numbers, by name or place, wherever they lie. */
function contentOf(result: unknown): readonly [string, number][] {
  return typeof result === 'number' ? [['', result]] : Object.entries(result as object)
}

function assertNear(found: readonly [string, number][], expected: readonly [string, number][]) {
  assert.equal(found.length, expected.length)
  for (const [index, [name, value]] of expected.entries()) {
    const difference = Math.abs(found[index][1] - value)
    assert.ok(difference <= RELATIVE_ERROR_MAX * Math.max(1, Math.abs(value)), `${name}: ${value}`)
  }
}

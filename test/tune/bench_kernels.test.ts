// `euphorion bench kernels` at smoke size: its rows and its table, and that the loops in plain
// JavaScript compute what the kernels do.
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { nativeAddon } from '../../src/kernel/native.ts'
import { kernelPool } from '../../src/kernel/offload/pool.ts'
import {
  type BenchKernelName,
  benchKernelNames,
  makeCase,
} from '../../src/tune/bench_kernels_cases.ts'
import { euphorion, newDirectory, runNode } from '../support/program.ts'

const backends = ['plain', 'js', 'wasm', ...(nativeAddon() === undefined ? [] : ['native'])]

after(() => kernelPool().close())

/** Numbers of a result, by name. */
function numbersOf(result: unknown): [name: string, value: number][] {
  if (typeof result === 'number') return [['', result]]
  if (ArrayBuffer.isView(result))
    return Array.from(result as Float64Array, (value, i) => [`${i}`, value])
  return Object.entries(result as Record<string, number>)
}

/** The logarithm's buckets are others than the cubic's; both count all values. */
function valuesIn(result: unknown): number {
  if (ArrayBuffer.isView(result)) return (result as Uint32Array).reduce((sum, count) => sum + count)
  return (result as { count: number }).count
}

for (const name of benchKernelNames) {
  test(`plain ${name} is what the kernel is measured against`, async () => {
    for (const place of ['shared', 'ordinary'] as const) {
      const measured = makeCase(name, { type: 'f64', size: 3000, place })
      const [plain, kernel] = [measured.plain(), await measured.run('wasm')]
      if (name === 'logHistogram') assert.equal(valuesIn(plain), valuesIn(kernel))
      else {
        const tolerance: Partial<Record<BenchKernelName, number>> = { quantiles: 0.01 }
        const expected = new Map(numbersOf(plain))
        assert.equal(numbersOf(kernel).length, expected.size)
        for (const [key, value] of numbersOf(kernel)) {
          const other = expected.get(key)!
          const bound = (tolerance[name] ?? 1e-12) * Math.max(1, Math.abs(other))
          assert.ok(Math.abs(value - other) <= bound, `${key}: ${value}, plain ${other}`)
        }
      }
      measured.close()
    }
  })
}

describe('bench kernels', { timeout: 120_000 }, () => {
  test('prints a row for each kernel, backend and size', async (t) => {
    const cwd = await newDirectory()
    const args = ['bench', 'kernels', '--sizes', '100,2_000', '--runs', '3', '--json']
    const { code, out, err } = await runNode(t, [euphorion, ...args], { cwd })
    assert.equal(code, 0, err)
    const rows = out
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    const found = rows.map(({ kernel, size, backend }) => `${kernel} ${size} ${backend}`)
    const expected = benchKernelNames.flatMap((kernel) =>
      [100, 2000].flatMap((size) => backends.map((backend) => `${kernel} ${size} ${backend}`)),
    )
    assert.deepEqual(found, expected)
    for (const row of rows) {
      const what = `${row.kernel} ${row.size} ${row.backend}`
      const [least, median, most] = [row.minUs, row.medianUs, row.maxUs] as number[]
      assert.ok(0 < least && least <= median && median <= most, what)
      assert.ok((row.ratio as number) > 0 && (row.ratioToJs as number) > 0, what)
      if (row.backend !== 'plain') assert.equal(row.identical, true, what)
      else assert.equal(row.ratio, 1)
      assert.equal(row.instructionSet !== undefined, row.backend === 'native')
      assert.equal(row.columns, row.kernel === 'mandelbrot' ? undefined : 'shared')
      assert.equal(row.runs, 3)
    }
    assert.match(err, /^sum, 100 values\nsum, 2,000 values\n/)
  })

  test('prints a table for people', async (t) => {
    const cwd = await newDirectory()
    const options = '--kernels ewma,dot --backends wasm --sizes 50 --columns ordinary --type f32'
    const args = ['bench', 'kernels', '--runs', '1', ...options.split(' ')]
    const { code, out, err } = await runNode(t, [euphorion, ...args], { cwd })
    assert.equal(code, 0, err)
    assert.match(out, /^kernel +size +backend +µs +fastest +slowest +× plain +× js +same\n/)
    assert.match(out, /\newma +50 +plain +[\d.,]+ .* 1\.00\newma +50 +wasm .* yes\ndot +50 +plain/)
    assert.match(out, /Medians of 1; ordinary columns of f32; Node /)
  })

  test('says what it does not know', async (t) => {
    const cwd = await newDirectory()
    const wrong = async (option: string, value: string, says: RegExp) => {
      const { code, err } = await runNode(t, [euphorion, 'bench', 'kernels', option, value], {
        cwd,
      })
      assert.equal(code, 2)
      assert.match(err, says)
    }
    await wrong('--kernels', 'sum,none', /There is no none: there are sum, dot/)
    await wrong('--backends', 'gpu', /There is no gpu: there are js, wasm, native/)
    await wrong('--sizes', '0', /whole number from 1/)
  })

  test('without the addon native is an error, and the others are measured', async (t) => {
    const cwd = await newDirectory()
    const env = { EUPHORION_NATIVE: '0' }
    const args = [euphorion, 'bench', 'kernels', '--kernels', 'sum', '--sizes', '10', '--runs', '1']
    const { code, out } = await runNode(t, [...args], { cwd, env })
    assert.equal(code, 0)
    assert.match(out, /\nno native addon: EUPHORION_NATIVE is 0\n$/)
    assert.doesNotMatch(out, /sum .*native/)
    const asked = await runNode(t, [...args, '--backends', 'native'], { cwd, env })
    assert.equal(asked.code, 1)
    assert.match(asked.err, /^NATIVE_UNAVAILABLE: .*EUPHORION_NATIVE is 0/)
  })
})

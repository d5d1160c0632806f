// `euphorion kernel`: kernels from their files, with what the command line gives them.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, type TestContext, test } from 'node:test'
import { euphorion, newDirectory, runNode } from '../support/program.ts'

const limit = { timeout: 120_000 }
let cwd: string

const files: Readonly<Record<string, string>> = {
  'ewma.kernel.ts': `export function ewma(values: Float64Array, alpha: f64): Float64Array {
  const smooth = new Float64Array(values.length)
  let average = values[0]
  for (let i = 0; i < values.length; i++) {
    average += alpha * (unchecked(values[i]) - average)
    smooth[i] = average
  }
  return smooth
}
`,
  'several.kernel.ts': `export function flags(x: Float32Array, limit: f32 = 0.5, found: Uint8Array = new Uint8Array(0)): i32 {
  let n = 0
  for (let i = 0; i < x.length; i++) if (x[i] > limit) found[i] = <u8>++n
  return n
}
export function big(a: u64, b: bool): u64 { return a + 1 }
export function sum(x: Int64Array): i64 {
  let all: i64 = 0
  for (let i = 0; i < x.length; i++) all += x[i]
  return all
}
export function odd(x: Float64Array): f64 { return x[0] == 0 ? -0.0 : NaN }
export function fails(x: Float64Array): f64 { trace('first', 1, x[0]); return x[1] }
export function half(x: Float64Array): f64 { return <f64>(<i32>x[0] / 2) }
`,
  'letters.kernel.ts': `export function mal(größe: f64, wärts: Float64Array): f64 {
  return größe * wärts[0]
}
`,
  'statistics.ts': `export function smooth(values: Float64Array, weight = 0.5): void {
  for (let i = 1; i < values.length; i++) {
    values[i] = weight * values[i] + (1 - weight) * values[i - 1]
  }
}
export function largest(values: Float64Array, absolute: boolean): number {
  let most = -Infinity
  for (let i = 0; i < values.length; i++) {
    most = Math.max(most, absolute ? Math.abs(values[i]) : values[i])
  }
  return most
}
export function scaled(values: Float64Array, factor: number, target: Float64Array): number {
  for (let i = 0; i < values.length; i++) target[i] = values[i] * factor
  return values.length
}
`,
  'list.ts': `export function total(list: number[]): number {
  let sum = 0
  for (let i = 0; i < list.length; i++) sum += list[i]
  return sum
}
`,
  'plain.mjs': 'export function f(x, by) { return x[0] * by + x[1] * by }\n',
  'both.ts': 'export function half(x: Float64Array): number { return x[0] / 2 }\n',
  'typed.ts': 'export function half(x: Float64Array, by: i32): f64 { return x[0] / by }\n',
  'tried.ts': `class Pair { constructor(public a: number, public b: number) {} }
export function sum(x: Float64Array): number { const p = new Pair(x[0], x[1]); return p.a + p.b }
`,
  'refused.ts': `export function text(x: Float64Array): string {
  return 'a' + fetch
}
`,
  'prices.csv': 'day,price\n1,10\n2,20\n3,"30"\n',
  'plain.csv': '1\n2\n4\n',
  'half.mjs': `export const half = (x) => x[0] / 2
export const other = (x) => 3
`,
}

before(async () => {
  cwd = await newDirectory()
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text)
})

/** Runs `euphorion kernel …`; words are parted by blanks. */
function kernel(t: TestContext, line: string) {
  const env = { EUPHORION_CACHE_DIR: join(cwd, 'cache') }
  return runNode(t, [euphorion, 'kernel', ...line.split(' ')], { cwd, env })
}

async function json(t: TestContext, line: string): Promise<Record<string, unknown>> {
  const { code, out, err } = await kernel(t, `${line} --json`)
  assert.equal(code, 0, err)
  assert.equal(out.split('\n').length, 2, out)
  return JSON.parse(out) as Record<string, unknown>
}

async function result(t: TestContext, line: string): Promise<unknown> {
  return (await json(t, `run ${line}`)).result
}

describe('kernel build', limit, () => {
  test('prints what is in the file, and whether it was compiled before', async (t) => {
    const first = await kernel(t, 'build ewma.kernel.ts -o ewma.wasm')
    assert.equal(first.code, 0, first.err)
    const [signature, facts] = first.out.split('\n')
    assert.equal(signature, 'ewma(values: Float64Array, alpha: f64): Float64Array')
    assert.match(facts, /^AssemblyScript, [\d,]+ bytes of WebAssembly, compiled in [\d,]+ ms$/)
    assert.equal(readFileSync(join(cwd, 'ewma.wasm')).toString('latin1', 0, 4), '\0asm')
    const again = await kernel(t, 'build ewma.kernel.ts')
    assert.match(again.out, / bytes of WebAssembly, compiled before$/m)
    const { ms: _, bytes, ...all } = await json(t, 'build ewma.kernel.ts')
    assert.equal(bytes, readFileSync(join(cwd, 'ewma.wasm')).length)
    assert.deepEqual(all, {
      file: 'ewma.kernel.ts',
      language: 'AssemblyScript',
      name: 'ewma',
      signature: 'ewma(values: Float64Array, alpha: f64): Float64Array',
      columns: { values: 'f64' },
      params: { alpha: 'f64' },
      out: {},
      result: 'column of f64',
      cached: true,
    })
  })

  test('holds it against what a program would declare', async (t) => {
    const fits = '--columns values=f64 --params alpha=f64 --result column:f64'
    assert.equal((await kernel(t, `build ewma.kernel.ts ${fits}`)).code, 0)
    const wrong = await kernel(t, 'build ewma.kernel.ts --columns values=f32,weights=f64')
    assert.equal(wrong.code, 1)
    assert.equal(wrong.out, '')
    assert.match(wrong.err, /^KERNEL_INVALID: ewma\.kernel\.ts is no kernel\n/)
    assert.match(
      wrong.err,
      /^ {2}ewma\.kernel\.ts:1:17: columns declares weights: 'f64', and ewma has/m,
    )
    assert.match(wrong.err, /^ {4}1 │ export function ewma/m)
  })
})

describe('kernel run', limit, () => {
  test('takes columns from the command line and from CSV files', async (t) => {
    const run = 'ewma.kernel.ts --param alpha=0.5 --columns'
    assert.deepEqual(await result(t, `${run} values=1,2,3`), [1, 1.5, 2.25])
    assert.deepEqual(await result(t, `${run} values=@prices.csv#price`), [10, 15, 22.5])
    assert.deepEqual(await result(t, `${run} values=@plain.csv`), [1, 1.5, 2.75])
    const text = await kernel(t, `run ${run} values=1,2,3`)
    assert.equal(text.out.split('\n')[0], 'Float64Array, 3 values: 1, 1.5, 2.25')
    assert.match(text.out, /^AssemblyScript, [\d.]+ ms$/m)
  })

  test('names are in any letters', async (t) => {
    const run = 'letters.kernel.ts --columns wärts=3 --param größe=2'
    assert.equal(await result(t, run), 6)
  })

  test('random columns are the same for the same seed', async (t) => {
    const run = 'several.kernel.ts --function sum --columns x=random:1_000'
    const [a, b, c] = [
      await result(t, run),
      await result(t, `${run} --seed 1`),
      await result(t, `${run} --seed 2`),
    ]
    assert.equal(a, b)
    assert.notEqual(a, c)
    const smooth = await result(t, 'ewma.kernel.ts --columns values=random:50 --param alpha=1')
    assert.equal((smooth as number[]).length, 50)
    assert.ok((smooth as number[]).every((each) => each >= 0 && each < 1))
  })

  test('gives what JSON has no numbers for as texts, and filled columns by name', async (t) => {
    const several = 'several.kernel.ts --function'
    const most = await result(t, `${several} sum --columns x=9223372036854775800,7`)
    assert.equal(most, '9223372036854775807')
    assert.equal(await result(t, `${several} odd --columns x=0`), '-0')
    assert.equal(await result(t, `${several} odd --columns x=1`), 'NaN')
    const flags = `${several} flags --columns x=0.1,0.7,0.9 --out found`
    assert.deepEqual(await result(t, `${flags} --param limit=0.75`), { found: [0, 0, 1] })
    assert.deepEqual(
      await result(t, `${several} flags --columns x=0.5,-1 --out found:3 --param limit=0`),
      {
        found: [1, 0, 0],
      },
    )
  })

  test('a failure ends with 1 and says where; traces go to standard error', async (t) => {
    const { code, out, err } = await kernel(
      t,
      'run several.kernel.ts --function fails --columns x=5',
    )
    assert.equal(code, 1)
    assert.equal(out, '')
    assert.match(err, /^kernel fails: first 5$/m)
    assert.match(
      err,
      /^KERNEL_FAILED: kernel fails failed at several\.kernel\.ts:13:\d+: Index out of range$/m,
    )
  })

  const ewma = 'run ewma.kernel.ts --param alpha=1 --columns'
  const wrong: readonly (readonly [string, RegExp])[] = [
    [
      'run ewma.kernel.ts',
      /ewma takes column values \(f64\): give --columns values=…, or --out values/,
    ],
    [
      'run ewma.kernel.ts --columns values=1',
      /ewma takes parameter alpha \(f64\): give --param alpha=…/,
    ],
    [`${ewma} value=1`, /there is no column value: ewma takes values/],
    [`${ewma} values`, /--columns takes name=value, not 'values'/],
    [`${ewma} values=1,x`, /column values is f64: value 2 of the command line is 'x'/],
    [`${ewma} values=1 values=2`, /--columns has values twice/],
    [`${ewma} values=@nowhere.csv`, /cannot read nowhere\.csv/],
    [`${ewma} values=@prices.csv`, /prices\.csv has no field values: it has day, price/],
    [`${ewma} values=1 --out values:x`, /--out takes name or name:length, not 'values:x'/],
    ['build ewma.kernel.ts --columns values=f16', /--columns: there is no type f16, there are f64/],
    [
      'build ewma.kernel.ts --result text',
      /--result: there is no type text, there are .*, bool, void/,
    ],
    [
      'run several.kernel.ts --function flags --columns x=1e3 --out found --param limit=much',
      /limit is f32, which cannot be 'much'/,
    ],
    [
      'run several.kernel.ts --function sum --columns x=1.5',
      /column x is i64: value 1 of .* is '1.5'/,
    ],
  ]
  for (const [line, says] of wrong) {
    test(`wrong usage: ${line}`, async (t) => {
      const { code, out, err } = await kernel(t, line)
      assert.equal(code, 2, err)
      assert.equal(out, '')
      assert.match(err, says)
    })
  }
})

describe('kernel bench', limit, () => {
  test('runs the same file as TypeScript and compares', async (t) => {
    const run = 'bench ewma.kernel.ts --columns values=random:1000 --param alpha=0.1 --runs 3'
    const facts = await json(t, run)
    assert.equal(facts.identical, true)
    assert.deepEqual(facts.columns, { values: 1000 })
    for (const each of [facts.wasm, facts.javascript] as Record<string, number>[]) {
      assert.ok(each.minMs <= each.medianMs && each.medianMs <= each.maxMs)
    }
    const { out } = await kernel(t, run)
    assert.match(out, /^AssemblyScript, in the pool( +[\d.]+){4} +yes$/m)
    assert.match(out, /^values 1,000, 3 runs, Node /m)
  })

  test('says how much results differ', async (t) => {
    const run = 'bench several.kernel.ts --runs 1 --function half --columns x=5'
    const own = await json(t, run)
    assert.deepEqual(
      [own.identical, own.difference],
      [false, 0.2],
      'AssemblyScript divides integers',
    )
    const { code, out } = await kernel(t, `${run} --against half.mjs#half`)
    assert.equal(code, 0)
    assert.match(out, / NO$/m)
    assert.match(out, /^The largest difference is 0\.20 of a value\.$/m)
    const even = await json(t, `${run.replace('x=5', 'x=6')} --against half.mjs#other`)
    assert.equal(even.identical, true)
  })

  test('what cannot be compared is wrong usage', async (t) => {
    const run = 'bench several.kernel.ts --runs 1 --function half --columns x=5 --against'
    for (const [against, says] of [
      ['nowhere.mjs', /there is no file nowhere\.mjs/],
      ['half.mjs#none', /half\.mjs exports no function none, but half, other/],
    ] as const) {
      const { code, err } = await kernel(t, `${run} ${against}`)
      assert.equal(code, 2)
      assert.match(err, says)
    }
  })
})

describe('plain TypeScript and JavaScript', limit, () => {
  test('a file without types of AssemblyScript is compiled as it is', async (t) => {
    const built = await kernel(t, 'build statistics.ts --function smooth -o smooth.wasm')
    assert.equal(built.code, 0, built.err)
    const [signature, facts] = built.out.split('\n')
    assert.equal(signature, 'smooth(values: Float64Array, weight?: number): void')
    assert.match(facts, /^TypeScript, [\d,]+ bytes of WebAssembly, compiled in /)
    assert.equal(readFileSync(join(cwd, 'smooth.wasm')).toString('latin1', 0, 4), '\0asm')
    const {
      columns,
      params,
      result: given,
    } = await json(t, 'build statistics.ts --function smooth')
    assert.deepEqual([columns, params, given], [{ values: 'f64' }, { weight: 'f64' }, 'void'])
  })

  test('arrays that it writes to are what it gives', async (t) => {
    const run = 'statistics.ts --columns values=1,2,4'
    assert.deepEqual(await result(t, `${run} --function smooth`), { values: [1, 1.5, 2.75] })
    assert.deepEqual(await result(t, `${run} --function smooth --param weight=1`), {
      values: [1, 2, 4],
    })
    assert.equal(await result(t, `${run} --function largest --param absolute=false`), 4)
    assert.equal(
      await result(t, `${run.replace('1,', '-9,')} --function largest --param absolute=true`),
      9,
    )
    const scaled = `${run} --function scaled --param factor=2 --out target`
    assert.deepEqual(await result(t, scaled), { target: [2, 4, 8], result: 3 })
    assert.equal(await result(t, 'list.ts --columns list=1,2,4'), 7)
  })

  test('JavaScript has the types that the command line gives', async (t) => {
    assert.equal(await result(t, 'plain.mjs --columns x=1,2 --param by=3'), 9)
    const { columns } = await json(t, 'build plain.mjs --columns x=i16 --params by=f64')
    assert.deepEqual(columns, { x: 'i16' })
  })

  test('is compared with itself', async (t) => {
    const facts = await json(
      t,
      'bench statistics.ts --function smooth --columns values=random:1000 --runs 2',
    )
    assert.deepEqual([facts.language, facts.identical], ['TypeScript', true])
  })

  test('the language can be said', async (t) => {
    const both = await json(t, 'build both.ts')
    assert.equal(both.language, 'TypeScript')
    const assembly = await json(t, 'build both.ts --language assemblyscript')
    assert.equal(assembly.language, 'AssemblyScript')
    const typed = await json(t, 'build typed.ts')
    assert.equal(typed.language, 'AssemblyScript')
    const tried = await json(t, 'build tried.ts')
    assert.equal(tried.language, 'AssemblyScript', 'TypeScript is compiled without classes')
  })

  for (const [line, says] of [
    [
      'build statistics.ts',
      /exports several functions: smooth, largest, scaled; say with --function/,
    ],
    ['build refused.ts', /refused\.ts:1/],
    ['build tried.ts --language typescript', /KERNEL_INVALID/],
    [
      'build list.ts --columns list=f32',
      /columns declares list: 'f32', and total takes list: number\[\]/,
    ],
    [
      'build list.ts --params list=f64',
      /params declares list: 'f64', and total takes list: number\[\]/,
    ],
    ['build list.ts --result i32', /result is declared as i32, and total gives number/],
  ] as const) {
    test(`what does not fit is refused: ${line}`, async (t) => {
      const { code, out, err } = await kernel(t, line)
      assert.equal(code, 1, err)
      assert.equal(out, '')
      assert.match(err, says)
    })
  }
})

// Random programs in the subset: compiled with all assumptions, and with none, they give what
// JavaScript gives: results, arrays, and whether they throw.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { seededRandom } from '../../../src/clock.ts'
import { EuphorionError } from '../../../src/errors.ts'
import { lowerSource } from '../../../src/kernel/compile/compile_source.ts'
import { SyncRunner } from '../../../src/kernel/compile/sync_runner.ts'
import { type RandomProgram, randomProgram } from '../../support/random_program.ts'
import { assertSame } from '../../support/same_values.ts'

const folder = mkdtempSync(join(tmpdir(), 'euphorion-random-'))
after(() => rmSync(folder, { recursive: true }))

const numbers = [0, 1, -1, 5, -0, 0.5, 2147483647, -2147483648, 1e10, NaN, 300, -7, 2 ** 53]
const constructors = {
  Float64Array,
  Float32Array,
  Int32Array,
  Uint32Array,
  Int16Array,
  Uint16Array,
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
}

/** Arguments by a seed: two numbers and short arrays. */
function randomArguments({ arrays }: RandomProgram, seed: number): unknown[] {
  const random = seededRandom(seed)
  const number = (): number => numbers[Math.floor(random() * numbers.length)]
  const element = (): number => (random() < 0.3 ? number() : Math.floor(random() * 300 - 100))
  const length = (): number => Math.floor(random() * 8)
  return [
    number(),
    number(),
    ...arrays.map((type) => {
      const Type = constructors[type] as Float64ArrayConstructor
      return Type.from({ length: length() }, element)
    }),
  ]
}

type Ended = { readonly value: unknown } | { readonly threw: true } | 'no property'

function end(run: () => unknown): Ended {
  try {
    return { value: run() }
  } catch (error) {
    const isCoded = error instanceof EuphorionError
    if (isCoded) assert.equal(error.code, 'KERNEL_FAILED', error.stack)
    // The one thing that is not as in JavaScript, which makes a property named undefined.
    return isCoded && error.message.includes('at the index undefined')
      ? 'no property'
      : { threw: true }
  }
}

function check(seed: number, size: number): void {
  const made = randomProgram(seed, size)
  const path = join(folder, 'program.ts')
  writeFileSync(path, made.typed)
  const script = new Function(`${made.plain}; return program`)() as (...args: unknown[]) => unknown
  const { program } = lowerSource(path, 'program')
  for (const none of [false, true]) {
    const runner = new SyncRunner(program, none)
    for (let i = 0; i < 4; i++) {
      const wanted = randomArguments(made, seed + i)
      const got = structuredClone(wanted)
      const ended = end(() => runner.run(got))
      if (ended === 'no property') continue
      const expected = end(() => script(...wanted))
      const what = `${none ? 'without' : 'with'} assumptions, run ${i}, ${made.typed}\n`
      assertSame(Object.entries(ended), Object.entries(expected), `${what}the result`)
      assertSame(got, wanted, `${what}the arguments`)
    }
  }
}

const seeds = fc.integer({ min: 1, max: 2 ** 31 - 1 })

test('small random programs give what JavaScript gives', () => {
  fc.assert(
    fc.property(seeds, (seed) => check(seed, 1)),
    { numRuns: 120 },
  )
})

test('nested random programs give what JavaScript gives', () => {
  fc.assert(fc.property(seeds, fc.integer({ min: 2, max: 4 }), check), { numRuns: 50 })
})

// The choice of a backend by size: from nominal costs, from measured ones, and from those that an
// earlier process measured.
import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Clock } from '../../../src/clock.ts'
import type { ChosenBackend } from '../../../src/kernel/offload/backend.ts'
import {
  Calibration,
  type CalibrationOptions,
  type Choice,
  chooseBackend,
  type KernelFamily,
  kernelChoices,
} from '../../../src/kernel/offload/calibration.ts'
import { isError } from '../../support/coded_errors.ts'
import { newDirectory } from '../../support/program.ts'

const machine = { cpu: 'c', cores: 2, node: 'v20', euphorion: '1', native: 'avx2' }

/** Moves by what the calls of kernels say that they took. */
class CallClock implements Clock {
  ms = 0
  now = () => this.ms
  monotonic = () => this.ms
  after = () => () => undefined
}

/** js: 1 µs + 4 ns a value; wasm: 10 µs + 1 ns; native: 20 µs + 0.25 ns. */
const costs = { js: [1000, 4], wasm: [10_000, 1], native: [20_000, 0.25] } as const

class Family implements KernelFamily {
  readonly name: string = 'f'
  readonly sizes = [100, 100_000] as const
  /** The opposite of what is measured. */
  readonly nominal = {
    js: { fixedNs: 0, perValueNs: 0.1 },
    wasm: { fixedNs: 0, perValueNs: 0.2 },
    native: { fixedNs: 0, perValueNs: 0.3 },
  }
  readonly clock = new CallClock()
  readonly measured: string[] = []
  calls = 0

  prepare(backend: ChosenBackend, size: number): () => void {
    const [fixedNs, perValueNs] = costs[backend]
    this.measured.push(`${backend} ${size}`)
    return () => {
      this.calls++
      this.clock.ms += (fixedNs + perValueNs * size) / 1e6
    }
  }
}

function calibration(family: Family, options: Partial<CalibrationOptions> = {}): Calibration {
  const all = { machine, directory: undefined, isMeasuring: true, hasNative: true }
  return new Calibration({ ...all, clock: family.clock, ...options })
}

/** Checks the choice, and that its cost is the one that was put in. */
function chosen(choice: Choice, backend: ChosenBackend, onCallingThread: boolean, ns?: number) {
  assert.deepEqual({ ...choice, costNs: 0 }, { backend, onCallingThread, costNs: 0 })
  if (ns !== undefined) assert.ok(Math.abs(choice.costNs / ns - 1) < 1e-6, `${choice.costNs} ns`)
}

test('the fastest backend is chosen by size, and the thread by what it takes', () => {
  const family = new Family()
  const measured = calibration(family)
  chosen(measured.choose(family, 10), 'js', true, 1040)
  chosen(measured.choose(family, 5000), 'wasm', true, 15_000)
  chosen(measured.choose(family, 50_000), 'native', true, 32_500)
  chosen(measured.choose(family, 1_000_000), 'native', false, 270_000)
  const names = ['js', 'wasm', 'native'].flatMap((name) => [`${name} 100`, `${name} 100000`])
  assert.deepEqual(family.measured, names)
  assert.deepEqual(measured.choices, {
    'f js here': 1,
    'f wasm here': 1,
    'f native here': 1,
    'f native': 1,
  })
})

test('a backend asked for by name is run, and nothing measured for it', () => {
  const family = new Family()
  const asked = calibration(family)
  chosen(asked.choose(family, 10, 'wasm'), 'wasm', true)
  chosen(asked.choose(family, 1_000_000, 'wasm'), 'wasm', false)
  assert.deepEqual(family.measured, [])
})

test('a backend that is not there is neither measured nor chosen', () => {
  const family = new Family()
  const without = calibration(family, { hasNative: false })
  chosen(without.choose(family, 1_000_000), 'wasm', false)
  assert.ok(!family.measured.some((name) => name.startsWith('native')))
})

test('unless it may measure, costs are nominal', () => {
  const family = new Family()
  const nominal = calibration(family, { isMeasuring: false })
  chosen(nominal.choose(family, 1_000_000), 'js', false)
  assert.deepEqual(family.measured, [])
})

test('measuring takes less than a third of a second, however many families there are', () => {
  const family = new Family()
  const all = calibration(family)
  for (let i = 0; i < 1000; i++) {
    all.choose(Object.assign(Object.create(family) as Family, { name: `f${i}` }), 10)
  }
  assert.ok(family.clock.ms > 100 && family.clock.ms < 330, `${family.clock.ms} ms`)
})

test('a later process on the same machine measures nothing; another machine does', async () => {
  const directory = join(await newDirectory(), 'not', 'there', 'yet')
  const first = new Family()
  const second = Object.assign(new Family(), { name: 'other' })
  calibration(first, { directory }).choose(first, 10)
  calibration(second, { directory }).choose(second, 10)
  for (const name of ['f', 'other']) {
    const later = Object.assign(new Family(), { name })
    const choice = calibration(later, { directory, isMeasuring: false }).choose(later, 5000)
    assert.equal(choice.backend, 'wasm')
    assert.deepEqual(later.measured, [])
  }
  assert.equal((await readdir(directory)).length, 1)
  const elsewhere = new Family()
  calibration(elsewhere, { directory, machine: { ...machine, node: 'v22' } }).choose(elsewhere, 10)
  assert.equal(elsewhere.measured.length, 6)
  assert.equal((await readdir(directory)).length, 2)
})

test('a file that cannot be read, or cannot be right, is measured and written anew', async () => {
  const directory = await newDirectory()
  const good = new Family()
  calibration(good, { directory }).choose(good, 10)
  const [name] = await readdir(directory)
  const path = join(directory, name)
  const text = await readFile(path, 'utf8')
  for (const bad of [
    '',
    text.slice(0, 100),
    '[]',
    'null',
    '{}',
    text.replace('"format": 1', '"format": 0'),
    text.replace(/"fixedNs": [^,]*/, '"fixedNs": -1'),
    text.replace(/"perValueNs": [^}]*/, '"perValueNs": "x"'),
  ]) {
    assert.notEqual(bad, text)
    await writeFile(path, bad)
    const family = new Family()
    assert.equal(calibration(family, { directory }).choose(family, 5000).backend, 'wasm')
    assert.equal(family.measured.length, 6, bad)
    const later = new Family()
    calibration(later, { directory }).choose(later, 5000)
    assert.deepEqual(later.measured, [])
  }
})

test('a cache that cannot be written costs nothing but the measuring', async () => {
  const directory = join(await newDirectory(), 'cache')
  await writeFile(directory, 'a file')
  const family = new Family()
  const unwritable = calibration(family, { directory })
  assert.equal(unwritable.choose(family, 5000).backend, 'wasm')
  assert.equal(unwritable.choose(family, 5000).backend, 'wasm')
  assert.equal(family.measured.length, 6)
})

test('in tests the process measures nothing', () => {
  const family = new Family()
  const { backend } = chooseBackend({ ...family, prepare: () => assert.fail() }, 1000, 'auto')
  assert.equal(backend, 'js')
  assert.deepEqual(kernelChoices(), { 'f js here': 1 })
  const { js } = family.nominal
  const onlyJs = { ...family, nominal: { js }, prepare: () => assert.fail() }
  const invalid = isError('KERNEL_INVALID', /f has no backend 'wasm': there are js/)
  assert.throws(() => chooseBackend(onlyJs, 1000, 'wasm'), invalid)
  if (process.env.EUPHORION_NATIVE === '0') {
    const unavailable = isError('NATIVE_UNAVAILABLE', /backend 'native': /)
    assert.throws(() => chooseBackend(family, 1000, 'native'), unavailable)
  }
})

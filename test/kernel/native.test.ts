// Finding the addon, and what its functions refuse. What they compute is compared with the other
// backends in the tests of those kernels, and with plain loops in native/test.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import {
  loadNative,
  type NativeAddon,
  type NativeCandidate,
  nativeAddon,
  whyNoNative,
} from '../../src/kernel/native.ts'
import { crc32cSlicing } from '../../src/wire/crc32c.ts'
import { newDirectory, runNode } from '../support/program.ts'

const require = createRequire(import.meta.url)
const missing: NativeCandidate = { name: 'missing', load: () => require('./nothing_here.node') }

function fake(name: string, fields: Readonly<Record<string, unknown>>): NativeCandidate {
  return { name, load: () => fields }
}

test('the first candidate that loads is taken; those before it have a reason', () => {
  const right = fake('right', { interfaceVersion: 2 })
  const { addon, reasons } = loadNative([missing, right, fake('later', {})], undefined)
  assert.equal(addon?.interfaceVersion, 2)
  assert.deepEqual(reasons, ['missing: not there'])
})

test('a file that is no addon is passed over, with what the system said', async () => {
  const broken = join(await newDirectory(), 'broken.node')
  writeFileSync(broken, 'not a shared library')
  const candidates = [{ name: 'broken', load: () => require(broken) }, missing]
  const { addon, reasons } = loadNative(candidates, undefined)
  assert.equal(addon, undefined)
  assert.equal(reasons.length, 2)
  assert.match(reasons[0], /^broken: \S/)
})

test('an addon of another interface, and what is none at all, are passed over', () => {
  const candidates = [
    fake('old', { interfaceVersion: 0 }),
    fake('empty', {}),
    { name: 'nothing', load: () => undefined },
  ]
  const { addon, reasons } = loadNative(candidates, undefined)
  assert.equal(addon, undefined)
  assert.deepEqual(reasons, [
    'old: its interface is 0, 2 is needed: build it anew',
    'empty: its interface is undefined, 2 is needed: build it anew',
    'nothing: its interface is undefined, 2 is needed: build it anew',
  ])
})

test('EUPHORION_NATIVE=0 looks nowhere', () => {
  const tempting = { name: 'tempting', load: () => assert.fail('it was loaded') }
  assert.deepEqual(loadNative([tempting], '0'), { reasons: ['EUPHORION_NATIVE is 0'] })
})

test('EUPHORION_NATIVE may name an instruction set, and the machine must have it', () => {
  const used: string[] = []
  const useInstructionSet = (name: string) => {
    if (name === 'avx512') throw new RangeError('this machine has none')
    used.push(name)
  }
  const candidates = [fake('addon', { interfaceVersion: 2, useInstructionSet })]
  assert.ok(loadNative(candidates, 'sse2').addon)
  assert.ok(loadNative(candidates, '1').addon)
  assert.deepEqual(used, ['sse2'])
  assert.deepEqual(loadNative(candidates, 'avx512').reasons, ['addon: this machine has none'])
})

const loader = new URL('../../src/kernel/native.js', import.meta.url)
const tell = `
import { nativeAddon, whyNoNative } from '${loader}'
console.log(nativeAddon() === undefined, whyNoNative())
`

test('a process in which addons are not allowed, or not wanted, has none and knows why', async (t) => {
  const cwd = await newDirectory()
  writeFileSync(join(cwd, 'tell.mjs'), tell)
  const forbidden = await runNode(t, ['--no-addons', 'tell.mjs'], { cwd })
  assert.match(forbidden.out, /^true local build: \S/)
  const unwanted = await runNode(t, ['tell.mjs'], { cwd, env: { EUPHORION_NATIVE: '0' } })
  assert.equal(unwanted.out, 'true EUPHORION_NATIVE is 0\n')
})

const here = nativeAddon()
if (here === undefined)
  console.log(`Tests of the addon's functions are left out: ${whyNoNative()}.`)
else functionsOf(here)

function functionsOf(addon: NativeAddon): void {
  test('whoever has the addon has no reasons against it', () => {
    assert.equal(whyNoNative(), '')
    assert.ok(addon.instructionSets.includes(addon.instructionSet))
  })

  test('threads load it beside each other, and go while others use it', async () => {
    const program = `
      import { parentPort } from 'node:worker_threads'
      import { nativeAddon } from '${loader}'
      const bytes = new Uint8Array(1 << 16)
      parentPort.on('message', () => parentPort.postMessage(nativeAddon().crc32c(bytes)))`
    const url = new URL(`data:text/javascript,${encodeURIComponent(program)}`)
    const expected = crc32cSlicing(new Uint8Array(1 << 16))
    for (let round = 0; round < 3; round++) {
      const threads = Array.from({ length: 4 }, () => new Worker(url))
      const answers = threads.map(async (thread) => {
        thread.postMessage('')
        return (await once(thread, 'message'))[0]
      })
      assert.deepEqual(
        await Promise.all(answers),
        threads.map(() => expected),
      )
      for (const thread of threads) thread.postMessage('')
      await Promise.all(threads.map((thread) => thread.terminate()))
    }
    assert.equal(addon.crc32c(new Uint8Array(1 << 16)), expected)
  })

  test('CRC-32C of a part of shared bytes is that of the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30_000 }), fc.nat(), fc.nat(), (data, a, b) => {
        const bytes = new Uint8Array(new SharedArrayBuffer(data.length))
        bytes.set(data)
        const [start, end] = [a % (data.length + 1), b % (data.length + 1)].sort((x, y) => x - y)
        assert.equal(addon.crc32c(bytes, start, end), crc32cSlicing(data.subarray(start, end)))
        assert.equal(addon.crc32c(bytes), crc32cSlicing(data))
      }),
      { numRuns: 200 },
    )
  })

  test('points of the Mandelbrot set go where they belong, by every instruction set', () => {
    const [nx, ny, iterations] = [37, 29, 120]
    const plain = Int32Array.from({ length: nx * ny }, (_, at) =>
      escapeTime(-2.5 + Math.floor(at / ny) * (3 / (nx - 1)), -1.2 + (at % ny) * (2.4 / (ny - 1))),
    )
    function escapeTime(cx: number, cy: number): number {
      let [x, y, n] = [cx, cy, 0]
      for (; n < iterations && x * x + y * y < 4; n++) [x, y] = [x * x - y * y + cx, 2 * x * y + cy]
      return n
    }
    const chosen = addon.instructionSet
    for (const name of addon.instructionSets) {
      addon.useInstructionSet(name)
      assert.equal(addon.instructionSet, name)
      const counts = new Int32Array(new SharedArrayBuffer(4 * nx * ny))
      for (const [first, end] of [
        [0, 5],
        [5, 5],
        [5, 777],
        [777, nx * ny],
      ])
        addon.mandelbrotPoints(
          ...([counts.subarray(first), nx, ny, -2.5, 0.5, -1.2, 1.2] as const),
          ...([iterations, true, first, end] as const),
        )
      // The ends are set, not added up: a rounding may tell them apart.
      const inner = (each: Int32Array) => each.filter((_, at) => at < ny * (nx - 1) && at % ny < 28)
      assert.deepEqual(inner(counts), inner(plain), name)
    }
    addon.useInstructionSet(chosen)
  })

  type Loose = Readonly<Record<string, (...args: unknown[]) => unknown>>

  test('arguments that cannot be right are refused by name', () => {
    const bytes = new Uint8Array(8)
    const counts = new Int32Array(4)
    const wrong = (call: (loose: Loose) => void) => () => call(addon as unknown as Loose)
    assert.throws(
      wrong((a) => a.crc32c()),
      /^TypeError: 1 arguments are needed, 0 were given$/,
    )
    assert.throws(
      wrong((a) => a.crc32c([1])),
      /^TypeError: bytes must be a Uint8Array$/,
    )
    assert.throws(
      wrong((a) => a.crc32c(counts)),
      /^TypeError: bytes must be a Uint8Array$/,
    )
    assert.throws(
      wrong((a) => a.crc32c(bytes, 9)),
      /^RangeError: start must be a whole number/,
    )
    assert.throws(
      wrong((a) => a.crc32c(bytes, 3, 2)),
      /^RangeError: end must be a whole number/,
    )
    assert.throws(
      wrong((a) => a.crc32c(bytes, 0.5)),
      /^RangeError: start .* not 0.5$/,
    )
    assert.throws(
      wrong((a) => a.crc32c(bytes, '1')),
      /^TypeError: start must be a number$/,
    )
    const grid = [2, 2, -2, 1, -1, 1]
    const points = (...args: unknown[]) => wrong((a) => a.mandelbrotPoints(...args))
    assert.throws(points(bytes, ...grid, 9, true, 0, 2), /^TypeError: counts must be an Int32/)
    assert.throws(points(counts, ...grid, 9, true, 0, 5), /^RangeError: end .* from 0 to 4, not 5$/)
    assert.throws(points(counts, ...grid, 9, true, 2, 1), /^RangeError: end .* from 2 to 4, not 1$/)
    assert.throws(points(counts, ...grid, -1, true, 0, 2), /^RangeError: iterations must be/)
    assert.throws(points(counts, ...grid, 9, 1, 0, 2), /^TypeError: shortcuts must be a boolean$/)
    assert.throws(
      points(counts.subarray(1), ...grid, 9, true, 0, 4),
      /^RangeError: counts has room for 3 elements, 4 are needed$/,
    )
    assert.throws(
      wrong((a) => a.useInstructionSet('mmx')),
      /no instruction set 'mmx'$/,
    )
  })

  test('a column kernel writes only where there is room for what it writes', () => {
    const columns = addon.columns as unknown as Loose
    const [x, floats, longs] = [new Float64Array(2049), new Float32Array(5), new BigInt64Array(5)]
    const throws = (name: string, args: readonly unknown[], pattern: RegExp) =>
      assert.throws(() => columns[name](...args), pattern)
    throws('sum', [longs, x], /^TypeError: x must be a Float64Array or a Float32Array$/)
    throws('sum', [x, x.subarray(0, 2)], /^RangeError: records has room for 2 elements, 3 are/)
    throws('moments', [x, x.subarray(0, 14)], /^RangeError: records .* 15 are needed$/)
    throws('comoments', [x, x, new Float64Array(20)], /^RangeError: records .* 21 are needed$/)
    throws('dot', [x, floats, x], /^TypeError: y must be of the same type as x$/)
    throws('dot', [x, x.subarray(1), x], /^RangeError: y has room for 2048 elements, 2049 are/)
    throws('ewma', [x, x.subarray(1), 0.5, 0], /^RangeError: out has room for 2048 elements/)
    throws('zFlags', [x, new Uint8Array(2048), 0, 1], /^RangeError: out has room for 2048/)
    throws('logCounts', [x, new Uint32Array(5), 1, 0, 0], /^RangeError: counters has room for 5/)
    throws('movingAverage', [x, x, 0, 0, x], /^RangeError: window must be a whole number from 1/)
    throws('movingAverage', [x, x, 4, 3, x], /^RangeError: history must be 0 or the window$/)
    throws('movingAverage', [floats, floats, 6, 6, x], /^RangeError: x has room for 5 elements, 6/)
    throws('movingAverage', [x, x, 1024, 0, x], /^RangeError: scratch has room for 2049 elements/)
    assert.equal(columns.ewma(floats, floats, 0.5, 4), 0.125)
  })
}

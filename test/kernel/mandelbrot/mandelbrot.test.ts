// mandelbrot(): the integers of the plain loop from every backend, number of threads and with and
// without shortcuts; the grid; progress and cancellation.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { mandelbrotImage } from '../../../src/kernel/mandelbrot/mandelbrot.ts'
import { escapeCount, gridPoint } from '../../../src/kernel/mandelbrot/reference.ts'
import type { MandelbrotRegion, MandelbrotShape } from '../../../src/kernel/mandelbrot/shape.ts'
import { kernelPool, type MandelbrotOptions, mandelbrot } from '../../../src/kernels.ts'
import { isError } from '../../support/coded_errors.ts'
import { backends, hashOf, plainCounts, textbook } from '../../support/mandelbrot.ts'
import { ManualClock, settle } from '../../support/manual_clock.ts'

const variants = backends.flatMap((backend) =>
  (backend === 'js' ? [true] : [true, false]).map((shortcuts) => ({ backend, shortcuts })),
)
const named = ({ backend, shortcuts = true, threads }: MandelbrotOptions): string =>
  `${backend}${threads ? `, ${threads} threads` : ''}${shortcuts ? '' : ', no shortcuts'}`

/** Compares every variant with the plain loop. */
async function checkAll(shape: MandelbrotShape, options: MandelbrotOptions = {}): Promise<void> {
  const expected = plainCounts(shape)
  for (const variant of variants) {
    const counts = await mandelbrot(shape, { ...variant, ...options })
    const wrong = counts.findIndex((count, k) => count !== expected[k])
    if (wrong < 0) continue
    const { nx, ny, xFrom, xTo, yFrom, yTo } = { ...shape, ...defaultRegion, ...shape.region }
    const cx = gridPoint(Math.floor(wrong / ny), nx, xFrom, xTo)
    const cy = gridPoint(wrong % ny, ny, yFrom, yTo)
    assert.fail(
      `${named(variant)}: ${counts[wrong]} and not ${expected[wrong]} at ${cx}, ${cy} of ${JSON.stringify(shape)}`,
    )
  }
}

const defaultRegion: MandelbrotRegion = { xFrom: -2.5, xTo: 0.5, yFrom: -1.2, yTo: 1.2 }

describe("the textbook's grid", () => {
  test('is that of the plain loop', () => {
    assert.equal(hashOf(plainCounts(textbook.small.shape)), textbook.small.sha256)
  })

  for (const variant of variants) {
    for (const threads of [1, 2, 3]) {
      test(`is the same from ${named({ ...variant, threads })}`, async () => {
        const counts = await mandelbrot(textbook.small.shape, { ...variant, threads })
        assert.equal(hashOf(counts), textbook.small.sha256)
      })
    }
  }

  test('is the same from all defaults', async () => {
    assert.equal(hashOf(await mandelbrot(textbook.small.shape)), textbook.small.sha256)
  })
})

describe('1920 × 1440 points, 1000 iterations', () => {
  for (const variant of variants.filter(({ backend }) => backend !== 'js')) {
    test(`are the same from ${named(variant)}`, async () => {
      const counts = await mandelbrot(textbook.large.shape, variant)
      assert.equal(hashOf(counts), textbook.large.sha256)
    })
  }
})

describe('the grid', () => {
  test('has both ends, and its start alone where it is one point', () => {
    const points = (n: number) => Array.from({ length: n }, (_, k) => gridPoint(k, n, -2.5, 0.3))
    assert.deepEqual(points(1), [-2.5])
    assert.deepEqual(points(2), [-2.5, 0.3])
    assert.deepEqual(points(5), [-2.5, -1.8, -1.1, -2.5 + 3 * (2.8 / 4), 0.3])
  })

  test('is i-major: the count of x i and y j stands at i * ny + j', async () => {
    const region = { xFrom: -2, xTo: 1, yFrom: -1, yTo: 0 }
    const counts = await mandelbrot({ nx: 4, ny: 2, iterations: 50, region })
    const expected = [-2, -1, 0, 1].flatMap((x) => [-1, 0].map((y) => escapeCount(x, y, 50)))
    assert.deepEqual([...counts], expected)
  })

  const sizes: readonly (readonly [number, number])[] = [
    [1, 1],
    [1, 2],
    [2, 1],
    [1, 333],
    [333, 1],
    [3, 7],
    [7, 9],
    [31, 33],
    [65, 17],
    [2, 4097],
    [4099, 3],
  ]
  for (const [nx, ny] of sizes) {
    for (const iterations of [0, 1, 2, 15, 16, 17, 23, 24, 25, 300]) {
      test(`of ${nx} × ${ny} points, ${iterations} iterations`, async () => {
        await checkAll({ nx, ny, iterations })
        await checkAll({ nx, ny, iterations, region: { ...defaultRegion, xTo: -0.5 } })
      })
    }
  }

  test('of points where |z|² comes near 4 and does not reach it, or only just', async () => {
    const tip = { xFrom: -2.000_000_1, xTo: -1.999_999_9, yFrom: -1e-7, yTo: 1e-7 }
    await checkAll({ nx: 41, ny: 41, iterations: 2000, region: tip })
    const needle = { xFrom: -2, xTo: -1.9999, yFrom: 0, yTo: 0 }
    await checkAll({ nx: 4001, ny: 1, iterations: 1000, region: needle })
    const ulp = { xFrom: -2, xTo: -2 + 2 ** -46, yFrom: -(2 ** -52), yTo: 2 ** -52 }
    await checkAll({ nx: 65, ny: 9, iterations: 400, region: ulp })
  })
})

test('points that come back to where they were need not be followed to the end', async () => {
  const most = 2 ** 31 - 1
  const region = { xFrom: -0.15, xTo: -0.1, yFrom: 0.72, yTo: 0.77 }
  for (const backend of backends.filter((each) => each !== 'js')) {
    const counts = await mandelbrot({ nx: 64, ny: 64, iterations: most, region }, { backend })
    assert.ok(counts.every((count) => count === most))
  }
})

test('a small image stays on the calling thread, a larger one leaves it free', async () => {
  const pool = kernelPool()
  for (const backend of backends) {
    const before = pool.stats().tasks
    const small = await mandelbrotImage({ nx: 10, ny: 10, iterations: 50 }, { backend })
    assert.deepEqual([small.threads, pool.stats().tasks - before], [0, 0])
    const large = await mandelbrotImage(textbook.small.shape, { backend, threads: 1 })
    assert.equal(large.threads, 1)
    assert.ok(pool.stats().tasks > before)
  }
})

const unit = fc.double({ min: 0, max: 1, noNaN: true })

/** Points of the edge of the main cardioid, of the circle left of it, and some that are famous. */
const edge = fc.oneof(
  unit.map((turn) => {
    const angle = 2 * Math.PI * turn
    const x = Math.cos(angle) / 2 - Math.cos(2 * angle) / 4
    return [x, Math.sin(angle) / 2 - Math.sin(2 * angle) / 4] as const
  }),
  unit.map((turn) => {
    const angle = 2 * Math.PI * turn
    return [-1 + Math.cos(angle) / 4, Math.sin(angle) / 4] as const
  }),
  fc.constantFrom(
    [-2, 0] as const,
    [0, 1] as const,
    [0.25, 0] as const,
    [-0.75, 0] as const,
    [-1.401_155_189, 0] as const,
    [-1.543_689_012_7, 0] as const,
    [-0.743_643_887_037_151, 0.131_825_904_205_33] as const,
    [-0.101_096_363_845_62, 0.956_286_510_809_14] as const,
  ),
)

const zooms = fc.record({
  center: fc.oneof(edge, fc.tuple(fc.double(), fc.double()), fc.tuple(unit, unit)),
  depth: fc.double({ min: -1, max: 16, noNaN: true }),
  nx: fc.integer({ min: 1, max: 40 }),
  ny: fc.integer({ min: 1, max: 40 }),
  iterations: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 1500 })),
  threads: fc.integer({ min: 1, max: 3 }),
})

test('random zooms, deep ones and such without sense, are those of the plain loop', async () => {
  await fc.assert(
    fc.asyncProperty(zooms, async ({ center: [x, y], depth, nx, ny, iterations, threads }) => {
      const half = 10 ** -depth
      const region = { xFrom: x - half, xTo: x + half, yFrom: y - half, yTo: y + half }
      await checkAll({ nx, ny, iterations, region }, { threads })
    }),
    { numRuns: 300 },
  )
})

test('regions of any numbers, infinite and NaN too, are those of the plain loop', async () => {
  const end = fc.oneof(
    fc.double(),
    fc.constantFrom(Number.NaN, Infinity, -Infinity, 0, -0, 1e308, -1e308, 5e-324, 2, -2),
  )
  const regions = fc.record({ xFrom: end, xTo: end, yFrom: end, yTo: end })
  const size = fc.integer({ min: 1, max: 20 })
  await fc.assert(
    fc.asyncProperty(regions, size, size, async (region, nx, ny) => {
      await checkAll({ nx, ny, iterations: 100, region })
    }),
    { numRuns: 300 },
  )
})

describe('progress', () => {
  const long = { nx: 400, ny: 400, iterations: 3000 }

  test('rises to 1', async () => {
    const clock = new SteppingClock()
    const seen: number[] = []
    const options = { backend: 'js', threads: 1, clock } as const
    await mandelbrot(long, { ...options, onProgress: (fraction) => seen.push(fraction) })
    assert.ok(seen.length > 2, String(seen.length))
    assert.deepEqual(
      seen,
      [...seen].sort((a, b) => a - b),
    )
    assert.ok(seen[0] > 0 && seen[0] < 1)
    assert.equal(seen.at(-1), 1)
  })

  test('is not told again before a tenth of a second has passed', async () => {
    const clock = new ManualClock()
    const seen: number[] = []
    await mandelbrot(long, { clock, onProgress: (fraction) => seen.push(fraction) })
    assert.deepEqual(seen, [1])
  })
})

/** A clock on which every question finds a tenth of a second gone. */
class SteppingClock extends ManualClock {
  #asked = 0

  override monotonic(): number {
    this.#asked++
    return this.#asked * 100
  }
}

describe('cancellation', { timeout: 240_000 }, () => {
  const endless = { nx: 64, ny: 64, iterations: 2 ** 31 - 1 }

  for (const backend of backends) {
    test(`ends ${backend} between slices: threads stay, memory comes back`, async () => {
      const pool = kernelPool()
      await mandelbrot(textbook.small.shape, { backend })
      const free = pool.memory.freeBytes()
      const { threads, replaced } = pool.stats()
      // a point of the set takes js and native seconds: theirs have few such points
      const inside = { xFrom: -0.5, xTo: 0.1, yFrom: -0.4, yTo: 0.4 }
      const shape =
        backend === 'wasm'
          ? { ...endless, region: inside }
          : { nx: 2000, ny: 20, iterations: 200_000, region: inside }
      const controller = new AbortController()
      const work = mandelbrot(shape, {
        backend,
        shortcuts: false,
        signal: controller.signal,
        clock: new SteppingClock(),
        onProgress: () => controller.abort(new Error('enough')),
      })
      await assert.rejects(work, isError('KERNEL_CANCELLED', /^mandelbrot was cancelled$/))
      while (pool.stats().running + pool.stats().queued > 0) await settle()
      await settle()
      assert.equal(pool.memory.freeBytes(), free)
      assert.deepEqual([pool.stats().threads, pool.stats().replaced], [threads, replaced])
      const counts = await mandelbrot(textbook.small.shape, { backend })
      assert.equal(hashOf(counts), textbook.small.sha256)
    })
  }

  test('before it begins', async () => {
    const signal = AbortSignal.abort()
    await assert.rejects(
      mandelbrot(textbook.small.shape, { signal }),
      isError('KERNEL_CANCELLED', /cancelled/),
    )
  })
})

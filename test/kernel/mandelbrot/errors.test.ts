// mandelbrot() with what it cannot do: shapes and options that are wrong, no memory, no thread, no
// native addon.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { nativeAddon } from '../../../src/kernel/native.ts'
import {
  configureKernels,
  kernelPool,
  type MandelbrotOptions,
  type MandelbrotShape,
  mandelbrot,
} from '../../../src/kernels.ts'
import { isError } from '../../support/coded_errors.ts'
import { backends, hashOf, plainCounts, textbook } from '../../support/mandelbrot.ts'

configureKernels({ threads: 1, queueTasks: 1, memoryMib: 16 })

describe('shapes that are none are KERNEL_INVALID', () => {
  const good = { nx: 4, ny: 3, iterations: 10 }
  const region = { xFrom: 0, xTo: 1, yFrom: 0, yTo: 1 }
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [undefined, /the shape is no object/],
    [{ ...good, nx: 0 }, /nx is 0, not a whole number from 1/],
    [{ ...good, ny: 2.5 }, /ny is 2.5/],
    [{ ...good, nx: '4' }, /nx is 4/],
    [{ ny: 3, iterations: 1 }, /nx is undefined/],
    [{ ...good, nx: 2 ** 20, ny: 2 ** 20 }, /nx × ny is 1099511627776, more than 2\^29/],
    [{ ...good, iterations: -1 }, /iterations is -1/],
    [{ ...good, iterations: 2 ** 31 }, /iterations is 2147483648/],
    [{ ...good, iterations: Number.NaN }, /iterations is NaN/],
    [{ ...good, width: 3 }, /the shape has no width: it has nx, ny, iterations, region/],
    [{ ...good, region: null }, /the region is no object/],
    [{ ...good, region: { ...region, xTo: '1' } }, /region.xTo is no number/],
    [{ ...good, region: { xFrom: 0, xTo: 1, yFrom: 0 } }, /region.yTo is no number/],
    [{ ...good, region: { ...region, x: 1 } }, /the region has no x/],
  ]
  for (const [shape, says] of cases) {
    test(JSON.stringify(shape) ?? 'undefined', async () => {
      await assert.rejects(mandelbrot(shape as MandelbrotShape), isError('KERNEL_INVALID', says))
    })
  }

  const options: readonly (readonly [unknown, RegExp])[] = [
    [{ threads: 0 }, /threads is 0, not a whole number from 1 to 64/],
    [{ threads: 65 }, /threads is 65/],
    [{ shortcut: false }, /the options has no shortcut/],
    [null, /the options is no object/],
  ]
  for (const [option, says] of options) {
    test(`options ${JSON.stringify(option)}`, async () => {
      const work = mandelbrot(good, option as MandelbrotOptions)
      await assert.rejects(work, isError('KERNEL_INVALID', says))
    })
  }
})

test('native where there is no addon is NATIVE_UNAVAILABLE', async () => {
  const work = mandelbrot(textbook.small.shape, { backend: 'native' })
  if (nativeAddon() !== undefined) assert.equal(hashOf(await work), textbook.small.sha256)
  else await assert.rejects(work, isError('NATIVE_UNAVAILABLE', /backend 'native'/))
})

test('an image that finds no place in the queue is refused, and others go on', async () => {
  const all = await Promise.allSettled([
    mandelbrot(textbook.small.shape),
    mandelbrot(textbook.small.shape),
    mandelbrot(textbook.small.shape),
  ])
  for (const each of all.slice(0, 2)) {
    assert.ok(each.status === 'fulfilled')
    assert.equal(hashOf(each.value), textbook.small.sha256)
  }
  assert.ok(all[2].status === 'rejected')
  isError('KERNEL_QUEUE_FULL', /mandelbrot: 1 tasks wait/)(all[2].reason)
})

describe('memory', () => {
  const shape = { nx: 301, ny: 97, iterations: 60 }

  /** Takes all but `bytes` of the budget while `call` runs. */
  async function withOnly(bytes: number, call: () => Promise<void>): Promise<void> {
    const { memory } = kernelPool()
    const free = memory.freeBytes()
    const taken = memory.allocate(free - bytes, 'a test')
    try {
      await call()
      assert.equal(memory.freeBytes(), bytes)
    } finally {
      memory.free(taken)
    }
  }

  for (const backend of backends) {
    test(`an image that does not fit is made in bands, ${backend}`, async () => {
      await withOnly(64 * 1024, async () => {
        assert.deepEqual(await mandelbrot(shape, { backend }), plainCounts(shape))
      })
    })
  }

  test('so is one of more than a band', async () => {
    const large = { nx: 2200, ny: 2000, iterations: 3 }
    assert.deepEqual(await mandelbrot(large), plainCounts(large))
  })

  test('none left is MEMORY_EXHAUSTED', async () => {
    await withOnly(4096, async () => {
      await assert.rejects(
        mandelbrot(shape),
        isError('MEMORY_EXHAUSTED', /mandelbrot: No 16384 bytes of shared memory left/),
      )
    })
  })
})

// The plain loop over the large image, whose hash the short suite compares all backends with, and
// zooms that take it seconds each.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mandelbrot } from '../../src/kernels.ts'
import { backends, hashOf, plainCounts, textbook } from '../support/mandelbrot.ts'

test('the hash of 1920 × 1440 × 1000 is that of the plain loop', () => {
  assert.equal(hashOf(plainCounts(textbook.large.shape)), textbook.large.sha256)
})

const zooms = [
  { name: 'seahorses', x: -0.7436438870371, y: 0.1318259042053, half: 2e-9, iterations: 20_000 },
  { name: 'a minibrot on the needle', x: -1.76877851, y: -0.0017389, half: 2e-4, iterations: 5000 },
  { name: 'the parabolic point', x: 0.2501, y: 0, half: 2e-4, iterations: 20_000 },
  { name: 'an elephant', x: 0.2925755, y: -0.0149977, half: 1e-5, iterations: 10_000 },
  { name: 'the end of doublings', x: -1.401155189, y: 0, half: 1e-4, iterations: 50_000 },
]
for (const { name, x, y, half, iterations } of zooms) {
  test(`${name}: the counts of the plain loop`, async (t) => {
    const region = { xFrom: x - half, xTo: x + half, yFrom: y - half, yTo: y + half }
    const shape = { nx: 301, ny: 301, iterations, region }
    const expected = hashOf(plainCounts(shape))
    for (const backend of backends) {
      for (const shortcuts of [true, false]) {
        const counts = await mandelbrot(shape, { backend, shortcuts })
        assert.equal(hashOf(counts), expected, `${backend} ${shortcuts}`)
      }
    }
    t.diagnostic(`${expected}`)
  })
}

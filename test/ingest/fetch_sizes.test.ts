// FetchSizes on plants whose best sizes are known: what it reaches, what it keeps to, and that it
// comes to rest. Seeds are in the messages.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { seededRandom } from '../../src/clock.ts'
import { FetchSizes, fetchChanges } from '../../src/ingest/fetch_sizes.ts'
import { resolveSettings, type SettingsInput } from '../../src/settings.ts'
import { FetchPlant, type PlantOptions } from '../support/fetch_plant.ts'

const KIB = 1024
const MIB = 1024 * KIB

const sizesOf = (code: SettingsInput): FetchSizes => FetchSizes.of(resolveSettings({ code }))

/** Lanes that do 200 bytes a µs each on two threads, and a log not far away. */
const fast: PlantOptions = {
  partitions: 4,
  threads: 2,
  queueMax: 2,
  roundTripMs: 2,
  logBytesPerMs: 1_000_000,
  batchMs: 0.25,
  bytesPerMs: 200_000,
  inBytesPerMs: Infinity,
}
/** A hundred times slower. */
const slow: PlantOptions = { ...fast, bytesPerMs: 2000 }

const badly = { batchBytes: '64KiB', fetchesInFlight: 1 } as const

describe('sizes of fetches', () => {
  test('from small fetches, one at a time, they reach the rate of the defaults in a second', () => {
    const best = new FetchPlant(FetchSizes.fixed(2 * MIB, 8), fast).run(4000)
    const worst = new FetchPlant(FetchSizes.fixed(64 * KIB, 1), fast).run(4000)
    const plant = new FetchPlant(sizesOf(badly), fast)
    plant.run(1000)
    const rate = plant.run(4000)
    assert.ok(worst < 0.3 * best, `${worst} of ${best}`)
    assert.ok(rate > 0.95 * best, `${rate} of ${best}`)
    assert.ok(plant.sizes.bytes === 2 * MIB && plant.sizes.fetches >= 4)
  })

  test('at the defaults nothing changes where lanes are fast', () => {
    const plant = new FetchPlant(sizesOf({}), fast)
    plant.run(5000)
    assert.deepEqual(plant.changes, [])
  })

  test('batches that wait long become smaller, and the rate stays', () => {
    const best = new FetchPlant(FetchSizes.fixed(2 * MIB, 8), slow).run(60_000)
    const plant = new FetchPlant(sizesOf({}), slow)
    plant.run(20_000)
    const rate = plant.run(60_000)
    assert.ok(rate > 0.95 * best, `${rate} of ${best}`)
    assert.ok(plant.sizes.bytes <= 256 * KIB, `${plant.sizes.bytes}`)
    assert.equal(plant.sizes.fetches, 8)
  })

  test('they become larger again when the lanes are fast again', () => {
    const sizes = sizesOf({})
    new FetchPlant(sizes, slow).run(30_000)
    assert.ok(sizes.bytes < MIB)
    new FetchPlant(sizes, fast).run(10_000)
    assert.equal(sizes.bytes, 2 * MIB)
  })

  test('a reader that has caught up changes nothing', () => {
    for (const code of [{}, badly]) {
      const plant = new FetchPlant(sizesOf(code), { ...fast, inBytesPerMs: 200 })
      plant.run(60_000)
      assert.deepEqual(plant.changes, [])
    }
  })

  test('where all is in one partition its lane is the bound, and what waits for it less', () => {
    const skewed = { ...slow, inBytesPerMs: 1e9, skew: 0.999_999_999 }
    const plant = new FetchPlant(sizesOf({}), skewed)
    plant.run(60_000)
    assert.ok(plant.sizes.bytes <= 256 * KIB, `${plant.sizes.bytes}`)
  })

  test('batches of the log that do not fit make them larger', () => {
    const sizes = sizesOf({ batchBytes: '16KiB' })
    for (let look = 0; look < 3; look++) {
      for (let i = 0; i < 10; i++) {
        sizes.tooSmall()
        sizes.arrived(100 * KIB, 1, 100 * KIB, false, false)
      }
      sizes.look(100, 1)
    }
    assert.equal(sizes.bytes, 128 * KIB)
    assert.equal(sizes.counts[fetchChanges.findIndex(({ reason }) => reason === 'too_small')], 3)
  })

  test('they do not become smaller than what the log has', () => {
    const sizes = sizesOf({})
    for (let look = 0; look < 50; look++) {
      sizes.arrived(sizes.bytes, sizes.bytes / (512 * KIB), sizes.bytes, false, false)
      sizes.look(1000, 8 * sizes.bytes)
    }
    assert.equal(sizes.bytes, MIB)
  })

  test('switched off they are what the settings say', () => {
    const sizes = sizesOf({ ...badly, adaptFetches: false })
    assert.ok(sizes.isFixed)
    const plant = new FetchPlant(sizes, fast)
    plant.run(5000)
    assert.deepEqual(plant.changes, [])
  })

  test('bounds: settings above the defaults are the most, memoryMib bounds all of them together', () => {
    const { limits } = sizesOf({ batchBytes: '8MiB', fetchesInFlight: 32 })
    assert.deepEqual(
      [limits.bytesMax, limits.fetchesMax, limits.totalBytes],
      [8 * MIB, 32, 256 * MIB],
    )
    const small = sizesOf({ ...badly, memoryMib: 32 })
    assert.equal(small.limits.totalBytes, 4 * MIB)
    const plant = new FetchPlant(small, fast)
    plant.run(5000)
    assert.equal(small.bytes * small.fetches, 4 * MIB)
  })

  test('on any plant: within bounds, nearly as fast as the settings, and at rest in the end', () => {
    const seeds = Array.from({ length: 60 }, (_, index) => index + 1)
    for (const seed of seeds) {
      const random = seededRandom(seed)
      const upTo = (most: number): number => Math.exp(random() * Math.log(most))
      const options: PlantOptions = {
        partitions: 1 + Math.floor(random() * 12),
        threads: 1 + Math.floor(random() * 4),
        queueMax: 1 + Math.floor(random() * 4),
        roundTripMs: upTo(50),
        logBytesPerMs: 10_000 * upTo(100),
        batchMs: 0.05 * upTo(20),
        bytesPerMs: 1000 * upTo(300),
        inBytesPerMs: random() < 0.7 ? Infinity : 1000 * upTo(300),
      }
      const batchBytes = 16 * KIB * 2 ** Math.floor(random() * 8)
      const fetchesInFlight = 2 ** Math.floor(random() * 5)
      const sizes = sizesOf({ batchBytes, fetchesInFlight })
      const { bytesMin, bytesMax, fetchesMax, totalBytes } = sizes.limits
      const plant = new FetchPlant(sizes, options)
      plant.run(20_000)
      const adapted = plant.run(20_000)
      const given = new FetchPlant(FetchSizes.fixed(batchBytes, fetchesInFlight), options)
      given.run(20_000)
      const fixed = given.run(20_000)
      const what = `seed ${seed}: ${JSON.stringify(options)} ${JSON.stringify(plant.changes)}`
      for (const { bytes, fetches } of plant.changes) {
        assert.ok(bytes >= bytesMin && bytes <= bytesMax, what)
        assert.ok(fetches >= fetchesInFlight && fetches <= fetchesMax, what)
        assert.ok(bytes * fetches <= totalBytes, what)
      }
      assert.ok(adapted >= 0.9 * fixed, `${adapted} of ${fixed}, ${what}`)
      const late = plant.changes.filter(({ atMs }) => atMs > 20_000)
      assert.ok(plant.changes.length <= 16 && late.length <= 3, what)
    }
  })
})

// Regions whose sizes change while some are in use.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SharedMemory } from '../../src/batch/memory.ts'
import type { Region } from '../../src/batch/region.ts'
import { seededRandom } from '../../src/clock.ts'
import { Regions } from '../../src/ingest/regions.ts'

const KIB = 1024

test('regions of new sizes come as the old ones are given back, and all of them fit', async () => {
  const memory = new SharedMemory(32)
  const most = { count: 8, totalBytes: 4096 * KIB }
  const regions = new Regions(memory, { count: 1, payloadBytes: 64 * KIB }, most)
  const free = memory.freeBytes()
  const first = await regions.take()
  const second = regions.take()
  regions.resize({ count: 8, payloadBytes: 512 * KIB })
  const larger = (await second)!
  assert.equal(larger.payloadBytes, 512 * KIB)
  assert.deepEqual(regions.size, { free: 6, used: 2 })
  regions.giveBack(first!)
  regions.giveBack(larger)
  assert.deepEqual(regions.size, { free: 8, used: 0 })
  assert.equal(memory.freeBytes(), free)
  regions.close()
  assert.ok(memory.freeBytes() > free)
})

test('whatever sizes follow each other, regions do not overlap, and as many come as are to be', async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = seededRandom(seed)
    const memory = new SharedMemory(32)
    const most = { count: 16, totalBytes: 2048 * KIB }
    let sizes = { count: 2, payloadBytes: 64 * KIB }
    const regions = new Regions(memory, sizes, most)
    const used: Region[] = []
    const asked: Promise<void>[] = []
    for (let step = 0; step < 300; step++) {
      const what = random()
      if (what < 0.45 && asked.length < 400)
        asked.push(regions.take().then((region) => void (region && used.push(region))))
      else if (what < 0.9) {
        const [region] = used.splice(Math.floor(random() * used.length), 1)
        if (region !== undefined) regions.giveBack(region)
      } else {
        const count = 2 ** Math.floor(random() * 5)
        const payloadBytes = Math.floor((most.totalBytes / count) * (1 - random() * 0.9))
        sizes = { count, payloadBytes }
        regions.resize(sizes)
      }
      await undefined
      const spans = used
        .map(({ base, payloadBytes }) => ({ base, end: base + payloadBytes }))
        .sort((a, b) => a.base - b.base)
      for (const [index, { base }] of spans.entries())
        assert.ok(index === 0 || base >= spans[index - 1].end, `seed ${seed}, step ${step}`)
    }
    while (used.length > 0) {
      for (const region of used.splice(0)) regions.giveBack(region)
      await undefined
    }
    assert.deepEqual(regions.size, { free: sizes.count, used: 0 }, `seed ${seed}`)
    regions.abandon()
    await Promise.all(asked)
  }
})

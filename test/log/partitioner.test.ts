import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { murmur2 } from '../../src/log/murmur2.ts'
import { Partitioner, partitionOfKey } from '../../src/log/partitioner.ts'

// The vectors of Kafka's own UtilsTest.
const vectors: readonly [string, number][] = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
]

describe('partitioner', () => {
  it('hashes as the Java client does', () => {
    for (const [key, hash] of vectors) {
      assert.equal(murmur2(Buffer.from(key)), hash, key)
      assert.equal(murmur2(Buffer.from(`${key} and more`), key.length), hash, key)
    }
  })

  it('places a key by the positive hash', () => {
    for (const [key, hash] of vectors)
      for (const partitions of [1, 2, 3, 16])
        assert.equal(partitionOfKey(Buffer.from(key), partitions), (hash & 0x7fffffff) % partitions)
  })

  it('gives records without a key to all partitions evenly, in runs', () => {
    const partitioner = new Partitioner(10)
    const counts = [0, 0, 0]
    let changes = 0
    let last = -1
    for (let i = 0; i < 300; i++) {
      const partition = partitioner.partition('t', null, 3)
      counts[partition]++
      if (partition !== last) changes++
      last = partition
    }
    assert.deepEqual(counts, [100, 100, 100])
    assert.equal(changes, 30)
  })
})

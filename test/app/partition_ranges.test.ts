// How logs name partitions.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { partitionRanges } from '../../src/app/partition_ranges.ts'

test('partitions are named by topic, neighbours as a range', () => {
  const of = (topic: string, ...numbers: number[]) =>
    numbers.map((partition) => ({ topic, partition }))
  assert.deepEqual(partitionRanges([...of('b', 2), ...of('a', 7, 1, 0, 2, 10, 9)]), {
    b: '2',
    a: '0-2, 7, 9-10',
  })
  assert.deepEqual(partitionRanges([]), {})
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { smokeBench } from '../support/smoke_bench.ts'
import { rocksdbKinds } from '../support/stores.ts'

test('restores on the stores that are there, and starts: every row is right', async () => {
  const only = ['--only', 'restore,start', '--embedded']
  const { rows, stdout } = await smokeBench('recovery/recovery', only)
  const cases = (group: string) => rows.filter((row) => row.group === group).map((row) => row.case)
  assert.deepEqual(
    cases('A table comes back from its changelog'),
    rocksdbKinds.map((kind) => `${kind}, embedded log`),
  )
  assert.equal(cases('Until it is there').length, 2 * rocksdbKinds.length)
  assert.deepEqual(cases('The command line'), ['node, an empty program', 'euphorion --help'])
  assert.deepEqual(cases('A worker starts'), [
    'embedded log, empty table: first results',
    'embedded log, 2,000 rows on disk: rows can be read',
    'embedded log, 2,000 rows on disk: new results',
  ])
  assert.match(stdout, /^Start, restore, failover$/m)
})

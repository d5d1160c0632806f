// The parts of the data plane are measured at smoke size; a wrong answer fails the bench.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { smokeBench } from '../support/smoke_bench.ts'
import { rocksdbKinds } from '../support/stores.ts'

/** What each part is measured in. */
const units: Readonly<Record<string, readonly string[]>> = {
  wire: ['ns/KiB', 'ns/batch', 'ns/record'],
  codecs: ['ns/KiB', 'ns/value'],
  json: ['ns/record'],
  hash: ['ns/key', 'ns/record'],
  drain: ['ns/row'],
  store: ['ms', 'rows/s', 'µs'],
  lanes: ['events/s'],
  agents: ['events/s'],
  handover: ['ns/batch', 'ns/call', 'ns/task'],
  kernels: ['ns/point', 'ns/value'],
  compiled: ['×'],
}
const rates = ['events/s', 'rows/s', '×']

test('every part has figures in its units, and one sample of each', async () => {
  const { rows, svg, stdout } = await smokeBench('micro/micro')
  const partOf = (group: string): string => group.slice(0, group.indexOf(':'))
  const found = [...new Set(rows.map(({ group }) => partOf(group)))]
  assert.deepEqual(found, Object.keys(units))
  for (const [part, expected] of Object.entries(units)) {
    const ofPart = rows.filter(({ group }) => partOf(group) === part)
    assert.deepEqual([...new Set(ofPart.map(({ unit }) => unit))].sort(), expected, part)
  }
  for (const { group, case: name, unit, better, samples } of rows) {
    assert.equal(samples, 1, `${group}, ${name}`)
    assert.equal(better, rates.includes(unit) ? 'more' : 'less', `${group}, ${name}`)
    assert.ok(svg.includes(`>${name.replaceAll('&', '&amp;')}</text>`), `no bar: ${name}`)
    assert.ok(stdout.includes(`${group}, ${unit}\n`), `no table: ${group}`)
  }
  const casesOf = (start: string): string[] =>
    rows.filter(({ group }) => group.startsWith(start)).map((row) => row.case)
  assert.deepEqual(casesOf('store: rows of cuts'), ['memory', ...rocksdbKinds])
  assert.deepEqual(casesOf('store: get, after'), rocksdbKinds)
  const lanes = ['WebAssembly, 1 thread', 'WebAssembly, 2 threads', 'plain JavaScript']
  assert.deepEqual(casesOf('lanes: W1'), lanes)
  assert.deepEqual(casesOf('lanes: W2'), lanes)
  assert.equal(casesOf('compiled').length, 26)
})

test('--only runs the parts that it names; wrong options are refused', async () => {
  const { rows } = await smokeBench('micro/micro', ['--only', 'drain,json'])
  const parts = new Set(rows.map(({ group }) => group.split(':')[0]))
  assert.deepEqual([...parts], ['json', 'drain'])
  await assert.rejects(smokeBench('micro/micro', ['--only', 'none']), /--only none: there are wire/)
  const wrong = ['--only', 'store', '--store-rows', 'many']
  await assert.rejects(
    smokeBench('micro/micro', wrong),
    /--store-rows many: a whole number above 0/,
  )
})

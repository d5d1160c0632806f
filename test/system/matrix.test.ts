// The printed rows of the main job on the embedded log equal the naive reference's, for every pair
// of settings and kinds of window; and for a million events.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inDirectory } from '../support/embedded.ts'
import {
  expectMixed,
  factors,
  MatrixPlace,
  millionMixed,
  pairs,
  programNames,
  smallMixed,
} from '../support/matrix.ts'
import type { ProgramName } from '../support/mixed_app.ts'
import { mixedPlans } from '../support/mixed_plans.ts'
import type { NaiveResult } from '../support/naive.ts'
import { pairsOf, product } from '../support/pairwise.ts'

test('the cases have every pair of values of two factors', () => {
  const found = new Set(pairs.flatMap(pairsOf))
  for (const pair of product(factors).flatMap(pairsOf)) assert(found.has(pair), pair)
})

/** The records try what they should: late ones, filtered ones, many keys. */
function checkVariety(name: ProgramName, { rows, partitions }: NaiveResult): void {
  const total = (field: 'counted' | 'late' | 'filtered' | 'bad'): number =>
    partitions.reduce((sum, each) => sum + each[field], 0)
  const { window, where } = mixedPlans[name]
  const { keys, events } = smallMixed
  assert(rows.length >= keys && total('counted') > events / 4, name)
  assert.equal(total('late') > 0, window !== undefined, name)
  assert.equal(total('filtered') > 0, where !== undefined, name)
  assert.equal(total('bad'), 0)
}

test('the rows of every pair of settings', async (t) => {
  await inDirectory(async (cwd) => {
    const expected = expectMixed(smallMixed, programNames)
    for (const [name, result] of expected) checkVariety(name, result)
    const place = new MatrixPlace(cwd, `embedded:${cwd}/log`, smallMixed)
    const cases = pairs.filter((each) => each.log === 'embedded')
    await place.withTopics(factors.compression, () => place.checkCases(t, cases, expected))
  })
})

test('the rows of a million events', async (t) => {
  await inDirectory(async (cwd) => {
    const place = new MatrixPlace(cwd, `embedded:${cwd}/log`, millionMixed)
    const expected = expectMixed(millionMixed, ['tumbling', 'hopping-grace'])
    const settings = ['--threads', '2', '--backend', 'wasm']
    await place.withTopics(['lz4'], () => place.check(t, 'million', 'lz4', settings, expected))
  })
})

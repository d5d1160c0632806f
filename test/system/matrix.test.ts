// The printed rows of the main job on the embedded log equal the naive reference's, for every pair
// of settings and kinds of window; and for a million events.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openLog } from '../../src/log/open.ts'
import { inDirectory } from '../support/embedded.ts'
import {
  checkRun,
  expectMixed,
  factors,
  pairs,
  programsOf,
  settingsOf,
  titleOf,
  writeMixed,
} from '../support/matrix.ts'
import type { ProgramName } from '../support/mixed_app.ts'
import { mixedPlans } from '../support/mixed_plans.ts'
import type { MixedOptions } from '../support/mixed_views.ts'
import type { NaiveResult } from '../support/naive.ts'
import { pairsOf, product } from '../support/pairwise.ts'

const small: MixedOptions = {
  events: 60_000,
  partitions: 4,
  seed: 1,
  keys: 200,
  spanMs: 120_000,
  texts: 4000,
}

const million: MixedOptions = { ...small, events: 1_000_000, seed: 2, spanMs: 300_000 }

test('the cases have every pair of values of two factors', () => {
  const found = new Set(pairs.flatMap(pairsOf))
  for (const pair of product(factors).flatMap(pairsOf)) assert(found.has(pair), pair)
})

/** The records try what they should: late ones, filtered ones, many keys. */
function checkVariety(name: ProgramName, { rows, partitions }: NaiveResult): void {
  const total = (field: 'counted' | 'late' | 'filtered' | 'bad'): number =>
    partitions.reduce((sum, each) => sum + each[field], 0)
  const { window, where } = mixedPlans[name]
  assert(rows.length >= small.keys && total('counted') > small.events / 4, name)
  assert.equal(total('late') > 0, window !== undefined, name)
  assert.equal(total('filtered') > 0, where !== undefined, name)
  assert.equal(total('bad'), 0)
}

test('the rows of every pair of settings', async (t) => {
  await inDirectory(async (cwd) => {
    const expected = expectMixed(small, Object.keys(mixedPlans) as ProgramName[])
    for (const [name, result] of expected) checkVariety(name, result)
    const broker = `embedded:${cwd}/log`
    const log = await openLog(broker, { settings: { fsync: 'never' } })
    for (const compression of factors.compression)
      await writeMixed(log, compression, small, compression)
    await log.close()
    for (const [turn, each] of pairs.entries())
      if (each.log === 'embedded')
        await t.test(titleOf(each), () =>
          checkRun(
            {
              cwd,
              broker,
              topic: each.compression,
              id: `case-${turn}`,
              records: small.events,
              programs: programsOf(each, turn),
              settings: settingsOf(each),
            },
            expected,
          ),
        )
  })
})

test('the rows of a million events', async () => {
  await inDirectory(async (cwd) => {
    const broker = `embedded:${cwd}/log`
    const log = await openLog(broker, { settings: { fsync: 'never' } })
    await writeMixed(log, 'million', million, 'lz4')
    await log.close()
    const programs = ['tumbling', 'hopping-grace'] as const
    const settings = ['--threads', '2', '--backend', 'wasm']
    const run = { cwd, broker, topic: 'million', id: 'million', records: million.events }
    await checkRun({ ...run, programs, settings }, expectMixed(million, programs))
  })
})

// Simulated apps come out exact whatever happens to them, and the same seed gives the same run.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulate } from '../../src/testing/simulate.ts'
import { trialOf, trialSettings, trials } from '../support/simulated_apps.ts'

const SEEDS = Number(process.env.EUPHORION_TEST_SEEDS ?? 50)
const SECONDS = 8

test('the same seed gives the same run, to the last step', async () => {
  const run = (seed: number) => {
    const { makeApp, ...trial } = trials.visits
    const settings = trialSettings(1)
    return simulate(makeApp, { ...trial, seed, seconds: SECONDS, settings })
  }
  const [first, again, other] = [await run(5), await run(5), await run(6)]
  assert.deepEqual(again, first)
  assert.notEqual(other.fingerprint, first.fingerprint)
})

for (const name of Object.keys(trials) as (keyof typeof trials)[])
  test(`${name}: exact under ${SEEDS / 2} seeds`, async () => {
    for (let seed = 1; seed <= SEEDS / 2; seed++) {
      const { makeApp, ...options } = trialOf(name, seed, SECONDS)
      const { failures, trace } = await simulate(makeApp, options)
      assert.deepEqual(failures, [], `seed ${seed}\n${trace.slice(-40).join('\n')}`)
    }
  })

test('a check reads tables over all machines', async () => {
  const { makeApp, ...trial } = trials.visits
  const report = await simulate(makeApp, {
    ...trial,
    seed: 3,
    seconds: SECONDS,
    settings: trialSettings(1),
    check: async ({ records, table }) => {
      const visits = records('visits').length
      const perPage = await table('per-page').rows()
      const counted = perPage.reduce((sum, row) => sum + Number(row.visits), 0)
      if (counted !== visits) return `${counted} visits of ${visits}`
      const [first] = perPage
      assert.deepEqual(await table('per-page').get(first.key), first)
      const windows = (await table('per-window').rows()).filter(({ key }) => key === first.key)
      const newest = Math.max(...windows.map(({ start }) => start!))
      assert.equal((await table('per-window').get(first.key))?.start, newest)
      assert.equal(await table('per-page').get('nowhere'), undefined)
      await assert.rejects(table('no-table').rows(), { code: 'TABLE_UNKNOWN' })
      return undefined
    },
  })
  assert.deepEqual(report.failures, [])
})

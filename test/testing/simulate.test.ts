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

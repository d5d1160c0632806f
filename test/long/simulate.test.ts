// 2,000 seeds of simulated apps come out exact, and each of the planted bugs is found within 500.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Plant } from '../../src/plants.ts'
import { simulate } from '../../src/testing/simulate.ts'
import { trialOf, trials } from '../support/simulated_apps.ts'

const SEEDS = Number(process.env.EUPHORION_TEST_SEEDS ?? 2000)
const SEEDS_OF_PLANTS = 500
const SECONDS = 20
const names = Object.keys(trials) as (keyof typeof trials)[]

const plants: readonly Plant[] = [
  'cut-order-reversed',
  'offsets-outside',
  'tombstones-lost',
  'stale-cut-used',
  'fence-ignored',
  'restore-uncommitted',
  'target-too-early',
  'changelog-position-ahead',
  'output-outside',
  'promoted-behind',
]

async function failuresOf(seed: number, plant?: Plant): Promise<readonly string[]> {
  // both apps with each kind of settings
  const name = names[(seed >> 4) % names.length]
  const { makeApp, ...options } = trialOf(name, seed, SECONDS)
  const planted = plant === undefined ? {} : { plants: new Set([plant]) }
  const { failures, trace } = await simulate(makeApp, { ...options, ...planted })
  if (plant === undefined)
    assert.deepEqual(failures, [], `${name}, seed ${seed}\n${trace.slice(-80).join('\n')}`)
  return failures
}

test(`${SEEDS} seeds are exact`, async () => {
  for (let seed = 1; seed <= SEEDS; seed++) await failuresOf(seed)
})

for (const plant of plants)
  test(`the simulator finds ${plant} within ${SEEDS_OF_PLANTS} seeds`, async (t) => {
    for (let seed = 1; seed <= SEEDS_OF_PLANTS; seed++) {
      const failures = await failuresOf(seed, plant)
      if (failures.length === 0) continue
      t.diagnostic(`seed ${seed}: ${failures[0].slice(0, 160)}`)
      return
    }
    assert.fail(`not found within ${SEEDS_OF_PLANTS} seeds`)
  })

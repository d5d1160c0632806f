// The search of `tune` on functions that are known: what it finds within its time from bad
// settings, what it claims where there is nothing to find, and how its intervals are made.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { seededRandom } from '../../src/clock.ts'
import { compare, medianOf, pairsMin } from '../../src/tune/comparison.ts'
import {
  type Candidate,
  differing,
  type KnobName,
  knobsOf,
  neighbours,
} from '../../src/tune/knobs.ts'
import { foundValues, type SearchOptions, searchSettings } from '../../src/tune/search.ts'
import type { Measured } from '../../src/tune/trials.ts'

const names: readonly KnobName[] = [
  'threads',
  'commitIntervalMs',
  'batchBytes',
  'fetchesInFlight',
  'backend',
  'memoryMib',
  'laneQueueBatches',
  'writeBufferMib',
  'cacheMib',
  'commitBytes',
]
const knobs = knobsOf(names, { cores: 4, memoryMib: 16_384 })
const MIB = 1024 ** 2
const defaults: Candidate = {
  threads: 2,
  batchBytes: 2 * MIB,
  commitIntervalMs: 250,
  fetchesInFlight: 8,
  backend: 'auto',
  memoryMib: 256,
  laneQueueBatches: 2,
  writeBufferMib: 4,
  cacheMib: 32,
  commitBytes: 32 * MIB,
}
const bad: Candidate = { ...defaults, threads: 1, batchBytes: 64 * 1024, commitIntervalMs: 10 }

/** As machines are: a best number of threads, batches that are too small or too large, cuts. */
function rateOf(candidate: Candidate): number {
  const log = (name: KnobName): number => Math.log2(Number(candidate[name]))
  const hill = (name: KnobName, best: number, steepness: number): number =>
    Math.exp(-steepness * (log(name) - Math.log2(best)) ** 2)
  const threads = Number(candidate.threads)
  const spread = threads <= 4 ? 1 - 0.5 ** threads : 0.94 - 0.06 * (threads - 4)
  const cuts = 1 / (1 + 30 / Number(candidate.commitIntervalMs))
  const kernels = candidate.backend === 'js' ? 0.3 : 1
  return (
    4e6 * spread * cuts * kernels * hill('batchBytes', MIB, 0.04) * hill('fetchesInFlight', 8, 0.02)
  )
}

const optimum = rateOf({
  ...defaults,
  threads: 4,
  batchBytes: MIB,
  commitIntervalMs: 1000,
  fetchesInFlight: 8,
})

interface World {
  readonly options: SearchOptions
  readonly seconds: () => number
}

/** Runs take 0.6 s and what they measure; the machine drifts by a quarter, runs by 6% (one standard deviation). */
function world(rate: (candidate: Candidate) => number, seed: number, start: Candidate): World {
  const random = seededRandom(seed ^ 0x5eed)
  let nowMs = 0
  const normal = (): number =>
    Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  const measure = async (candidate: Candidate, effort: number): Promise<Measured> => {
    nowMs += 600 + 2000 * effort
    const drift = 1 + 0.25 * Math.sin(nowMs / 20_000 + seed)
    const value = rate(candidate) * drift * Math.exp(0.06 * normal())
    return { score: value, value }
  }
  const clock = { monotonic: () => nowMs }
  const options = { knobs, start, defaults, seed, seconds: 120, measure, clock }
  return { options, seconds: () => nowMs / 1000 }
}

describe('search of settings', () => {
  test('reaches 90% of the optimum from bad settings within its time, in 36 of 40 seeds', async () => {
    const short: string[] = []
    for (let seed = 1; seed <= 40; seed++) {
      const { options, seconds } = world(rateOf, seed, bad)
      const result = await searchSettings(options)
      const found = { ...bad, ...foundValues(result) }
      const reached = rateOf(found) / optimum
      if (reached < 0.9) short.push(`seed ${seed}: ${reached} with ${JSON.stringify(found)}`)
      assert.ok(reached >= 0.8, short.at(-1))
      assert.ok(seconds() <= 120, `seed ${seed}: ${seconds()} s`)
      assert.ok(result.pairs.length >= pairsMin, `seed ${seed}: ${result.pairs.length} pairs`)
    }
    assert.ok(short.length <= 4, short.join('\n'))
  })

  test('claims no gain where settings make no difference, in 95 of 100 seeds', async () => {
    const claimed: number[] = []
    for (let seed = 1; seed <= 100; seed++) {
      const result = await searchSettings(world(() => 1e6, seed, defaults).options)
      if (differing({}, foundValues(result)).length > 0) claimed.push(seed)
    }
    assert.ok(claimed.length <= 5, `gains claimed by seeds ${claimed.join(', ')}`)
  })

  test('what gains nothing goes back to the value that it had', async () => {
    const onlyThreads = (candidate: Candidate) => (candidate.threads === 1 ? 1e6 : 3e6)
    let others = 0
    for (let seed = 1; seed <= 20; seed++) {
      const result = await searchSettings(world(onlyThreads, seed, bad).options)
      const found = differing({}, foundValues(result))
      assert.ok(found.includes('threads'), `seed ${seed}: ${found.join(', ')}`)
      others += found.length - 1
    }
    assert.ok(others <= 30, `${others} knobs beside it in 20 seeds`)
  })

  test('the same seed measures the same candidates in the same order', async () => {
    const order = async (seed: number) => {
      const seen: Candidate[] = []
      const { options } = world(rateOf, seed, bad)
      await searchSettings({ ...options, onRun: (_run, { candidate }) => seen.push(candidate) })
      return seen
    }
    assert.deepEqual(await order(7), await order(7))
    assert.notDeepEqual(await order(7), await order(8))
  })

  test('candidates that fail are passed over, and a start that fails is told', async () => {
    const failure = new Error('too little memory')
    const failing = (seed: number, fails: (candidate: Candidate) => boolean, start: Candidate) => {
      const { options } = world(rateOf, seed, start)
      const measure: SearchOptions['measure'] = async (candidate, effort) => {
        const measured = await options.measure(candidate, effort)
        return fails(candidate) ? { score: 0, value: 0, failure } : measured
      }
      return searchSettings({ ...options, measure })
    }
    const result = await failing(3, ({ threads }) => Number(threads) > 3, bad)
    assert.ok(Number(result.best.threads) <= 3)
    assert.equal(result.comparison?.verdict, 'better')
    await assert.rejects(
      failing(3, ({ threads }) => threads === 1, bad),
      failure,
    )
  })

  test('one that does not keep up is worse than all that do, and a gain over it is claimed', async () => {
    const keepsUp = ({ threads }: Candidate) => Number(threads) >= 3
    const rate = (candidate: Candidate) =>
      keepsUp(candidate) ? 4 / Number(candidate.threads) : 1e-9 * Number(candidate.threads)
    for (let seed = 1; seed <= 10; seed++) {
      const result = await searchSettings(world(rate, seed, bad).options)
      assert.ok(keepsUp(foundValues(result)), `seed ${seed}`)
    }
  })

  test('without time for a verdict nothing is claimed', async () => {
    const { options } = world(rateOf, 1, bad)
    const result = await searchSettings({ ...options, seconds: 8 })
    assert.deepEqual(foundValues(result), {})
  })
})

describe('comparison of pairs', () => {
  test('six pairs that agree are the fewest that say something', () => {
    const ten = new Array(10).fill(1)
    for (let pairs = 1; pairs <= 10; pairs++) {
      const { verdict } = compare(ten.slice(0, pairs), ten.slice(0, pairs).fill(1.5))
      assert.equal(verdict, pairs < pairsMin ? 'within the noise' : 'better', `${pairs} pairs`)
    }
  })

  test('the interval is that of the signed ranks', () => {
    // Of 8 differences, the sums of ranks 0 to 3 have less than 2.5% together: the fourth average
    // from each end bounds it.
    const logs = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    const { low, high, ratio } = compare(
      logs.map(() => 1),
      logs.map((log) => Math.exp(log)),
    )
    assert.ok(Math.abs(Math.log(low) - 0.2) < 1e-9, String(Math.log(low)))
    assert.ok(Math.abs(Math.log(high) - 0.7) < 1e-9, String(Math.log(high)))
    assert.ok(Math.abs(Math.log(ratio) - 0.45) < 1e-9)
  })

  test('worse is the mirror of better', () => {
    const a = [1, 2, 3, 4, 5, 6, 7]
    const b = a.map((value) => value * 1.3)
    const there = compare(a, b)
    const back = compare(b, a)
    assert.equal(there.verdict, 'better')
    assert.equal(back.verdict, 'worse')
    assert.ok(Math.abs(there.low - 1 / back.high) < 1e-9)
  })

  test('medians', () => {
    assert.equal(medianOf([3, 1, 2]), 2)
    assert.equal(medianOf([4, 1, 2, 3]), 2.5)
    assert.ok(Number.isNaN(medianOf([])))
  })
})

describe('knobs', () => {
  const knob = (name: KnobName) => knobs.find((each) => each.name === name)!

  test('neighbours of a value on its scale, beside it and beyond its ends', () => {
    assert.deepEqual(neighbours(knob('commitIntervalMs'), 50, 1), [100, 25])
    assert.deepEqual(neighbours(knob('commitIntervalMs'), 50, 2), [250, 10])
    assert.deepEqual(neighbours(knob('commitIntervalMs'), 10, 2), [50])
    assert.deepEqual(neighbours(knob('commitIntervalMs'), 60, 1), [100, 50])
    assert.deepEqual(neighbours(knob('commitIntervalMs'), 5000, 1), [1000])
    assert.deepEqual(neighbours(knob('backend'), 'auto', 1), ['js'])
  })
})

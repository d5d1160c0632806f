// What `tune` says of what it has found: as text, as a picture, as data; how runs are scored, and
// which settings it starts from and writes.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { EuphorionError } from '../../src/errors.ts'
import { type Goal, measuredBy } from '../../src/tune/goal.ts'
import type { SampleRun } from '../../src/tune/sample_spec.ts'
import type { SearchResult } from '../../src/tune/search.ts'
import type { Phase, Run } from '../../src/tune/trials.ts'
import { tunePlot } from '../../src/tune/tune_plot.ts'
import { paintReport, tuneReport } from '../../src/tune/tune_report.ts'
import { readStart, writeTuned } from '../../src/tune/tuned_settings.ts'

const throughput: Goal = { name: 'throughput', rate: undefined }
const start = { threads: 1, batchBytes: 65_536 }
const best = { threads: 2, batchBytes: 65_536 }

const run = (number: number, phase: Phase, value: number): Run => {
  return { number, phase, effort: 0.3, tookMs: 1000, value, score: value }
}

function result(verdict: 'better' | 'within the noise'): SearchResult {
  const pairs = [1, 2, 3, 4, 5, 6].map((number) => ({
    start: run(2 * number, 'comparison', 1e6 + number),
    best: run(2 * number + 1, 'comparison', 2e6 + number),
  }))
  const [low, high] = verdict === 'better' ? [1.8, 2.2] : [0.8, 2.2]
  return {
    start,
    best,
    comparison: { pairs: 6, ratio: 2, low, high, verdict },
    pairs,
    kept: [{ name: 'threads', withoutIt: undefined }],
    trials: [
      { candidate: start, origin: 'start', runs: [run(0, 'halving', 1e6)] },
      { candidate: best, origin: 'random', runs: [run(1, 'halving', 2e6)] },
      {
        candidate: { ...best, batchBytes: 16 * 2 ** 20 },
        origin: 'random',
        runs: [{ ...run(14, 'descent', 0), failure: new Error('no memory <left>') }],
      },
    ],
    elapsedMs: 12_345,
  }
}

const facts = {
  goal: throughput,
  target: 'w1',
  topics: ['views'],
  events: 2_000_000,
  broker: 'embedded:./bench',
  seed: 7,
  seconds: 20,
  leftOut: ['agents visits: add --include-agents to run them'],
  node: '20',
  cpu: '2 × a cpu',
}

describe('report of tune', () => {
  test('a gain is told with its medians, its interval and what changes', () => {
    const report = tuneReport(result('better'), facts)
    assert.deepEqual(report.found, { threads: 2 })
    assert.deepEqual(report.gain?.interval, [1.8, 2.2])
    assert.equal(report.gain?.startMedian, 1e6 + 3.5)
    assert.equal(
      paintReport(report, throughput),
      `events/s: w1, 2,000,000 events
embedded:./bench, Node 20, 2 × a cpu, seed 7
3 candidates, 3 runs, 12.3 s

Candidates, the best first (median of all runs; noise included):
  ████████████████████████       2.00 M/s   1  best: threads 2
  ████████████                   1.00 M/s   1  the start
  failed: no memory <left>

Best against start, 6 pairs of runs in turns (least, median, most):
  start  1.00 M/s – 1.00 M/s – 1.00 M/s
  best   2.00 M/s – 2.00 M/s – 2.00 M/s
  2.00 times as good (95%: 1.80 to 2.20): a gain
  threads  1 → 2

Left out:
  agents visits: add --include-agents to run them
`,
    )
  })

  test('what lies within the noise is not written', () => {
    const report = tuneReport(result('within the noise'), facts)
    assert.deepEqual(report.found, {})
    assert.match(paintReport(report, throughput), /within the noise, no gain is claimed/)
  })

  test('too few pairs, and too few runs, are told as such', () => {
    const few = result('within the noise')
    const comparison = { ...few.comparison!, low: 0, high: Infinity }
    const painted = paintReport(tuneReport({ ...few, comparison }, facts), throughput)
    assert.match(painted, /fewer than 6 pairs, no gain is claimed.*more --seconds/)
    const none = { ...few, comparison: undefined, pairs: [] }
    assert.match(paintReport(tuneReport(none, facts), throughput), /time for 3 runs only/)
  })

  test('fetches that were found stay as they are, and the report says so', () => {
    const found = result('better')
    const best = { ...found.best, batchBytes: 1 << 20 }
    const report = tuneReport({ ...found, best }, facts)
    assert.match(paintReport(report, throughput), /adaptFetches {2}false/)
    assert.doesNotMatch(paintReport(tuneReport(found, facts), throughput), /adaptFetches/)
  })

  test('the picture has a dot for each run that did not fail, and a line for each pair', () => {
    const svg = tunePlot(tuneReport(result('better'), facts), throughput)
    assert.match(svg, /^<svg [^>]*>[\s\S]*<\/svg>\n$/)
    assert.equal(svg.match(/r="3"/g)?.length, 2)
    assert.equal(svg.match(/stroke-opacity="0.5"/g)?.length, 6)
    assert.doesNotMatch(svg, /NaN|Infinity/)
  })

  test('the picture of nothing measured is one too', () => {
    const empty = { ...result('better'), pairs: [], comparison: undefined, trials: [] }
    assert.doesNotMatch(tunePlot(tuneReport(empty, facts), throughput), /NaN|Infinity/)
  })
})

describe('scores of runs', () => {
  const ran: SampleRun = {
    events: 1000,
    seconds: 2,
    eventsPerSecond: 500,
    cpuSecondsPerMillion: 0.25,
    maxResidentMiB: 100,
    cuts: 3,
    late: 0,
    bad: 0,
    dropped: 0,
    delaysMs: { p50: 50, p99: 80, max: 90 },
    behindMs: 20,
    verified: undefined,
  }

  test('by goal: events a second, CPU, p99', () => {
    assert.equal(measuredBy(throughput, ran, 250).score, 500)
    assert.equal(measuredBy({ name: 'cpu', rate: 500 }, ran, 250).score, 4)
    assert.equal(measuredBy({ name: 'latency', rate: 500 }, ran, 250).value, 80)
  })

  test('who does not keep up with the rate is below all that do, by how far', () => {
    const goal: Goal = { name: 'cpu', rate: 500 }
    const behind = { ...ran, behindMs: 2000, cpuSecondsPerMillion: 0.001 }
    const near = measuredBy(goal, { ...behind, eventsPerSecond: 400 }, 250)
    const far = measuredBy(goal, { ...behind, eventsPerSecond: 100 }, 250)
    assert.equal(near.facts?.keptUp, false)
    assert.ok(near.score > far.score && far.score > 0)
    assert.ok(near.score < measuredBy(goal, { ...ran, cpuSecondsPerMillion: 1e6 }, 250).score)
  })

  test('a wrong answer, and none, have failed', () => {
    assert.equal(measuredBy(throughput, { ...ran, verified: false }, 250).score, 0)
    assert.equal(measuredBy(throughput, { ...ran, events: 0 }, 250).score, 0)
  })
})

describe('settings of tune', () => {
  const newDirectory = () => mkdtempSync(join(tmpdir(), 'euphorion-test-'))

  test('--start takes names of settings and of options, and values as they are', () => {
    const settings = readStart('threads=1,batch-bytes=16KiB,commitIntervalMs=10')
    assert.deepEqual(settings, { threads: 1, batchBytes: 16_384, commitIntervalMs: 10 })
  })

  test('--start takes a file', () => {
    const file = join(newDirectory(), 'start.json')
    writeFileSync(file, '{ "threads": 3, "commitIntervalMs": "1s" }')
    assert.deepEqual(readStart(file), { threads: 3, commitIntervalMs: 1000 })
  })

  test('--start refuses what is no setting, no value or no file', () => {
    const refused = (text: string, code: string) =>
      assert.throws(
        () => readStart(text),
        (error: unknown) => error instanceof EuphorionError && error.code === code,
      )
    refused('treads=1', 'USAGE')
    refused('threads=many', 'SETTING_INVALID')
    refused('batchBytes=15KiB', 'SETTING_INVALID')
    refused('threads=1,batchBytes=17MiB', 'SETTING_INVALID')
    refused('nowhere.json', 'USAGE')
  })

  test('what is found joins the other settings of the file', () => {
    const directory = newDirectory()
    const path = join(directory, 'euphorion.config.json')
    assert.equal(writeTuned(directory, { threads: 2 }), path)
    assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), { threads: 2 })
    writeFileSync(path, '{ "broker": "kafka://here", "threads": 1 }')
    writeTuned(directory, { threads: 4, commitIntervalMs: 500 })
    const written = { broker: 'kafka://here', threads: 4, commitIntervalMs: 500 }
    assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), written)
  })

  test('what is found of fetches is written with the adaptation off, as it was measured', () => {
    for (const found of [{ batchBytes: 65_536 }, { fetchesInFlight: 4 }]) {
      const path = writeTuned(newDirectory(), found)
      const written = { ...found, adaptFetches: false }
      assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), written)
    }
  })
})

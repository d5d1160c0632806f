// `euphorion tune` as a program, with little time: what it prints, what it leaves behind, and that
// an app's own topics and groups stay as they were.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { withLog } from '../support/embedded.ts'
import { euphorion, newDirectory, runNode, visitsApp } from '../support/program.ts'

async function tune(t: TestContext, cwd: string, words: string, exitCode = 0) {
  const { code, out, err } = await runNode(t, [euphorion, 'tune', ...words.split(' ')], { cwd })
  assert.equal(code, exitCode, err)
  return { out, err }
}

const states = (): string[] => readdirSync(tmpdir()).filter((name) => /^euphorion-tune-/.test(name))

describe('tune', { timeout: 120_000 }, () => {
  test('a workload: the report as JSON and as files, and nothing is left', async (t) => {
    const cwd = await newDirectory()
    const before = states()
    const words = '--workload w1 --events 20000 --seconds 3 --knobs threads,batchBytes --json'
    const start = '--start threads=1,batchBytes=16KiB --out report'
    const { out, err } = await tune(t, cwd, `${words} ${start}`)
    const { wrote, ...report } = JSON.parse(out)
    assert.equal(report.target, 'w1')
    assert.equal(report.events, 20_000)
    assert.deepEqual(report.start, { threads: 1, batchBytes: 16_384 })
    const [first] = report.candidates
    assert.equal(first.origin, 'start')
    assert.equal(first.runs[0].events, 20_000)
    assert.ok(first.runs[0].value > 0)
    assert.match(err, /halving, \d of 3 s: .*\/s {2}the start/)
    const written = JSON.parse(readFileSync(join(cwd, 'report/report.json'), 'utf8'))
    assert.deepEqual(written, report)
    assert.match(readFileSync(join(cwd, 'report/report.svg'), 'utf8'), /^<svg /)
    assert.equal(existsSync(join(cwd, 'euphorion.config.json')), wrote !== undefined)
    assert.deepEqual(states(), before)
    await withLog(join(cwd, 'euphorion-bench'), {}, async (log) => {
      const names = (await log.topics()).map(({ name }) => name)
      assert.deepEqual(names, ['bench-pageviews-20000-4-8057-none'])
    })
  })

  test('an app, at a rate: its topics are read only, its agents do not run', async (t) => {
    const cwd = await newDirectory()
    await withLog(join(cwd, 'data'), {}, async (log) => {
      await log.createTopic('visits', { partitions: 2 })
      const producer = await log.producer()
      for (const partition of [0, 1]) {
        const records = Array.from({ length: 3000 }, (_, index) => ({
          key: Buffer.from('/a'),
          value: Buffer.from(`{"page":"/a","ms":${index},"at":${1_700_000_000_000 + index}}`),
          timestamp: 1,
        }))
        for (let at = 0; at < records.length; at += 100)
          await producer.append('visits', partition, records.slice(at, at + 100))
      }
    })
    const words = `-A ${visitsApp} --goal cpu --rate 1000 --events 5000 --seconds 2 --dry-run --json`
    const { out } = await tune(t, cwd, words)
    const { target, topics, events, leftOut, candidates } = JSON.parse(out)
    assert.equal(target, 'visits-app')
    assert.deepEqual(topics, ['visits'])
    assert.equal(events, 5000)
    assert.match(leftOut[0], /^agents visits: add --include-agents/)
    const [{ events: counted, keptUp }] = candidates[0].runs
    assert.equal(keptUp, true)
    assert.ok(counted > 0 && counted < 5000)
    assert.doesNotMatch(out, /saw \/a/)
    await withLog(join(cwd, 'data'), {}, async (log) => {
      assert.deepEqual(
        (await log.topics()).map(({ name }) => name),
        ['visits'],
      )
      for (const { latest } of await log.offsets('visits')) assert.equal(latest, 3000)
      assert.equal((await log.committed('visits-app', 'visits')).size, 0)
    })
  })

  test('wrong usage is refused', async (t) => {
    const cwd = await newDirectory()
    const refused = async (words: string, pattern: RegExp): Promise<void> => {
      assert.match((await tune(t, cwd, words, 2)).err, pattern)
    }
    await refused('--goal cpu', /--goal cpu needs --rate/)
    await refused('--rate 100', /--rate is of --goal cpu and latency/)
    await refused('--knobs threads,colour', /no knob colour/)
    await refused('--start treads=1', /no setting treads/)
    const { err } = await tune(t, cwd, '--start batchBytes=8KiB', 1)
    assert.match(err, /SETTING_INVALID/)
    assert.match(err, /batchBytes cannot be "8KiB" \(from --start\).*from 16 KiB to 16 MiB/)
    await refused(`-A ${visitsApp} --workload w1`, /cannot be used with/)
  })
})

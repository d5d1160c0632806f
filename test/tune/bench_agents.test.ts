// `euphorion bench agents` at smoke size on the embedded log: what it prints of each variant, and
// that sums which are not those of the events are told.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { agentVariants } from '../../src/tune/bench_spec.ts'
import { writeViews } from '../../src/tune/bench_topic.ts'
import { PageViews } from '../../src/tune/workload.ts'
import { withLog } from '../support/embedded.ts'
import { euphorion, newDirectory, runNode } from '../support/program.ts'

const EVENTS = 30_000
const limit = { timeout: 120_000 }

test('bench agents reads every event in each variant and checks the sums', limit, async (t) => {
  const cwd = await newDirectory()
  const options = `--events ${EVENTS} --partitions 3 --compression lz4 --threads 1 --runs 2`
  const args = ['bench', 'agents', '--broker', 'embedded:log', '--json', ...options.split(' ')]
  const { code, out, err } = await runNode(t, [euphorion, ...args], { cwd })
  assert.equal(code, 0, err)
  const lines = out
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.deepEqual(
    lines.map(({ variant }) => variant),
    agentVariants,
  )
  const expected = { verified: true, events: EVENTS, partitions: 3, threads: 1, runs: 2 }
  for (const line of lines) {
    for (const [name, value] of Object.entries(expected)) assert.equal(line[name], value, name)
    for (const name of ['seconds', 'eventsPerSecond', 'cpuSecondsPerMillion', 'maxResidentMiB'])
      assert((line[name] as number) > 0, name)
    assert.deepEqual(Object.keys(line.loopDelayMs as object), ['p50', 'p99', 'max'])
  }
  const loop = ['bench', 'agents', '--variant', 'loop', '--events', '5_000']
  const painted = await runNode(t, [euphorion, ...loop], { cwd })
  assert.equal(painted.code, 0, painted.err)
  assert.match(painted.out, /^variant +events\/s[\s\S]*^loop +[\d,]+.*yes\n\n?5,000 events from/m)
})

test('bench agents tells sums that are not those of the events', limit, async (t) => {
  const cwd = await newDirectory()
  await withLog(join(cwd, 'log'), {}, async (log) => {
    // of the right number, but other events: made with another seed
    const topic = 'bench-pageviews-1000-2-8057-none'
    await log.createTopic(topic, { partitions: 2 })
    await writeViews(log, topic, new PageViews({ events: 1000, partitions: 2, seed: 7 }), () => {})
  })
  const options = '--broker embedded:log --events 1000 --partitions 2 --variant loop --json'
  const args = [euphorion, 'bench', 'agents', ...options.split(' ')]
  const { code, out, err } = await runNode(t, args, { cwd })
  assert.equal(code, 1)
  assert.equal((JSON.parse(out) as Record<string, unknown>).verified, false)
  assert.match(err, /The sums of what was read are not those of what was written/)
})

// `euphorion bench pageviews`, `euphorion tune` and the bench of W0–W3 on a real Kafka, at smoke
// size.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { openLog } from '../../src/log/open.ts'
import { useKafka } from '../support/kafka.ts'
import { euphorion, newDirectory, runNode } from '../support/program.ts'
import { smokeBench } from '../support/smoke_bench.ts'

const kafka = await useKafka()
if (kafka) {
  const broker = `kafka://${kafka.brokers}`
  // A number of keys that no other test has: the topic is made here, and taken twice.
  const topic = 'bench-pageviews-20000-3-991-lz4'
  const tuned = 'bench-pageviews-21000-3-991-none-34'
  const inTurns = 'bench-pageviews-22000-4-8057-none'
  after(async () => {
    const log = await openLog(broker)
    for (const each of [topic, tuned, inTurns]) await log.deleteTopic(each)
    await log.close()
    await kafka.stop()
  })

  for (const [workload, options, transport] of [
    ['w1', '--backend all', 'kafka'],
    ['w1', '--transport kafkajs --backend all', 'kafkajs'],
    ['w0', '', 'kafka'],
  ])
    test(`bench pageviews from Kafka, ${workload} ${options}`, { timeout: 120_000 }, async (t) => {
      const made = '--events 20_000 --partitions 3 --keys 991 --compression lz4 --json'
      const line = `bench pageviews --broker ${broker} --workload ${workload} ${made} ${options}`
      const args = [euphorion, ...line.trim().split(' ')]
      const { code, out, err } = await runNode(t, args, { cwd: await newDirectory() })
      assert.equal(code, 0, err)
      const lines = out
        .split('\n')
        .slice(0, -1)
        .map((text) => JSON.parse(text) as Record<string, unknown>)
      const facts = lines.map((each) => [each.backend, each.transport, each.verified, each.topic])
      const expected = options.includes('all') ? ['wasm', 'js'] : ['wasm']
      assert.deepEqual(
        facts,
        expected.map((backend) => [backend, transport, true, topic]),
      )
      assert.equal(lines[0].broker, broker)
    })

  test('tune at a rate: runs are measured, and leave no topics', {
    timeout: 120_000,
  }, async (t) => {
    const line = `--broker ${broker} --events 20_000 --partitions 3 --keys 991 --seconds 3 --json`
    const goal = '--goal latency --rate 5000 --knobs threads,commitIntervalMs --dry-run'
    const args = [euphorion, 'tune', ...`${line} ${goal}`.split(' ')]
    const { code, out, err } = await runNode(t, args, { cwd: await newDirectory() })
    assert.equal(code, 0, err)
    const { topics, candidates } = JSON.parse(out)
    assert.deepEqual(topics, [tuned])
    const [{ p99Ms, events, failure }] = candidates[0].runs
    assert.equal(failure, undefined)
    assert.ok(p99Ms > 0 && events > 0, `p99 ${p99Ms} ms of ${events} events`)
    const log = await openLog(broker)
    t.after(() => log.close())
    const names = (await log.topics()).map(({ name }) => name)
    assert.deepEqual(
      names.filter((name) => name.startsWith('tune-')),
      [],
    )
  })

  test('W0 to W3 run in turns on both logs', { timeout: 240_000 }, async () => {
    const args = ['--only', 'workloads', '--events', '22000', '--broker', kafka.brokers]
    const { rows } = await smokeBench('streams/streams', args)
    const rates = rows.filter(({ unit }) => unit === 'events/s')
    const fromKafka = rates.filter(({ facts }) => facts.Kafka !== undefined)
    assert.deepEqual([rates.length, fromKafka.length], [11, 5])
    for (const row of fromKafka)
      assert.deepEqual([row.case.endsWith(', Kafka'), row.facts.events], [true, 22_000])
  })
}

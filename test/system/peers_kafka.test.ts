// The comparison with other engines on a real Kafka, at smoke size, with what is there: answers are
// right. Nothing is fetched.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { readRows } from '../../bench/peers/results.ts'
import type { StreamRow } from '../../bench/peers/streams/rows.ts'
import { openLog } from '../../src/log/open.ts'
import { useKafka } from '../support/kafka.ts'
import { newDirectory, runNode } from '../support/program.ts'

const kafka = await useKafka()
if (kafka) {
  const { brokers } = kafka
  // a number of events that no other test has: the topic is made here
  const events = 4100
  after(async () => {
    const log = await openLog(`kafka://${brokers}`)
    await log.deleteTopic(`bench-pageviews-${events}-4-8057-none`)
    await log.close()
    await kafka.stop()
  })

  test('W1 by Euphorion and by peers: every answer is right', { timeout: 240_000 }, async (t) => {
    const directory = await newDirectory()
    const out = join(directory, 'rows.json')
    const program = join(import.meta.dirname, '../../bench/peers/peers.js')
    const options = `--smoke --only w1 --peers kafkajs,kafka-streams --events ${events}`
    const args = [program, ...options.split(' '), '--broker', brokers, '--out', out]
    const { code, out: printed, err } = await runNode(t, args, { cwd: directory })
    assert.equal(code, 0, err)
    const rows = readRows<StreamRow>(out)
    // what is not here has said so; anything else that was left out has failed
    const isMissing = /^kafka-streams, w1\n {2}left out: (there is no javac|its jars are not)/m
    const both = ['at_least_once', 'exactly_once']
    const expected = [
      ...both.map((guarantee) => ['euphorion', guarantee]),
      ...(isMissing.test(err) ? [] : both.map((guarantee) => ['kafka-streams', guarantee])),
      ['kafkajs', 'at_least_once'],
    ]
    assert.deepEqual(
      rows.map(({ peer, guarantee }) => [peer, guarantee]),
      expected,
      err,
    )
    for (const { identical, consumed, peer, perSecond } of rows) {
      assert.ok(identical && perSecond > 0, `${peer}: ${err}`)
      if (peer !== 'kafka-streams') assert.equal(consumed, events, peer)
    }
    const answers = printed.split('\n').filter((line) => / (right|WRONG) \|$/.test(line))
    assert.equal(answers.length, rows.length, printed)
    for (const line of answers) assert.match(line, /\| right \|$/)
  })
}

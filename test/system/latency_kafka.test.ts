// The bench of latency on a real Kafka, small: the producer, the worker and the consumer of its
// output are processes of their own.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { openLog } from '../../src/log/open.ts'
import { useKafka } from '../support/kafka.ts'
import { smokeBench } from '../support/smoke_bench.ts'

const kafka = await useKafka()
if (kafka) {
  after(() => kafka.stop())

  test('latency up to the output, and nothing of the run stays', {
    timeout: 120_000,
  }, async (t) => {
    const { brokers } = kafka
    const { rows } = await smokeBench('latency/latency', ['--broker', brokers, '--only', 'output'])
    const onKafka = rows.filter(({ group }) => group.endsWith('Kafka'))
    assert.deepEqual(
      onKafka.map((row) => row.case),
      ['', ', exactly once'].flatMap((exact) =>
        ['p50', 'p99', 'p99.9'].map((name) => `2k/s, cuts 20 ms${exact}: ${name}`),
      ),
    )
    const log = await openLog(`kafka://${brokers}`)
    t.after(() => log.close())
    const left = (await log.topics()).filter(({ name }) => name.startsWith('bench-latency-'))
    assert.deepEqual(left, [])
  })
}

// The bench of failovers on a real Kafka, at smoke size: it fails where a count is wrong.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { useKafka } from '../support/kafka.ts'
import { smokeBench } from '../support/smoke_bench.ts'

const kafka = await useKafka()
if (kafka) {
  after(() => kafka.stop())

  test('a worker that is killed, and one that is stopped, leave every count right', async () => {
    const only = ['--only', 'failover', '--broker', kafka.brokers]
    const { rows } = await smokeBench('recovery/recovery', only)
    assert.deepEqual(
      rows.map(({ group, case: name }) => `${group}: ${name}`),
      ['killed', 'stopped'].map(
        (how) =>
          `A worker is ${how}, until the other has new results: standby, 1,000 rows, session of 6 s`,
      ),
    )
  })
}

// A worker with partitions that have nothing to read costs a real Kafka and itself little. At full
// size: long/idle_kafka.test.ts.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { inDirectory } from '../support/crash_lives.ts'
import { measureIdle } from '../support/idle_load.ts'
import { useKafka } from '../support/kafka.ts'

const loadMost = 0.05

const kafka = await useKafka()
if (kafka) {
  after(() => kafka.stop())

  test('an idle worker with many partitions takes less than a twentieth of a core', (t) =>
    inDirectory(async (directory) => {
      const size = { topics: 10, partitions: 16, seconds: 3 }
      const { startMs, load } = await measureIdle(kafka.brokers, size, directory)
      t.diagnostic(`started in ${Math.round(startMs)} ms; ${(100 * load).toFixed(1)} % of a core`)
      assert.ok(load < loadMost, `${load}`)
    }))
}

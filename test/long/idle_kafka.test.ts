// One worker with 1,600 partitions of a real Kafka and nothing to read in them: it takes less than
// a twentieth of a core.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { inDirectory } from '../support/crash_lives.ts'
import { measureIdle } from '../support/idle_load.ts'
import { useKafka } from '../support/kafka.ts'

const loadMost = 0.05

const kafka = await useKafka()
if (kafka) {
  after(() => kafka.stop())

  test('100 topics with 16 partitions each cost an idle worker little', (t) =>
    inDirectory(async (directory) => {
      const size = { topics: 100, partitions: 16, seconds: 20 }
      const { startMs, startLoad, load } = await measureIdle(kafka.brokers, size, directory)
      const percent = (of: number): string => `${(100 * of).toFixed(1)} % of a core`
      t.diagnostic(`started in ${Math.round(startMs)} ms with ${percent(startLoad)}`)
      t.diagnostic(`idle: ${percent(load)}`)
      assert.ok(load < loadMost, percent(load))
    }))
}

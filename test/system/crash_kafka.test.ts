// Workers that aggregate page views of a real Kafka through kafkajs are killed with kill -9 in the
// middle of batches and of cuts, ten times in a row; no cell is wrong.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { PageViewOptions } from '../../src/tune/workload.ts'
import type { CrashJob } from '../support/crash_app.ts'
import { assertW1 } from '../support/crash_checks.ts'
import { fillTopic, inDirectory } from '../support/crash_lives.ts'
import { tryCrashes } from '../support/crash_trial.ts'
import { type FaultOptions, runWithFaults } from '../support/fault_engine.ts'
import { useKafka } from '../support/kafka.ts'
import { unique } from '../support/log.ts'

const kafka = await useKafka()
if (kafka) {
  after(() => kafka.stop())
  const broker = `kafka://${kafka.brokers}`
  /** A group waits so long for a member that was killed; 6 s is the least of usual brokers. */
  const sessionTimeoutMs = process.env.KAFKA_BROKERS ? 6000 : 1000

  test('W1 on Kafka: after ten times kill -9 every cell is exact', (t) =>
    inDirectory((directory) =>
      tryCrashes(t, directory, {
        broker,
        kills: 10,
        views: { events: 200_000, batchRecords: 500, seed: 21 },
        tables: ['w1'],
        settings: { sessionTimeoutMs },
      }),
    ))

  /** Runs W1 with faults; every cell is exact. */
  const expectExact = (task: FaultOptions['task']): Promise<void> =>
    inDirectory(async (directory) => {
      const views: PageViewOptions = { events: 60_000, batchRecords: 250, seed: 22 }
      const topic = unique('page-views')
      const ends = await fillTopic(broker, topic, views)
      const settings = { broker, sessionTimeoutMs, threads: 2, batchBytes: '64KiB' }
      const job: CrashJob = {
        appId: unique('faults'),
        topic,
        ends,
        tables: ['w1'],
        settings: { ...settings, laneRetries: 100 },
      }
      const { lines, failures, logged } = await runWithFaults({ directory, job, task })
      assert.deepEqual(failures, [])
      assert.deepEqual(logged, [])
      assertW1(lines, views, 'on Kafka')
    })

  test('lanes on Kafka that fail go back, and every cell is exact', async () => {
    let tasks = 0
    await expectExact(() => (++tasks % 20 === 0 ? new Error('unreachable') : undefined))
    assert.ok(tasks > 40)
  })

  test('a worker that stood still for longer than its session goes on, and every cell is exact', async () => {
    let tasks = 0
    await expectExact(() => {
      const still = new Int32Array(new SharedArrayBuffer(4))
      if (++tasks % 30 === 0 && tasks < 100) Atomics.wait(still, 0, 0, 2 * sessionTimeoutMs)
      return undefined
    })
    assert.ok(tasks > 30)
  })
}

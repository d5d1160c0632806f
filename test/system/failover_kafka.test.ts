// A worker that is killed is replaced by those that have copies of its state, and static workers
// that are restarted take up what they had: everything is exact, and the diagnostics say how long it
// took. With bounds in long/state.test.ts.
import { after, test } from 'node:test'
import { canStartKafka, startKafka } from '../support/kafka.ts'
import { runFailovers, runRollingRestarts } from '../support/state_failover.ts'

if (await canStartKafka()) {
  const kafka = await startKafka()
  after(() => kafka.stop())

  const size = { seed: 7, partitions: 4, rate: 1000, times: 1 }

  for (const guarantee of ['at_least_once', 'exactly_once'] as const)
    test(`a copy takes over from a worker that is killed, ${guarantee}`, async (t) => {
      const tell = (line: string) => t.diagnostic(line)
      const settings = { standbyReplicas: 1 }
      await runFailovers({ kafka, guarantee, workers: 2, settings, tell, ...size })
    })

  test('static workers that are restarted take up what they had', async (t) => {
    const tell = (line: string) => t.diagnostic(line)
    await runRollingRestarts({ kafka, guarantee: 'exactly_once', workers: 2, tell, ...size })
  })
}

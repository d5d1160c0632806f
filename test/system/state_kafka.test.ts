// Tables outlive their machines: workers of an app that counts are killed, stopped, robbed of their
// data and restarted, and so is the broker; every count is exact afterwards, and with exactly_once
// the output too. At length in long/state.test.ts.
import { after, test } from 'node:test'
import { canStartKafka, startKafka } from '../support/kafka.ts'
import { runStateTrial } from '../support/state_trial.ts'

if (await canStartKafka()) {
  const kafka = await startKafka()
  after(() => kafka.stop())

  for (const guarantee of ['at_least_once', 'exactly_once'] as const)
    test(`state is exact after faults, ${guarantee}`, async (t) => {
      const tell = (line: string) => t.diagnostic(line)
      await runStateTrial({ kafka, guarantee, seed: 7, faults: 4, rate: 2000, tell })
    })
}

// Every combination of the matrix of settings on a million events (hours; EUPHORION_TEST_EVENTS for
// fewer), on the embedded log and on a real Kafka. The short suite has every pair
// (test/system/matrix.test.ts).
import { test } from 'node:test'
import { inDirectory } from '../support/embedded.ts'
import { useKafka } from '../support/kafka.ts'
import { expectMixed, factors, MatrixPlace, millionMixed, programNames } from '../support/matrix.ts'
import { product } from '../support/pairwise.ts'

const kafka = await useKafka()
const events = Number(process.env.EUPHORION_TEST_EVENTS ?? millionMixed.events)
const mixed = { ...millionMixed, events }
const expected = expectMixed(mixed, programNames)

for (const log of factors.log) {
  if (log === 'kafkajs' && kafka === undefined) continue
  test(`the rows of ${events.toLocaleString('en')} events with all settings, ${log}`, async (t) => {
    t.after(() => (log === 'kafkajs' ? kafka?.stop() : undefined))
    await inDirectory(async (cwd) => {
      const broker = log === 'kafkajs' ? `kafka://${kafka!.brokers}` : `embedded:${cwd}/log`
      const place = new MatrixPlace(cwd, broker, mixed)
      const cases = product({ ...factors, log: [log] as const })
      for (const compression of factors.compression)
        await place.withTopics([compression], () =>
          place.checkCases(
            t,
            cases.filter((each) => each.compression === compression),
            expected,
          ),
        )
    })
  })
}

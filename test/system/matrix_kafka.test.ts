// The printed rows of the main job on a real Kafka through kafkajs equal the naive reference's, for
// every pair of settings and kinds of window; and for a million events.
import { after, test } from 'node:test'
import { inDirectory } from '../support/embedded.ts'
import { useKafka } from '../support/kafka.ts'
import {
  expectMixed,
  factors,
  MatrixPlace,
  millionMixed,
  pairs,
  programNames,
  smallMixed,
} from '../support/matrix.ts'

const kafka = await useKafka()
if (kafka) {
  after(() => kafka.stop())
  const broker = `kafka://${kafka.brokers}`

  test('the rows of every pair of settings, from Kafka', async (t) => {
    await inDirectory(async (cwd) => {
      const place = new MatrixPlace(cwd, broker, smallMixed)
      const expected = expectMixed(smallMixed, programNames)
      const cases = pairs.filter((each) => each.log === 'kafkajs')
      await place.withTopics(factors.compression, () => place.checkCases(t, cases, expected))
    })
  })

  test('the rows of a million events, from Kafka', async (t) => {
    await inDirectory(async (cwd) => {
      const place = new MatrixPlace(cwd, broker, millionMixed)
      const expected = expectMixed(millionMixed, ['tumbling-grace', 'uneven'])
      const settings = ['--threads', '2', '--backend', 'wasm']
      await place.withTopics(['none'], () => place.check(t, 'million', 'none', settings, expected))
    })
  })
}

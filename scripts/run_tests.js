// Runs compiled test files beside one shared Kafka; called by test.js and test_long.js.
import { readdirSync } from 'node:fs'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { useKafka } from '../dist/test/support/kafka.js'

/** The compiled test files whose path has every one of `words`. */
export function testFiles({ long, words = [] }) {
  return readdirSync('dist/test', { recursive: true })
    .map((file) => `dist/test/${file}`)
    .filter((file) => file.endsWith('.test.js') && file.startsWith('dist/test/long/') === long)
    .filter((file) => words.every((word) => file.includes(word)))
    .sort()
}

/** Runs them with totals in the terminal; `watch` sees the events. Resolves with the exit code. */
export async function runTests(files, { concurrency, watch }) {
  const kafka = await useKafka()
  if (kafka) process.env.KAFKA_BROKERS = kafka.brokers
  else process.env.EUPHORION_TEST_KAFKA = 'left-out'
  try {
    let failed = files.length === 0
    const events = run({ files, concurrency })
    events.on('test:fail', () => {
      failed = true
    })
    watch?.(events)
    const report = events.compose(spec)
    report.pipe(process.stdout)
    await new Promise((resolve, reject) => report.once('end', resolve).once('error', reject))
    return failed ? 1 : 0
  } finally {
    await kafka?.stop()
  }
}

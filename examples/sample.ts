// The first program: two timers send readings, an agent prints them until Ctrl+C.
//   npx euphorion worker -A sample.ts --broker embedded:./data   # no Kafka: the log is a directory
//   npx euphorion worker -A sample.ts                            # the Kafka on this machine
// In a clone of Euphorion: node dist/examples/sample.js worker --broker embedded:./data
import { App, float64, record, string } from 'euphorion'

export const app = new App('sample', { broker: 'kafka://localhost' })

const Reading = record('Reading', { id: string(), value: float64() })
const readings = app.topic('sample-topic', { value: Reading })

app.agent(readings, async (stream) => {
  for await (const reading of stream) console.log(`Got ${reading.id}: ${reading.value}`)
})
app.timer('producer 1', '1s', () =>
  readings.send({ value: { id: 'producer 1', value: Math.random() * 2 } }),
)
app.timer('producer 2', '2s', ({ app }) =>
  app.send('sample-topic', { value: { id: 'producer 2', value: Math.random() * 5 } }),
)

await app.main(import.meta)

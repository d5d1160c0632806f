// Temperature probes, each its own producer: the coldest, the warmest and the mean of ten seconds,
// counted in the kernels; and an alarm, event by event.
//   npx euphorion worker -A probes.ts               # until Ctrl+C
//   npx euphorion table by-probe -A probes.ts
// In a clone of Euphorion: node dist/examples/probes.js worker
import { App, count, float64, max, mean, min, record, string, timestamp, tumbling } from 'euphorion'

// With a Kafka: --broker kafka://localhost:9092
export const app = new App('probes', { broker: 'embedded:./data' })

const Reading = record('Reading', { probe: string(), celsius: float64(), at: timestamp() })
const readings = app.topic('readings', { key: string(), value: Reading, keyedBy: 'probe' })

const byProbe = app
  .stream(readings)
  .keyBy('probe')
  .time('at')
  .window(tumbling('10s', { grace: '2s' }))
  .aggregate('by-probe', (r) => ({
    readings: count(),
    coldest: min(r.celsius),
    warmest: max(r.celsius),
    mean: mean(r.celsius),
  }))

app.agent(readings, async function alarm(stream) {
  for await (const { probe, celsius } of stream.filter((reading) => reading.celsius > 29))
    console.log(`${probe} is hot: ${celsius.toFixed(1)} °C`)
})

for (const [index, probe] of ['cellar', 'roof', 'oven'].entries())
  app.timer(`probe ${probe}`, `${100 + 20 * index}ms`, () => {
    const celsius = 10 + 10 * index + (Math.random() - 0.5) * 4
    return readings.send({ value: { probe, celsius, at: Date.now() } })
  })

app.timer('report', '1s', async () => {
  for (const probe of ['cellar', 'roof', 'oven']) {
    const row = await byProbe.get(probe)
    if (row?.mean != null) console.log(`${probe}: ${row.mean.toFixed(1)} °C of ${row.readings}`)
  }
})

await app.main(import.meta)

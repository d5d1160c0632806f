// Clicks of the last hour and of the last day, by link: two tables of windows that an agent writes
// event by event, each event in all windows that hold it.
//   npx euphorion worker -A clicks.ts                # until Ctrl+C
//   npx euphorion table clicks-of-the-hour -A clicks.ts
// In a clone of Euphorion: node dist/examples/clicks.js worker
import { App, integer, record, string, timestamp } from 'euphorion'

// With a Kafka: --broker kafka://localhost:9092
export const app = new App('clicks', { broker: 'embedded:./data' })

const Click = record('Click', { link: string(), at: timestamp() })
const clicks = app.topic('clicks', { key: string(), value: Click, keyedBy: 'link' })

const counts = { key: string(), value: integer(), default: 0 }
// The last 60 minutes, in steps of one; the last 24 hours, in steps of an hour.
const hour = app
  .table('clicks-of-the-hour', counts)
  .hopping('60m', '1m', { expires: '1h' })
  .relativeToField<{ at: number }>('at')
const day = app
  .table('clicks-of-the-day', counts)
  .hopping('24h', '1h', { expires: '1d' })
  .relativeToField<{ at: number }>('at')

let printed = 0
app.agent(clicks, async (stream) => {
  for await (const { link, at } of stream) {
    await hour.update(link, (n) => n + 1)
    await day.update(link, (n) => n + 1)
    if (at < printed + 3_600_000) continue
    printed = at
    // Of the windows that hold this moment the first has all of the hour before it, to a minute.
    const [lastHour] = await hour.windows(link, { at })
    const [lastDay] = await day.windows(link, { at })
    const time = new Date(at).toISOString()
    console.log(`${time} ${link}: ${lastHour.value} in an hour, ${lastDay.value} in a day`)
  }
})

// A day of clicks in a second: each is a minute and a half after the one before.
let at = Date.now() - 24 * 3_600_000
app.timer('visitors', '10ms', async () => {
  for (let count = 0; count < 10; count++) {
    const link = ['/buy', '/more', '/contact'][Math.floor(Math.random() ** 2 * 3)]
    at = Math.min(at + 90_000, Date.now())
    await clicks.send({ value: { link, at } })
  }
})

await app.main(import.meta)

// Purchases by country, from a topic that is keyed by customer: groupBy sends each event to the
// worker that has its country. Start it twice, and the workers share both topics.
//   npx euphorion worker -A group_by.ts --broker kafka://localhost:9092    # in two terminals
//   npx euphorion table by-country -A group_by.ts
// In a clone of Euphorion: node dist/examples/group_by.js worker
import { App, integer, literal, record, string } from 'euphorion'

// With a Kafka: --broker kafka://localhost:9092
export const app = new App('group-by', { broker: 'embedded:./data' })

const Purchase = record('Purchase', {
  customer: string(),
  country: literal('DE', 'FR', 'US'),
  cents: integer(),
})
const purchases = app.topic('purchases', { key: string(), value: Purchase, keyedBy: 'customer' })
const byCountry = app.table('by-country', { key: string(), value: integer(), default: 0 })

app.agent(purchases, async function addUp(stream) {
  for await (const { country, cents } of stream.groupBy('country'))
    await byCountry.update(country, (sum) => sum + cents)
})

// A hundred purchases of known sums; then the worker only waits for those of others.
app.task('customers', async ({ sleep }) => {
  const countries = ['DE', 'FR', 'US'] as const
  for (let number = 0; number < 100; number++) {
    const value = { customer: `c${number % 7}`, country: countries[number % 3], cents: number }
    await purchases.send({ value })
    await sleep('10ms')
  }
})

app.timer('report', '500ms', async () => {
  const sums = await Promise.all(['DE', 'FR', 'US'].map((country) => byCountry.get(country)))
  console.log(`DE ${sums[0]}, FR ${sums[1]}, US ${sums[2]}`)
})

await app.main(import.meta)

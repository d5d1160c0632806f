// An agent that is asked, and answers: prices of orders. A timer asks for one order, another for
// several at once. What asks may be any other program: see docs/agents.md.
//   npx euphorion worker -A ask_reply.ts            # until Ctrl+C
// In a clone of Euphorion: node dist/examples/ask_reply.js worker
import { App, float64, integer, record, string } from 'euphorion'

// With a Kafka: --broker kafka://localhost:9092
export const app = new App('ask-reply', { broker: 'embedded:./data' })

const Order = record('Order', { item: string(), count: integer() })
const prices: Record<string, number> = { tea: 3.5, coffee: 4, cake: 5.25 }

// Its topic is its own: ask-reply-price. What it yields for an order is the reply to it.
export const price = app.agent(
  async function* price(stream) {
    for await (const { item, count } of stream) yield (prices[item] ?? 0) * count
  },
  { value: Order, reply: float64() },
)

app.timer('one', '500ms', async () => {
  const total = await price.ask({ item: 'tea', count: 3 }, { timeout: '5s' })
  console.log(`3 tea: ${total}`)
})

app.timer('many', '700ms', async () => {
  const orders = Object.keys(prices).map((item) => ({ item, count: 2 }))
  const totals = await price.join(orders)
  console.log(`2 of each: ${totals.join(' + ')}`)
})

await app.main(import.meta)

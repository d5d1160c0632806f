// Orders as typed records: records inside records, choices, decimals. What is no order goes to the
// dead letters; an order that fails is tried again, and then put aside.
//   npx euphorion worker -A orders.ts                 # until Ctrl+C
//   npx euphorion models Order -A orders.ts
//   npx euphorion send orders '{"id":"x"}' -A orders.ts   # is refused: it says which field
// In a clone of Euphorion: node dist/examples/orders.js worker
import { App, array, date, decimal, integer, literal, optional, record, string } from 'euphorion'

// With a Kafka: --broker kafka://localhost:9092
export const app = new App('orders', { broker: 'embedded:./data' })

const Line = record('Line', { sku: string(), count: integer(), price: decimal() })
const Order = record('Order', {
  id: string(),
  customer: string(),
  country: literal('DE', 'FR', 'US'),
  lines: array(Line),
  note: optional(string()),
  at: date(),
})
const orders = app.topic('orders', { key: string(), value: Order, keyedBy: 'customer' })
const spent = app.table('spent', { key: string(), value: decimal(), default: '0' })

/** In cents, so that nothing is rounded. */
const cents = (price: string): bigint => {
  const [whole, part = ''] = price.split('.')
  return BigInt(whole) * 100n + BigInt(part.padEnd(2, '0'))
}
const money = (amount: bigint): string => `${amount / 100n}.${`${amount % 100n}`.padStart(2, '0')}`

app.agent(
  orders,
  async function addUp(stream) {
    for await (const order of stream) {
      const total = order.lines.reduce(
        (sum, line) => sum + BigInt(line.count) * cents(line.price),
        0n,
      )
      const all = await spent.update(order.customer, (before) => money(cents(before) + total))
      console.log(
        `${order.id} of ${order.customer} (${order.country}): ${money(total)}, in all ${all}`,
      )
    }
  },
  { retry: { attempts: 3, backoff: '100ms' }, onError: 'dead-letter' },
)

let number = 0
app.timer('customers', '200ms', () => {
  const customer = ['ann', 'ben', 'cleo'][number % 3]
  const lines = [{ sku: 'tea', count: 1 + (number % 4), price: '3.50' }]
  return orders.send({
    value: { id: `order ${++number}`, customer, country: 'FR', lines, at: new Date() },
  })
})

await app.main(import.meta)

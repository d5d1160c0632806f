// An app with one of everything that commands list and draw; nobody runs it. Used by
// cli/look.test.ts.
import {
  App,
  array,
  count,
  float64,
  literal,
  optional,
  record,
  string,
  timestamp,
  tumbling,
} from '../../src/index.ts'

export const app = new App('shop', { broker: 'embedded:./data' })

const Item = record('Item', { sku: string(), price: float64() })
const Order = record('Order', {
  id: string(),
  items: array(Item),
  note: optional(string()),
  state: literal('new', 'paid'),
  at: timestamp(),
})
const orders = app.topic('orders', { key: string(), value: Order, keyedBy: 'id' })
const mails = app.topic<string>('mails')

app.agent(
  orders,
  async function* mailer(stream) {
    for await (const order of stream) yield order.id
  },
  { sink: mails, concurrency: 2 },
)
app.agent(mails, async function post(stream) {
  for await (const _ of stream);
})
app.table('stock', { key: string(), value: float64(), default: 0 })

const perMinute = app
  .stream(orders)
  .keyBy('id')
  .time('at')
  .window(tumbling('1m', { grace: '5s' }))
  .aggregate('per-minute', () => ({ orders: count() }))
perMinute.changes().to(app.topic('totals'))
perMinute.late().to(app.topic('late-orders'))
app.timer('restock', '5s', () => undefined)

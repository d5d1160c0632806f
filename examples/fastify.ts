// Inside a server of your own: Fastify takes orders, the app counts them in the same process and
// answers for its table. Needs `npm install fastify`.
//   npx tsx fastify.ts 8080                   # until Ctrl+C
//   curl -X POST localhost:8080/orders/tea    # then: curl localhost:8080/orders/tea
// In a clone of Euphorion: node dist/examples/fastify.js 8080
import { App, integer, record, string } from 'euphorion'
import Fastify from 'fastify'

// With a Kafka: EUPHORION_BROKER=kafka://localhost:9092
export const app = new App('shop', { broker: 'embedded:./data' })

const Order = record('Order', { item: string() })
const orders = app.topic('shop-orders', { key: string(), value: Order, keyedBy: 'item' })
const sold = app.table('sold', { key: string(), value: integer(), default: 0 })
app.agent(orders, async (stream) => {
  for await (const { item } of stream) await sold.update(item, (n) => n + 1)
})

const server = Fastify()
server.post<{ Params: { item: string } }>('/orders/:item', async ({ params }, reply) => {
  const { partition, offset } = await orders.send({ value: { item: params.item } })
  return reply.code(201).send({ partition, offset: Number(offset) })
})
server.get<{ Params: { item: string } }>('/orders/:item', async ({ params: { item } }) => {
  return { item, sold: await sold.get(item) }
})

await app.start()
const address = await server.listen({ port: Number(process.argv[2] ?? 0) })
console.log(`shop at ${address}`)

for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, async () => {
    await server.close()
    await app.stop()
  })

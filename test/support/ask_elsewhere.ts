// A client in a process of its own, for app/ask.test.ts: asks an agent of the worker that has the
// embedded log open.
import { App, json } from '../../src/index.ts'

const client = new App('elsewhere', { broker: process.argv[2], logLevel: 'silent' })
const half = client.agent(
  'numbers',
  async function* half(stream) {
    for await (const value of stream) yield value / 2
  },
  { value: json<number>(), partitions: 2 },
)
const halves = await half.join([2, 4, 6])
console.log(halves.join(' '))
await client.stop()

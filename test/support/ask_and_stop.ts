// A program that asks as a client, for app/ask.test.ts: a worker of its own answers, and nothing
// keeps the process when both have stopped.
import { App, json } from '../../src/index.ts'

const options = { broker: 'embedded:./data', logLevel: 'silent', web: false } as const

function declare(app: App) {
  return app.agent(
    'numbers',
    async function* half(stream) {
      for await (const value of stream) yield value / 2
    },
    { value: json<number>(), partitions: 1 },
  )
}

const worker = new App('worker', options)
declare(worker)
await worker.start()
const client = new App('client', options)
// no startClient(): the first ask does it
console.log(`half: ${await declare(client).ask(42)}`)
await client.stop()
await worker.stop()

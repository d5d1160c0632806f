// A program that has an app inside, for app/lifecycle.test.ts: starts and stops it twice, prints
// what is left of it, and ends by itself, since nothing keeps it.
import { App, count, string, text, tumbling } from '../../src/index.ts'

const app = new App('inside', { broker: 'embedded:./data', logLevel: 'silent' })
const words = app.topic('words', { key: string(), value: text(), partitions: 2 })
let seen = 0
app.agent(words, async (stream) => {
  for await (const _ of stream) seen++
})
const perWord = app
  .stream(words)
  .window(tumbling('1m'))
  .aggregate('per-word', () => ({ n: count() }))
app.timer('often', '1ms', () => undefined)

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'uncaughtException', 'unhandledRejection', 'exit']
const listeners = (): string => signals.map((name) => process.listenerCount(name)).join(' ')
const before = listeners()
for (const run of [1, 2]) {
  await app.start()
  if (listeners() !== before) console.log(`listeners while it runs: ${listeners()}`)
  await words.send({ key: 'a', value: 'x' })
  while (seen < run || (await perWord.get('a'))?.n !== run) {
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await app.stop()
}
if (listeners() !== before) console.log(`listeners afterwards: ${listeners()}`)
console.log(`seen ${seen}`)

// A worker that stops itself, or fails where FAILS is set. For app/lifecycle.test.ts.
import { App, text } from '../../src/index.ts'

export const app = new App('ends-itself', { broker: 'embedded:./data', logLevel: 'silent' })
const topic = app.topic('ends', { value: text(), partitions: 1 })

app.agent(topic, async (stream) => {
  for await (const _ of stream) {
    if (process.env.FAILS) throw new Error('on purpose')
    console.log('stopping')
    void app.stop()
  }
})

let sent = false
app.timer('once', '10ms', async () => {
  if (!sent) await topic.send({ value: 'end' })
  sent = true
})

await app.main(import.meta)

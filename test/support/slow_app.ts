// An app whose agent takes its time, for tests of signals: each job is printed when it begins and
// when it is finished; 'hang' never is.
import { App, count, text } from '../../src/index.ts'

export const app = new App('slow-app', { broker: 'embedded:./data' })

const jobs = app.topic('jobs', { key: text(), value: text(), partitions: 1 })

app.agent(jobs, async (stream) => {
  for await (const job of stream) {
    console.log(`began ${job}`)
    if (job === 'hang') await new Promise(() => undefined)
    await new Promise((resolve) => setTimeout(resolve, 300))
    console.log(`finished ${job}`)
  }
})

app.stream(jobs).aggregate('jobs-per-key', () => ({ jobs: count() }))

app.timer('watch', '10ms', async ({ signal }) => {
  await new Promise((resolve) => signal.addEventListener('abort', resolve))
  console.log('told to stop')
})

process.on('newListener', (event) => {
  if (event === 'SIGINT') console.log('listens to signals')
})

await app.main(import.meta)

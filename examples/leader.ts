// A timer that only one worker of the app runs: the leader. Start it twice, stop the one that
// leads, and the other goes on. Needs a Kafka for that: one embedded log has one worker.
//   npx euphorion worker -A leader.ts --broker kafka://localhost:9092    # in two terminals
// In a clone of Euphorion: node dist/examples/leader.js worker
import { App, text } from 'euphorion'

export const app = new App('leader', { broker: 'embedded:./data' })

const beats = app.topic('beats', { value: text() })

app.timer('beat', '300ms', () => beats.send({ value: `worker ${process.pid}` }), { onLeader: true })

app.onLeader('announce', async ({ signal }) => {
  console.log(`worker ${process.pid} leads`)
  await new Promise((resolve) => signal.addEventListener('abort', resolve))
  console.log(`worker ${process.pid} leads no more`)
})

app.agent(beats, async (stream) => {
  for await (const beat of stream) console.log(`a beat of ${beat}`)
})

await app.main(import.meta)

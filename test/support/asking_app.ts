// Eight agents that are asked in the long test of agents: declared by its workers
// (asking_worker.ts), and by the client that asks them (asking_client.ts).
import { App, type AppOptions, integer, record, string } from '../../src/index.ts'

export const AGENTS = 8
const CONCURRENCY = 4
const PARTITIONS = 4
const ITEMS = 1000

const Question = record('Question', { id: integer(), item: string() })

/** What the question of that number is, and how the agent of that index has to answer it. */
export const questionOf = (id: number) => ({ id, item: `item-${id % ITEMS}` })
export const answerTo = (id: number, agent: number): number => id * AGENTS + agent

/** The last two count items in a table of theirs; the others let a turn pass before they answer. */
export function askingApp(topics: string, appId: string, options: AppOptions) {
  const app = new App(appId, options)
  const agents = Array.from({ length: AGENTS }, (_, index) => {
    const topic = app.topic(`${topics}-${index}`, {
      key: string(),
      value: Question,
      keyedBy: 'item',
      partitions: PARTITIONS,
    })
    const counts =
      index < AGENTS - 2
        ? undefined
        : app.table(`counts-${index}`, { key: string(), value: integer(), default: 0 })
    return app.agent(
      topic,
      async function* answer(stream) {
        for await (const { id, item } of stream) {
          if (counts === undefined) await new Promise((resolve) => setImmediate(resolve))
          else await counts.update(item, (n) => n + 1)
          yield answerTo(id, index)
        }
      },
      { name: `answer-${index}`, concurrency: CONCURRENCY, reply: integer() },
    )
  })
  return { app, agents }
}

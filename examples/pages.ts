// A table on the web: visits are counted by page, and the worker that has a page answers for it.
// The same handlers can be mounted into another server, by app.fetch().
//   npx euphorion worker -A pages.ts --web-port 8080   # until Ctrl+C
//   curl localhost:8080/counts/home                    # meanwhile; also /, /health/ready
//   npx euphorion visit home -A pages.ts               # a command of the program
// In a clone of Euphorion: node dist/examples/pages.js worker --web-port 8080
import { App, integer, readBody, record, string, WebError } from 'euphorion'

// With a Kafka: --broker kafka://localhost:9092
export const app = new App('pages', { broker: 'embedded:./data' })

const Visit = record('Visit', { page: string() })
const visits = app.topic('page-visits', { key: string(), value: Visit, keyedBy: 'page' })
const counts = app.table('counts', { key: string(), value: integer(), default: 0 })

app.agent(visits, async (stream) => {
  for await (const visit of stream) await counts.update(visit.page, (n) => n + 1)
})

app.tableRoute('/counts/:page', { table: counts, key: 'page' }, async ({ req }) => {
  const page = req.param('page')
  if (!(await counts.has(page))) throw new WebError(404, 'nobody was there yet', { page })
  return { page, visits: await counts.get(page) }
})

app.page('/visits', {
  post: async (context) => {
    const { partition, offset } = await visits.send({ value: await readBody(context, Visit) })
    return { partition, offset: Number(offset) }
  },
})

app.command(
  'visit',
  { description: 'be a visitor', arguments: { '<page>': 'of the site' } },
  async ({ args }) => {
    await visits.send({ value: { page: args.page } })
  },
)

app.timer('visitors', '100ms', async () => {
  const pages = ['home', 'prices', 'docs']
  await visits.send({ value: { page: pages[Math.floor(Math.random() * pages.length)] } })
})

await app.main(import.meta)

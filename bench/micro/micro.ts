// Parts of the data plane, one by one: `npm run bench:micro`, `-- --only json,hash`.
import { runBench } from '../report/bench.ts'
import type { MicroPart } from './part.ts'

const parts: readonly MicroPart[] = []
const names = parts.map(({ name }) => name)

await runBench({
  name: 'micro',
  title: 'Parts of the data plane, one by one',
  command: 'npm run bench:micro',
  options: { only: { value: 'NAMES', help: `of ${names.join(', ')}; default all` } },
  async run(context) {
    const { values, say } = context
    const only = typeof values.only === 'string' ? values.only.split(',') : names
    const unknown = only.find((name) => !names.includes(name))
    if (unknown !== undefined) throw new Error(`--only ${unknown}: there are ${names.join(', ')}`)
    for (const { name, run } of parts.filter(({ name }) => only.includes(name))) {
      say(name)
      await run(context)
    }
  },
})

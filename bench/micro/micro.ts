// Parts of the data plane, one by one: `npm run bench:micro`, `-- --only json,hash`.
import { runBench } from '../report/bench.ts'
import { namesOf } from '../support/options.ts'
import { agents } from './agents.ts'
import { codecs } from './codecs.ts'
import { compiled } from './compiled.ts'
import { drain } from './drain.ts'
import { handover } from './handover.ts'
import { hash } from './hash.ts'
import { json } from './json.ts'
import { kernels } from './kernels.ts'
import { lanes } from './lanes.ts'
import type { MicroPart } from './part.ts'
import { store } from './store.ts'
import { wire } from './wire.ts'

const parts: readonly MicroPart[] = [
  wire,
  codecs,
  json,
  hash,
  drain,
  store,
  lanes,
  agents,
  handover,
  kernels,
  compiled,
]
const names = parts.map(({ name }) => name)

await runBench({
  name: 'micro',
  title: 'Parts of the data plane, one by one',
  command: 'npm run bench:micro',
  options: {
    only: { value: 'NAMES', help: `print those of ${names.join(', ')}` },
    threads: { value: 'N', help: 'most threads of lanes (2)' },
    'store-rows': { value: 'N', help: 'keys that are written into stores (200000)' },
  },
  unrecorded: ['only', 'threads', 'store-rows'],
  async run(context) {
    const { say, add } = context
    const only = namesOf(context, 'only', names)
    for (const { name, run } of parts.filter(({ name }) => only.includes(name))) {
      say(name)
      await run({
        ...context,
        add: (figure) => add({ ...figure, group: `${name}: ${figure.group}` }),
      })
    }
  },
})

// Start, restore and failover: `npm run bench:recovery`, `-- --only restore,start`. Kafka is the
// one that --broker names, else one that is started here.
import { join } from 'node:path'
import { runBench } from '../report/bench.ts'
import { Broker } from '../support/broker.ts'
import { namesOf, textOption } from '../support/options.ts'
import { scratchDirectory } from '../support/views.ts'
import { failoverPart } from './failover.ts'
import type { RecoveryPart } from './part.ts'
import { restorePart } from './restore.ts'
import { startPart } from './start.ts'

const parts: readonly RecoveryPart[] = [restorePart, failoverPart, startPart]
const names = parts.map(({ name }) => name)

await runBench({
  name: 'recovery',
  title: 'Start, restore, failover',
  command: 'npm run bench:recovery',
  options: {
    only: { value: 'NAMES', help: `print those of ${names.join(', ')}` },
    rows: { value: 'N', help: 'of large tables (1000000; restore 2000000)' },
    rounds: { value: 'N', help: 'samples of each case (restore 3, failover 3, start 5)' },
    broker: { value: 'HOST', help: 'a Kafka that is there, instead of one that is started here' },
    embedded: { help: 'only what needs no Kafka' },
  },
  unrecorded: ['only', 'rows', 'rounds', 'embedded'],
  async run(context) {
    const { values, say } = context
    const only = namesOf(context, 'only', names)
    const broker = new Broker(textOption(context, 'broker'))
    const directory = scratchDirectory('recovery')
    let isTold = false
    const kafka = async (): Promise<string | undefined> => {
      const addresses = values.embedded === true ? undefined : await broker.addresses()
      if (addresses !== undefined) return `kafka://${addresses}`
      if (!isTold) say('what needs a Kafka is left out')
      isTold = true
      return undefined
    }
    try {
      for (const { name, run } of parts.filter(({ name }) => only.includes(name))) {
        say(name)
        await run({ ...context, directory: join(directory, name), kafka })
      }
    } finally {
      await broker.stop()
    }
  },
})

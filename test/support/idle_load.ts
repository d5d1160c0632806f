// What a worker costs that has many partitions and nothing to read. Used by long/idle_kafka.test.ts.
import { setTimeout } from 'node:timers/promises'
import { App, text } from '../../src/index.ts'
import { openLog } from '../../src/log/open.ts'
import { unique } from './log.ts'

export interface IdleLoad {
  readonly topics: number
  readonly partitions: number
  /** How long it is watched when it has started. */
  readonly seconds: number
}

export interface IdleFigures {
  /** From start() to all partitions assigned. */
  readonly startMs: number
  /** ms of the processor for each ms; of one core, all threads of this process. */
  readonly load: number
  readonly startLoad: number
}

/** An app with an agent on each topic, in this process. */
export async function measureIdle(
  brokers: string,
  { topics, partitions, seconds }: IdleLoad,
  dataDir: string,
): Promise<IdleFigures> {
  const names = Array.from({ length: topics }, () => unique('idle'))
  const log = await openLog(`kafka://${brokers}`)
  for (const name of names) await log.createTopic(name, { partitions })
  await log.close()
  let held = 0
  const note = ({ held: now }: { readonly held?: number }): void => {
    held = now ?? held
  }
  const nothing = (): void => undefined
  const logger = { debug: nothing, info: note, warn: console.warn, error: console.error }
  const app = new App(unique('idle'), { broker: `kafka://${brokers}`, dataDir, logger })
  let seen = 0
  for (const name of names)
    app.agent(app.topic(name, { value: text(), partitions }), async (stream) => {
      for await (const _ of stream) seen++
    })
  const began = { at: performance.now(), cpu: process.cpuUsage() }
  await app.start()
  try {
    while (held < topics * partitions) await setTimeout(5)
    const startMs = performance.now() - began.at
    const startLoad = share(began.cpu, startMs)
    await setTimeout(1000)
    const watched = { at: performance.now(), cpu: process.cpuUsage() }
    await setTimeout(seconds * 1000)
    const load = share(watched.cpu, performance.now() - watched.at)
    if (seen > 0) throw new Error('it was not idle')
    return { startMs, load, startLoad }
  } finally {
    await app.stop()
  }
}

function share(since: NodeJS.CpuUsage, ms: number): number {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1000 / ms
}

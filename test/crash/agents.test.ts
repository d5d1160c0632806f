// Agents that fail at random while they write tables, and whose process is killed with kill -9 in
// the middle: what is tried again counts once, what is left out counts nowhere, and every order is
// either counted or among the dead letters.
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Random, seededRandom } from '../../src/clock.ts'
import type { Log } from '../../src/log/log.ts'
import { openLog } from '../../src/log/open.ts'
import { partitionOfKey } from '../../src/log/partitioner.ts'
import type { SettingsInput } from '../../src/settings.ts'
import { crashSeed, inDirectory } from '../support/crash_lives.ts'
import { readAll } from '../support/embedded.ts'
import { type FailingTopics, failingAgents, isPoison } from '../support/failing_app.ts'
import type { FailingCounts, FailingLife } from '../support/failing_worker.ts'

const ORDERS = 300
const PARTITIONS = 3
const KILLS = 4
/** Each order is attempted at two points by each agent. */
const ATTEMPTS_MAX = (2 * ORDERS * failingAgents.length) / KILLS
const SPINS_MAX = 20_000
const timeout = 180_000

const program = fileURLToPath(new URL('../support/failing_worker.js', import.meta.url))
const topics: FailingTopics = { orders: 'orders', done: 'done' }
const all = Array.from({ length: ORDERS }, (_, id) => String(id)).sort()

/** Resolves with each partition's end. */
async function fill(broker: string): Promise<number[]> {
  const log = await openLog(broker)
  try {
    const batches = Array.from({ length: PARTITIONS }, () => [] as object[])
    for (const id of all) {
      const key = Buffer.from(id)
      const value = Buffer.from(JSON.stringify({ id }))
      batches[partitionOfKey(key, PARTITIONS)].push({ key, value, timestamp: 1000 })
    }
    const producer = await log.producer()
    await log.createTopic(topics.orders, { partitions: PARTITIONS })
    for (const [partition, records] of batches.entries())
      await producer.append(topics.orders, partition, records as never)
    await producer.close()
    return batches.map(({ length }) => length)
  } finally {
    await log.close()
  }
}

async function live(life: FailingLife): Promise<void> {
  const child = fork(program, [JSON.stringify(life)], { timeout, killSignal: 'SIGTERM' })
  const [code, signal] = await once(child, 'close')
  assert.equal(signal ?? code, life.kill === undefined ? 0 : 'SIGKILL', 'another end')
}

/** What is there after so many lives that were killed, and one that was let finish. */
async function killed(life: Omit<FailingLife, 'seed'>, random: Random): Promise<FailingCounts> {
  const newSeed = (): number => Math.floor(random() * 2 ** 32)
  for (let turn = 0; turn < KILLS; turn++) {
    const attempts = Math.ceil(random() * ATTEMPTS_MAX)
    const spins = Math.floor(random() * SPINS_MAX)
    await live({ ...life, seed: newSeed(), kill: { attempts, spins } })
  }
  await live({ ...life, seed: newSeed() })
  return JSON.parse(await readFile(life.output, 'utf8'))
}

/** Ids of the orders in a topic, in order. */
async function idsIn(log: Log, topic: string): Promise<string[]> {
  const ids: string[] = []
  const { partitions } = await log.topic(topic)
  for (let partition = 0; partition < partitions; partition++)
    for (const { value } of await readAll(log, topic, partition))
      ids.push(JSON.parse(Buffer.from(value!).toString()).id)
  return ids.sort()
}

/** Every order that is in a table is there once. */
function countedOnce(counts: FailingCounts, table: string): string[] {
  for (const [id, count] of counts[table]) assert.equal(count, 1, `${table}: ${id}`)
  return counts[table].map(([id]) => id).sort()
}

const distinct = (ids: readonly string[]): string[] => [...new Set(ids)].sort()

for (const guarantee of ['at_least_once', 'exactly_once'] as const)
  test(
    `${guarantee}: agents that fail count exactly after ${KILLS} times kill -9`,
    {
      timeout,
    },
    (t) =>
      inDirectory(async (directory) => {
        const seed = crashSeed()
        t.diagnostic(`seed ${seed}`)
        const broker = `embedded:${join(directory, 'log')}`
        const ends = await fill(broker)
        const settings: SettingsInput = {
          broker,
          guarantee,
          dataDir: join(directory, 'data'),
          commitIntervalMs: '20ms',
          threads: 1,
          memoryMib: 32,
          batchBytes: '64KiB',
          web: false,
          agentBackoffMs: 1,
          agentBackoffMaxMs: 5,
          logLevel: 'silent',
        }
        const output = join(directory, 'counts.json')
        const appId = 'failing'
        const counts = await killed({ appId, topics, ends, settings, output }, seededRandom(seed))
        const log = await openLog(broker)
        const [done, dead] = [
          await idsIn(log, topics.done),
          await idsIn(log, `${appId}-dead-letter`),
        ]
        await log.close()
        const buried = countedOnce(counts, 'burying')
        t.diagnostic(
          `${done.length} sent on, ${dead.length} dead letters, ${buried.length} counted`,
        )
        assert.deepEqual(countedOnce(counts, 'stubborn'), all)
        assert.deepEqual(
          countedOnce(counts, 'skipping'),
          all.filter((id) => !isPoison(id)),
        )
        assert.ok(buried.every((id) => !isPoison(id)))
        // Where they are not exact, a letter of a life that was killed may be there beside the count.
        assert.deepEqual(distinct([...buried, ...dead]), all)
        assert.deepEqual(guarantee === 'exactly_once' ? [...done].sort() : distinct(done), all)
        if (guarantee === 'exactly_once') assert.equal(buried.length + dead.length, ORDERS)
      }),
  )

// Two thousand questions a second to eight agents for three minutes, by a client in a process of
// its own, while every 20 s a third worker joins or leaves: every question is answered once and
// right, nothing is rejected unseen, and the workers' memory stays where it is.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { systemClock } from '../../src/clock.ts'
import type { AskingFigures, Latencies, Span } from '../support/asking_news.ts'
import { AskingProcess } from '../support/asking_process.ts'
import { useKafka } from '../support/kafka.ts'
import { unique } from '../support/log.ts'
import { newDirectory } from '../support/program.ts'

const SECONDS = Number(process.env.EUPHORION_TEST_SECONDS ?? 180)
const RATE = Number(process.env.EUPHORION_TEST_RATE ?? 2000)
const REBALANCE_SECONDS = 20
/** What is later than the last move of partitions by this is no longer part of it. */
const SETTLED_MS = 1000
/** Five processes and a broker compile their code meanwhile: not part of the quiet time either. */
const WARM_MS = 10_000
/** A third of the run is compared with another; what is before the first one is warming up. */
const WARM_PART = 0.1
const THIRD = 1 / 3
/** What garbage collection and stores that open and close make memory go up by. */
const GROWTH_MIB = { residentBytes: 48, heapBytes: 24 } as const
const MIB = 2 ** 20

const kafka = await useKafka()

function settingsOf(directory: string) {
  return {
    broker: `kafka://${kafka!.brokers}`,
    dataDir: directory,
    memoryMib: 32,
    batchBytes: '64 KiB',
    threads: 1,
    web: false,
    logLevel: 'error',
    // whoever waits longer has lost its reply
    replyTimeoutMs: 60_000,
    replyWaitersMax: 200_000,
  } as const
}

class Group {
  readonly appId = unique('answering')
  readonly topics = unique('questions')
  readonly processes: AskingProcess[] = []
  /** When a worker was told to come or to go. */
  readonly ordersMs: number[] = []
  readonly #root: string

  constructor(root: string) {
    this.#root = root
  }

  worker(name: string): AskingProcess {
    const { appId, topics } = this
    const settings = settingsOf(join(this.#root, name))
    return this.#add(AskingProcess.worker(name, { appId, topics, settings }))
  }

  client(): AskingProcess {
    const { topics } = this
    const settings = settingsOf(join(this.#root, 'client'))
    const appId = unique('asking')
    const load = { rate: RATE, seconds: SECONDS }
    return this.#add(AskingProcess.client({ appId, topics, settings, ...load }))
  }

  #add(asking: AskingProcess): AskingProcess {
    this.processes.push(asking)
    return asking
  }

  /** A third worker comes, and goes, in turn; resolves with it where it is there at the end. */
  async disturb(): Promise<AskingProcess | undefined> {
    const beganMs = systemClock.now()
    let third: AskingProcess | undefined
    for (let second = REBALANCE_SECONDS; ; second += REBALANCE_SECONDS) {
      const dueMs = beganMs + Math.min(second, SECONDS) * 1000
      await setTimeout(Math.max(0, dueMs - systemClock.now()))
      if (second >= SECONDS) break
      this.ordersMs.push(systemClock.now())
      if (third === undefined) {
        third = this.worker('third')
        await third.untilWorking()
      } else {
        await third.leave()
        third = undefined
      }
    }
    return third
  }

  /** From each order to the last move behind it. */
  rebalances(): Span[] {
    const moves = this.processes.flatMap((each) => each.told('moved').map(({ atMs }) => atMs))
    return this.ordersMs.map((fromMs, index) => {
      const nextMs = this.ordersMs[index + 1] ?? Number.POSITIVE_INFINITY
      const own = moves.filter((atMs) => atMs >= fromMs && atMs < nextMs)
      return { fromMs, toMs: Math.max(fromMs, ...own) + SETTLED_MS }
    })
  }
}

const describe = (name: string, { count, p50Ms, p99Ms, maxMs }: Latencies): string => {
  const [p50, p99, max] = [p50Ms, p99Ms, maxMs].map((ms) => ms.toFixed(1))
  return `${name}: ${count} answers, p50 ${p50} ms, p99 ${p99} ms, at most ${max} ms`
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
}

/** The last third of its life against the first one. */
function checkMemory(t: TestContext, asking: AskingProcess): void {
  const samples = asking.told('memory')
  const from = Math.floor(samples.length * WARM_PART)
  const size = Math.floor(samples.length * THIRD)
  for (const what of ['residentBytes', 'heapBytes'] as const) {
    const all = samples.map((sample) => Math.round(sample[what] / MIB))
    const [first, last] = [median(all.slice(from, from + size)), median(all.slice(-size))]
    const line = `${asking.name}: ${what} ${first} MiB, then ${last} MiB`
    t.diagnostic(`${line}, at most ${Math.max(...all)} MiB`)
    assert.ok(last - first <= GROWTH_MIB[what], line)
  }
}

function check(
  t: TestContext,
  group: Group,
  rebalances: readonly Span[],
  figures: AskingFigures,
): void {
  const { asked, right, wrong, rejected, unclaimed, quiet, moving } = figures
  const lengths = rebalances.map(({ fromMs, toMs }) => toMs - SETTLED_MS - fromMs)
  t.diagnostic(`${asked} questions in ${SECONDS} s, ${unclaimed} answered once more`)
  t.diagnostic(`${lengths.length} rebalances, from the order to the last move ms: ${lengths}`)
  t.diagnostic(describe('without a rebalance', quiet))
  t.diagnostic(describe('in rebalances, and in the first 10 s', moving))
  const trouble = group.processes.flatMap((each) =>
    each.told('trouble').map(({ text }) => `${each.name}: ${text}`),
  )
  for (const line of trouble) t.diagnostic(line)
  assert.deepEqual(
    { asked, right, wrong, rejected },
    {
      asked: RATE * SECONDS,
      right: RATE * SECONDS,
      wrong: 0,
      rejected: {},
    },
  )
  assert.deepEqual(trouble, [])
}

if (kafka) {
  after(() => kafka.stop())

  test(`eight agents answer ${RATE} questions a second while workers come and go`, async (t) => {
    const group = new Group(await newDirectory())
    t.after(() => Promise.all(group.processes.map((each) => each.kill())))
    const workers = [group.worker('first'), group.worker('second')]
    await Promise.all(workers.map((each) => each.untilWorking()))
    const client = group.client()
    await client.until(({ kind }) => kind === 'asking')
    const warm: Span = { fromMs: 0, toMs: systemClock.now() + WARM_MS }
    const third = await group.disturb()
    const rebalances = group.rebalances()
    client.tellRebalances([warm, ...rebalances])
    await client.until(({ kind }) => kind === 'figures')
    for (const each of [...workers, third]) await each?.leave()
    check(t, group, rebalances, client.told('figures')[0].figures)
    for (const each of [...workers, client]) checkMemory(t, each)
  })
}

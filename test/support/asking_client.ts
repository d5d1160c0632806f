// Forked by the long test of agents: asks eight agents in turn, so many questions a second whatever
// becomes of those before, and measures from when each was due. At the end it is told when there
// were rebalances, and tells its figures.
import { systemClock } from '../../src/clock.ts'
import type { EuphorionError } from '../../src/index.ts'
import { AGENTS, answerTo, askingApp, questionOf } from './asking_app.ts'
import {
  type AskingFigures,
  type Latencies,
  type Span,
  tellMemory,
  tellParent,
} from './asking_news.ts'
import type { AskingJob } from './asking_worker.ts'

export interface ClientJob extends AskingJob {
  /** Questions a second. */
  readonly rate: number
  readonly seconds: number
}

const TURN_MS = 2

const { topics, appId, settings, rate, seconds } = JSON.parse(process.argv[2]) as ClientJob
const tell = tellParent()
const { app, agents } = askingApp(topics, appId, settings)
const endMemory = tellMemory(tell)
const total = rate * seconds
/** By question; both -1 before its answer. */
const tookMs = new Float64Array(total).fill(-1)
const counts = { right: 0, wrong: 0, rejected: {} as Record<string, number> }
let over = 0
let finish = (): void => undefined
const allOver = new Promise<void>((resolve) => {
  finish = resolve
})

async function ask(id: number, dueMs: number): Promise<void> {
  const agent = id % AGENTS
  const question = questionOf(id)
  try {
    const answer = await agents[agent].ask(question, { key: question.item })
    tookMs[id] = systemClock.monotonic() - dueMs
    if (answer === answerTo(id, agent)) counts.right++
    else counts.wrong++
  } catch (error) {
    const { code, message } = error as EuphorionError
    const what = code ?? message
    counts.rejected[what] = (counts.rejected[what] ?? 0) + 1
  }
  if (++over === total) finish()
}

/** Those that were due in a span, or answered in one, are in the second list. */
function split(beganMs: number, spans: readonly Span[]): [quiet: number[], moving: number[]] {
  const lists: [number[], number[]] = [[], []]
  tookMs.forEach((ms, id) => {
    if (ms < 0) return
    const dueMs = beganMs + (id * 1000) / rate
    const isMoving = spans.some(({ fromMs, toMs }) => dueMs <= toMs && dueMs + ms >= fromMs)
    lists[isMoving ? 1 : 0].push(ms)
  })
  return lists
}

function latencies(list: readonly number[]): Latencies {
  const sorted = Float64Array.from(list).sort()
  const at = (part: number): number => sorted[Math.floor(part * (sorted.length - 1))] ?? Number.NaN
  return { count: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) }
}

await app.startClient()
for (const [index, agent] of agents.entries()) await agent.ask(questionOf(index))
tell({ kind: 'asking' })
const [beganMs, beganWallMs] = [systemClock.monotonic(), systemClock.now()]
let asked = 0
function askDue(): void {
  const due = Math.min(total, Math.floor(((systemClock.monotonic() - beganMs) / 1000) * rate))
  for (; asked < due; asked++) void ask(asked, beganMs + (asked * 1000) / rate)
  if (asked < total) systemClock.after(TURN_MS, askDue)
}
askDue()
process.once('message', async (spans: readonly Span[]) => {
  await allOver
  const [quiet, moving] = split(beganWallMs, spans)
  const figures: AskingFigures = {
    asked,
    ...counts,
    unclaimed: app.replies().unclaimed,
    quiet: latencies(quiet),
    moving: latencies(moving),
  }
  endMemory()
  await app.stop()
  tell({ kind: 'figures', figures })
})

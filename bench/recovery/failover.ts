// How long results stand still when a worker is killed, and when it is stopped: two processes on a
// Kafka that count page views which keep coming. In the end every count is right.
import { medianOf } from '../../src/tune/comparison.ts'
import { numberOption } from '../report/bench.ts'
import { type Handover, WorkerPair } from './failover_pair.ts'
import type { RecoveryContext, RecoveryPart } from './part.ts'

export const failoverPart: RecoveryPart = { name: 'failover', run: runFailovers }

interface FailoverCase {
  readonly rows: number
  readonly standbyReplicas: number
  readonly sessionTimeoutMs: number
  readonly isStoppedToo: boolean
}

const ROWS = 1_000_000
const FEW_ROWS = 1000
const ROUNDS = 3
/** The least that brokers allow, unless they are told otherwise. */
const SHORT_SESSION_MS = 6000
/** The default of the setting. */
const USUAL_SESSION_MS = 10_000

async function runFailovers(context: RecoveryContext): Promise<void> {
  const broker = await context.kafka()
  if (broker === undefined) return
  const rounds = numberOption(context, 'rounds', context.isSmoke ? 1 : ROUNDS)
  for (const each of casesOf(context)) {
    const pair = await WorkerPair.open({ ...context, ...each, broker })
    try {
      await measure(context, each, pair, rounds)
      context.say(`failover, ${describe(each)}: every count`)
      await pair.check()
    } finally {
      await pair.close()
    }
  }
}

function casesOf(context: RecoveryContext): readonly FailoverCase[] {
  const short = { sessionTimeoutMs: SHORT_SESSION_MS, isStoppedToo: true }
  if (context.isSmoke) return [{ ...short, rows: FEW_ROWS, standbyReplicas: 1 }]
  const rows = numberOption(context, 'rows', ROWS)
  const usual = { sessionTimeoutMs: USUAL_SESSION_MS, isStoppedToo: false }
  return [
    { ...short, rows: FEW_ROWS, standbyReplicas: 0 },
    { ...short, rows: FEW_ROWS, standbyReplicas: 1 },
    { ...short, rows, standbyReplicas: 0 },
    { ...short, rows, standbyReplicas: 1 },
    { ...usual, rows: FEW_ROWS, standbyReplicas: 0 },
    { ...usual, rows: FEW_ROWS, standbyReplicas: 1 },
  ]
}

async function measure(
  context: RecoveryContext,
  each: FailoverCase,
  pair: WorkerPair,
  rounds: number,
): Promise<void> {
  const killed: Handover[] = []
  const stopped: Handover[] = []
  for (let round = 1; round <= rounds; round++) {
    context.say(`failover, ${describe(each)}: round ${round} of ${rounds}`)
    killed.push(await pair.handOver('kill'))
    if (each.isStoppedToo) stopped.push(await pair.handOver('stop'))
  }
  addFigures(context, 'A worker is killed, until the other has new results', each, killed)
  if (each.isStoppedToo)
    addFigures(context, 'A worker is stopped, until the other has new results', each, stopped)
}

function addFigures(
  { add }: RecoveryContext,
  group: string,
  each: FailoverCase,
  handovers: readonly Handover[],
): void {
  const { rows, sessionTimeoutMs } = each
  const seconds = (of: (handover: Handover) => number): readonly number[] =>
    handovers.map((handover) => of(handover) / 1000)
  add({
    group,
    case: describe(each),
    unit: 's',
    better: 'less',
    samples: seconds(({ resultsMs }) => resultsMs),
    facts: {
      rows,
      'session, s': sessionTimeoutMs / 1000,
      'shared anew, s': medianOf(seconds(({ joinedMs }) => joinedMs)),
    },
  })
}

function describe({ rows, standbyReplicas, sessionTimeoutMs }: FailoverCase): string {
  const copies = standbyReplicas === 0 ? 'no standby' : 'standby'
  return `${copies}, ${rows.toLocaleString('en')} rows, session of ${sessionTimeoutMs / 1000} s`
}

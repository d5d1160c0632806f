// Apps that the tests of the simulator run: what each sends and must have sent, and its events.
import {
  App,
  count,
  integer,
  type Random,
  record,
  string,
  sum,
  type Table,
  timestamp,
  tumbling,
} from '../../src/index.ts'
import type { SettingsSource } from '../../src/settings.ts'
import type { SimulateOptions, SimulationOutcome } from '../../src/testing/simulate.ts'
import type { SimulatedEvent } from '../../src/testing/workload.ts'
import { groupedApp, groupedBreaches, userVisit } from './grouped_app.ts'

const PAGES = 12
/** Events are up to so late; some later than the grace of the windows. */
const DISORDER_MS = 4000

const Visit = record('Visit', { page: string(), ms: integer(), at: timestamp() })

/** A table without windows, one with, results of both, and an agent that repeats its events. */
export function visitsApp(): App {
  const app = new App('visits', { topicPartitions: 3 })
  const visits = app.topic('visits', { key: string(), value: Visit, keyedBy: 'page' })
  const perWindow = app
    .stream(visits)
    .keyBy('page')
    .time('at')
    .window(tumbling('5s', { grace: '2s' }))
    .aggregate('per-window', (v) => ({ visits: count(), totalMs: sum(v.ms) }))
  const perPage = app
    .stream(visits)
    .keyBy('page')
    .aggregate('per-page', (v) => ({ visits: count(), totalMs: sum(v.ms) }))
  perWindow.final().to(app.topic('finals'))
  perPage.changes().to(app.topic('changes'))
  const echoed = app.topic<{ page: string; ms: number }>('echoed')
  app.agent(
    visits,
    async function* (stream) {
      for await (const { page, ms } of stream) yield { page, ms }
    },
    { sink: echoed },
  )
  return app
}

export function visit(random: Random, number: number, nowMs: number): SimulatedEvent {
  const page = `/${Math.floor(random() ** 2 * PAGES)}`
  const at = nowMs - Math.floor(random() ** 3 * DISORDER_MS)
  const value = JSON.stringify({ page, ms: number, at })
  return { topic: 'visits', key: page, value, timestamp: nowMs }
}

/** Every event was repeated, under exactly_once once. */
export function visitsBreaches({ records, settings }: SimulationOutcome): string[] {
  const numbers = (topic: string) =>
    records(topic).map(({ value }) => JSON.parse(String(Buffer.from(value!))).ms as number)
  const echoes = new Map<number, number>()
  for (const each of numbers('echoed')) echoes.set(each, (echoes.get(each) ?? 0) + 1)
  const found: string[] = []
  const events = numbers('visits')
  const lost = events.filter((each) => !echoes.has(each))
  if (lost.length > 0) found.push(`${lost.length} events were not echoed: ${lost.slice(0, 5)}`)
  const twice = events.filter((each) => (echoes.get(each) ?? 0) > 1)
  if (settings.guarantee === 'exactly_once' && twice.length > 0)
    found.push(`${twice.length} events were echoed more than once: ${twice.slice(0, 5)}`)
  return found
}

const Move = record('Move', { account: string(), amount: integer() })
const Balance = record('Balance', { total: integer(), moves: integer() })
type Balances = Table<string, { total: number; moves: number }>

const balancesOf = new WeakMap<App, Balances>()
const ACCOUNTS = 15

/** An agent with a table: balances, whose keys are deleted by moves of nothing. */
export function accountsApp(): App {
  const app = new App('accounts', { topicPartitions: 3 })
  const moves = app.topic('moves', { key: string(), value: Move, keyedBy: 'account' })
  const balances: Balances = app.table('balances', { key: string(), value: Balance })
  balancesOf.set(app, balances)
  const told = app.topic<{ account: string; moves: number }>('told')
  app.agent(
    moves,
    async function* (stream) {
      for await (const { account, amount } of stream) {
        if (amount === 0) {
          await balances.delete(account)
          continue
        }
        const now = await balances.update(account, (before) => ({
          total: (before?.total ?? 0) + amount,
          moves: (before?.moves ?? 0) + 1,
        }))
        yield { account, ...now }
      }
    },
    { sink: told },
  )
  return app
}

export function move(random: Random, number: number): SimulatedEvent {
  const account = `a${Math.floor(random() * ACCOUNTS)}`
  const amount = random() < 0.08 ? 0 : number + 1
  return { topic: 'moves', key: account, value: JSON.stringify({ account, amount }) }
}

/** Balances are those of the moves in their order, and were told as often as there were moves. */
export async function accountsBreaches(outcome: SimulationOutcome): Promise<string[]> {
  const { records, apps, settings } = outcome
  const expected = new Map<string, { total: number; moves: number }>()
  let movesOfSome = 0
  for (const { value } of records('moves')) {
    const { account, amount } = JSON.parse(String(Buffer.from(value!)))
    const before = expected.get(account) ?? { total: 0, moves: 0 }
    if (amount === 0) expected.delete(account)
    else {
      movesOfSome++
      expected.set(account, { total: before.total + amount, moves: before.moves + 1 })
    }
  }
  const found: string[] = []
  const told = records('told').length
  if (told < movesOfSome || (settings.guarantee === 'exactly_once' && told > movesOfSome))
    found.push(`${movesOfSome} moves were told ${told} times`)
  const shown = (all: Iterable<[string, object]>) =>
    JSON.stringify([...all].sort(([a], [b]) => (a < b ? -1 : 1)))
  const held: [string, object][] = []
  for (const app of apps)
    for await (const [account, { total, moves }] of balancesOf.get(app)!)
      held.push([account, { total, moves }])
  if (shown(held) !== shown(expected))
    found.push(`balances are ${shown(held)}, of the moves come ${shown(expected)}`)
  return found
}

/** What is simulated, and what must hold besides what always must. */
interface Trial extends Pick<SimulateOptions, 'events' | 'check'> {
  readonly makeApp: () => App
}

export const trials = {
  visits: { makeApp: visitsApp, events: visit, check: visitsBreaches },
  accounts: { makeApp: accountsApp, events: move, check: accountsBreaches },
  grouped: { makeApp: groupedApp, events: userVisit, check: groupedBreaches },
} satisfies Record<string, Trial>

/** Both guarantees, with and without copies, members that are static or not: by the seed. */
export function trialSettings(seed: number): SettingsSource {
  return {
    guarantee: seed % 2 === 0 ? 'at_least_once' : 'exactly_once',
    standbyReplicas: (seed >> 1) % 2,
    ...((seed >> 2) % 4 === 3 && { instanceId: 'static' }),
  }
}

export function trialOf(name: keyof typeof trials, seed: number, seconds: number) {
  return { ...trials[name], seed, seconds, settings: trialSettings(seed) }
}

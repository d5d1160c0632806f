// How cuts reach the log: through transactions with changelogs, or as offsets alone. Opened by the
// engine when it starts.
import { systemRandom } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { RowSink } from '../ingest/rows.ts'
import type { ChangelogKernels } from '../kernel/changelog/kernels.ts'
import type { Settings } from '../settings.ts'
import { checkShapes } from '../table/changelog_shapes.ts'
import { checkChangelogs, ensureChangelogs } from '../table/changelog_topics.ts'
import { Changelogs } from './changelogs.ts'
import type { EngineOptions } from './engine_options.ts'
import type { CopiedTable } from './recovery_partition.ts'
import { Transactions } from './transactions.ts'

export interface LogWays {
  /** Undefined: the group's offsets are committed by themselves, after the stores. */
  readonly transactions: Transactions | undefined
  /** Undefined: tables are kept on this machine only. */
  readonly changelogs: Changelogs | undefined
  /** Where results go so that they count with the cut; undefined: as the program sends. */
  readonly outputs: RowSink | undefined
  /** Rejects with TOPIC_UNFIT where a changelog loses what its table needs. */
  readonly check: () => Promise<void>
}

export const plainWays: LogWays = {
  transactions: undefined,
  changelogs: undefined,
  outputs: undefined,
  check: async () => undefined,
}

export interface LogWaysOptions extends EngineOptions {
  /** Every table of the app. */
  readonly tables: readonly CopiedTable[]
  /** Partitions of the topics that are read. */
  readonly partitionsOf: ReadonlyMap<string, number>
  readonly kernels: () => ChangelogKernels
  /** The transaction cannot be committed any more. */
  readonly broken: () => void
}

/** CAPABILITY_MISSING where the driver has no transactions and the app needs them. */
export async function openLogWays(options: LogWaysOptions): Promise<LogWays> {
  const { log, settings, tables } = options
  const isExactlyOnce = settings.guarantee === 'exactly_once'
  const hasChangelogs = settings.changelog && tables.length > 0
  if (!isExactlyOnce && !hasChangelogs) return plainWays
  if (!log.capabilities.transactions) throw missing(log.capabilities.driver, isExactlyOnce)
  if (isExactlyOnce && tables.length > 0 && !settings.changelog) {
    const message = 'changelog: without one, tables cannot be kept as exactly_once promises'
    throw new EuphorionError('SETTING_INVALID', message)
  }
  if (isExactlyOnce) checkTimes(settings)
  const transactions = new Transactions({
    ...options,
    transactionalId: transactionalId(options),
    transactionTimeoutMs: settings.transactionTimeoutMs,
  })
  const [changelogs] = await Promise.all([
    hasChangelogs ? openChangelogs(options) : undefined,
    transactions.start(),
  ])
  const check = async () => {
    if (hasChangelogs) await checkChangelogs(log, options.appId, tables)
  }
  const ways = { transactions, changelogs, outputs: undefined, check }
  if (!isExactlyOnce || options.plants?.has('output-outside')) return ways
  options.sends?.route(transactions.sends)
  return { ...ways, outputs: options.sends?.sinkTo(transactions.own) }
}

async function openChangelogs(options: LogWaysOptions): Promise<Changelogs> {
  const { log, appId, settings, partitionsOf, kernels, plants } = options
  const tables = options.tables.map(({ topic, name, window }) => {
    return { name, window, partitions: partitionsOf.get(topic)! }
  })
  const topics = await ensureChangelogs(log, appId, tables, settings)
  await checkShapes(log, options.tables)
  return new Changelogs({ settings, kernels: kernels(), topics, plants })
}

/** What is sent stands open until the next cut, which may wait for agents. */
function checkTimes({ commitIntervalMs, barrierTimeoutMs, transactionTimeoutMs }: Settings): void {
  const open = commitIntervalMs + barrierTimeoutMs
  if (open < transactionTimeoutMs) return
  const sum = `commitIntervalMs and barrierTimeoutMs are ${open} ms together`
  const message = `transactionTimeoutMs is ${transactionTimeoutMs} ms: ${sum}, and must be less`
  throw new EuphorionError('SETTING_INVALID', message)
}

/** A static member's is the same after a restart, so that it fences its own past at once. */
function transactionalId({ appId, settings, random = systemRandom }: LogWaysOptions): string {
  if (settings.instanceId !== undefined) return `${appId}-${settings.instanceId}`
  const part = () => Math.floor(random() * 2 ** 32).toString(16)
  return `${appId}-${[part(), part(), part(), part()].map((each) => each.padStart(8, '0')).join('')}`
}

function missing(driver: string, isExactlyOnce: boolean): EuphorionError {
  const what = isExactlyOnce ? 'guarantee exactly_once needs' : 'changelogs of tables need'
  const otherwise = isExactlyOnce
    ? ''
    : '; with changelog: false tables are kept on this machine only'
  return new EuphorionError(
    'CAPABILITY_MISSING',
    `${what} transactions, which the driver ${driver} does not have${otherwise}`,
  )
}

// How fast a table comes back: all of it from its changelog into empty stores, and again when the
// stores are there, as a worker does it with the partitions that it is given. Every row is checked.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { Recovery } from '../../src/app/recovery.ts'
import type { RecoveredTable } from '../../src/app/recovery_partition.ts'
import { SharedMemory } from '../../src/batch/memory.ts'
import { systemClock } from '../../src/clock.ts'
import type { ChangelogKernels } from '../../src/kernel/changelog/kernels.ts'
import { openChangelogKernels } from '../../src/kernel/changelog/open.ts'
import { openExecutor } from '../../src/kernel/executor.ts'
import type { Log } from '../../src/log/log.ts'
import { openLog } from '../../src/log/open.ts'
import { createLogger } from '../../src/logger.ts'
import { resolveSettings, type Settings } from '../../src/settings.ts'
import { changelogReader } from '../../src/table/changelog.ts'
import { tableNumber } from '../../src/table/meta.ts'
import { openStore } from '../../src/table/open.ts'
import type { Store } from '../../src/table/store.ts'
import { medianOf } from '../../src/tune/comparison.ts'
import { unique } from '../../test/support/log.ts'
import { rocksdbKinds } from '../../test/support/stores.ts'
import { numberOption } from '../report/bench.ts'
import { checkRows, PARTITIONS, SHAPE, writeChangelog } from './changelog_rows.ts'
import { logsOf, type RecoveryContext, type RecoveryPart } from './part.ts'

export const restorePart: RecoveryPart = { name: 'restore', run: runRestores }

const ROWS = 2_000_000
const SMOKE_ROWS = 240_000
const ROUNDS = 3
const LIMITS = { inflatedBytesMax: 64 << 20, checkCrcs: true }

interface Place {
  readonly log: Log
  readonly changelog: string
  readonly settings: Settings
  readonly memory: SharedMemory
  readonly kernels: ChangelogKernels
  readonly rows: number
  /** Of stores. */
  readonly directory: string
}

interface Samples {
  readonly cold: number[]
  readonly warm: number[]
  /** Of cold ones, a million rows. */
  readonly cpu: number[]
}

async function runRestores(context: RecoveryContext): Promise<void> {
  for (const [name, broker] of await logsOf(context)) await restoreFrom(context, name, broker)
}

async function restoreFrom(context: RecoveryContext, name: string, broker: string) {
  const { isSmoke, say, seed, directory } = context
  const given = numberOption(context, 'rows', isSmoke ? SMOKE_ROWS : ROWS)
  const rows = given - (given % PARTITIONS)
  const rounds = numberOption(context, 'rounds', isSmoke ? 1 : ROUNDS)
  const settings = resolveSettings({ code: { broker } })
  const memory = new SharedMemory(settings.memoryMib)
  const { threads } = settings
  const executor = openExecutor({ memory, threads, queueMax: 64, ...LIMITS })
  const kernels = openChangelogKernels({ memory, executor, ...LIMITS })
  const log = await openLog(broker)
  const changelog = unique('restore-changelog')
  const place = { log, changelog, settings, memory, kernels, rows, directory }
  const found = rocksdbKinds.map((): Samples => ({ cold: [], warm: [], cpu: [] }))
  try {
    say(`restore: ${rows.toLocaleString('en')} rows in the ${name}`)
    await writeChangelog(log, { topic: changelog, rows, seed, kernels })
    for (let round = 0; round < rounds; round++)
      for (const [index, kind] of rocksdbKinds.entries()) {
        say(`restore, ${name}: ${kind}, round ${round + 1} of ${rounds}`)
        await sample(place, kind, found[index])
      }
    await log.deleteTopic(changelog)
  } finally {
    await log.close()
    await executor.close()
  }
  for (const [index, kind] of rocksdbKinds.entries())
    addFigures(context, { name, kind, rows }, found[index])
}

/** One cold restore, the check of all rows, and a warm one. */
async function sample(place: Place, kind: Store['kind'], { cold, warm, cpu }: Samples) {
  const path = join(place.directory, kind)
  try {
    const first = await restore(place, kind, path)
    for (const store of first.stores) await checkRows(store, place.rows / PARTITIONS)
    for (const store of first.stores) await store.close()
    const second = await restore(place, kind, path)
    for (const store of second.stores) await store.close()
    cold.push(first.seconds)
    cpu.push((first.cpuSeconds / place.rows) * 1e6)
    warm.push(second.seconds)
  } finally {
    rmSync(path, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** Opens the stores and brings them up to the changelog. */
async function restore(place: Place, kind: Store['kind'], path: string) {
  const { changelog, rows } = place
  const recovery = recoveryOf(place)
  const beganMs = systemClock.monotonic()
  const before = process.cpuUsage()
  const open = async (_: unknown, partition: number): Promise<Store> => {
    const store = await openStore(kind, join(path, String(partition)))
    const number = await tableNumber(store, 'rows', SHAPE)
    const names = { name: 'rows', topic: 'none', changelog, shape: SHAPE }
    const table: RecoveredTable = { ...names, writer: 'lane', number }
    await recovery.open({ topic: 'none', partition }, store, [table], rows / PARTITIONS)
    return store
  }
  const stores = await Promise.all(Array.from({ length: PARTITIONS }, open))
  const seconds = (systemClock.monotonic() - beganMs) / 1000
  const { user, system } = process.cpuUsage(before)
  await recovery.close()
  return { stores, seconds, cpuSeconds: (user + system) / 1e6 }
}

function recoveryOf({ log, settings, memory, kernels }: Place): Recovery {
  return new Recovery({
    log,
    appId: 'bench',
    settings,
    clock: systemClock,
    logger: createLogger('bench', 'warn'),
    memory,
    makeReader: (table) => changelogReader({ table, kernels }),
    transactionalId: '',
    tables: [],
    openStore: () => Promise.reject(new Error('no copies')),
    rejoin: () => undefined,
  })
}

function addFigures(
  { add }: RecoveryContext,
  { name, kind, rows }: { name: string; kind: Store['kind']; rows: number },
  { cold, warm, cpu }: Samples,
): void {
  add({
    group: 'A table comes back from its changelog',
    case: `${kind}, ${name}`,
    unit: 'rows/s',
    better: 'more',
    samples: cold.map((seconds) => rows / seconds),
    facts: { rows, 'CPU-s/M': Number(medianOf(cpu).toPrecision(3)) },
  })
  for (const [state, samples] of [
    ['empty stores', cold],
    ['stores are there', warm],
  ] as const)
    add({
      group: 'Until it is there',
      case: `${kind}, ${name}, ${state}`,
      unit: 's',
      better: 'less',
      samples,
      facts: { rows },
    })
}

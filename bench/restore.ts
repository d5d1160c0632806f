// How fast a table comes back: all of it from its changelog into empty stores, and again when the
// stores are there, as a worker does it with the partitions that it is given. Every row is checked.
// Run by hand: `npm run build && npm run build:native:store && node dist/bench/restore.js [rows]`;
// KAFKA_BROKERS names a Kafka, else the log is embedded; with --smoke, small.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Recovery } from '../src/app/recovery.ts'
import type { RecoveredTable } from '../src/app/recovery_partition.ts'
import { SharedMemory } from '../src/batch/memory.ts'
import { eachRow, ROW_HEADER_BYTES, ROW_PUT } from '../src/batch/rows.ts'
import { seededRandom, systemClock } from '../src/clock.ts'
import type { ChangelogKernels } from '../src/kernel/changelog/kernels.ts'
import { openChangelogKernels } from '../src/kernel/changelog/open.ts'
import { openExecutor } from '../src/kernel/executor.ts'
import type { Log } from '../src/log/log.ts'
import { openLog } from '../src/log/open.ts'
import { createLogger } from '../src/logger.ts'
import { resolveSettings } from '../src/settings.ts'
import { changelogReader, changelogWriter } from '../src/table/changelog.ts'
import { tableNumber } from '../src/table/meta.ts'
import { nativeStoreAddon } from '../src/table/native_rocksdb_addon.ts'
import { openStore } from '../src/table/open.ts'
import { tableRange } from '../src/table/recovery.ts'
import type { Store } from '../src/table/store.ts'

const smoke = process.argv.includes('--smoke')
const given = Number(process.argv.slice(2).find((word) => /^\d+$/.test(word)) ?? 5_000_000)
const ROWS = smoke ? 240_000 : given
const PARTITIONS = 4
const CUT_ROWS = 50_000
const KEY_BYTES = 21
const VALUE_BYTES = 24
const ROW_BYTES = ROW_HEADER_BYTES + KEY_BYTES + VALUE_BYTES
const NUMBER_AT = KEY_BYTES - 4
const shape = '{"key":["record key"],"fields":[{"name":"views","kind":"count"}]}'

const kinds = (
  nativeStoreAddon() === undefined ? ['rocksdb-package'] : ['rocksdb-package', 'rocksdb-native']
) as readonly Store['kind'][]
const directory = mkdtempSync(join(tmpdir(), 'euphorion-bench-restore-'))
const brokers = process.env.KAFKA_BROKERS
const broker = brokers === undefined ? `embedded:${join(directory, 'log')}` : `kafka://${brokers}`
const settings = resolveSettings({ code: { broker } })
const memory = new SharedMemory(settings.memoryMib)
const limits = { inflatedBytesMax: 64 << 20, checkCrcs: true }
const executor = openExecutor({ memory, threads: settings.threads, queueMax: 64, ...limits })
const kernels = openChangelogKernels({ memory, executor, ...limits })
const changelog = `restore-${process.pid}-changelog`

/** Rows in no order, as a lane's table gives them. */
function pack(numbers: Uint32Array): Uint8Array {
  const rows = new Uint8Array(numbers.length * ROW_BYTES)
  const view = new DataView(rows.buffer)
  for (const [i, number] of numbers.entries()) {
    const row = i * ROW_BYTES
    view.setUint8(row, ROW_PUT)
    view.setUint16(row + 2, KEY_BYTES, true)
    view.setUint32(row + 4, VALUE_BYTES, true)
    view.setUint16(row + ROW_HEADER_BYTES, 1)
    view.setUint32(row + ROW_HEADER_BYTES + NUMBER_AT, number)
    view.setFloat64(row + ROW_HEADER_BYTES + KEY_BYTES, number, true)
  }
  return rows
}

async function writeChangelog(log: Log, { batchBytesMax }: { batchBytesMax: number }) {
  await log.createTopic(changelog, { partitions: PARTITIONS, config: { cleanup: 'compact' } })
  const id = `restore-${process.pid}`
  const options = { transactionalId: id, transactionTimeoutMs: 60_000 }
  const producer = await log.transactionalProducer(options)
  const random = seededRandom(7)
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const numbers = Uint32Array.from({ length: ROWS / PARTITIONS }, (_, i) => i)
    for (let i = numbers.length - 1; i > 0; i--) {
      const other = Math.floor(random() * (i + 1))
      const number = numbers[i]
      numbers[i] = numbers[other]
      numbers[other] = number
    }
    const writer = changelogWriter({ table: 1, compression: 'none', batchBytesMax, kernels })
    for (let from = 0; from < numbers.length; from += CUT_ROWS) {
      await writer.add(pack(numbers.subarray(from, from + CUT_ROWS)))
      const nextOffset = Math.min(numbers.length, from + CUT_ROWS)
      const counted = { streamTimeMs: 1, counted: nextOffset, late: 0, bad: 0, filtered: 0 }
      const meta = { shape, position: { nextOffset, ...counted } }
      for (const batch of await writer.finish(meta, systemClock.now()))
        await producer.appendBatch(changelog, partition, batch)
      await producer.commit()
    }
    writer.close()
  }
  await producer.close()
}

function recoveryOf(log: Log, decoders: ChangelogKernels): Recovery {
  return new Recovery({
    log,
    appId: 'bench',
    settings,
    clock: systemClock,
    logger: createLogger('bench', 'warn'),
    memory,
    makeReader: (table) => changelogReader({ table, kernels: decoders }),
    transactionalId: '',
    tables: [],
    openStore: () => Promise.reject(new Error('no copies')),
    rejoin: () => undefined,
  })
}

/** Opens the stores and brings them up to the changelog; resolves with the stores and the time. */
async function restore(log: Log, kind: Store['kind']) {
  const recovery = recoveryOf(log, kernels)
  const beganMs = systemClock.monotonic()
  const before = process.cpuUsage()
  const open = async (_: unknown, partition: number): Promise<Store> => {
    const store = await openStore(kind, join(directory, kind, String(partition)))
    const number = await tableNumber(store, 'rows', shape)
    const table: RecoveredTable = {
      name: 'rows',
      topic: 'none',
      changelog,
      shape,
      writer: 'lane',
      number,
    }
    await recovery.open({ topic: 'none', partition }, store, [table], ROWS / PARTITIONS)
    return store
  }
  const stores = await Promise.all(Array.from({ length: PARTITIONS }, open))
  const seconds = (systemClock.monotonic() - beganMs) / 1000
  const { user, system } = process.cpuUsage(before)
  await recovery.close()
  return { stores, seconds, cpu: (user + system) / 1e6 }
}

async function check(store: Store): Promise<void> {
  let next = 0
  for await (const rows of store.scanRows(tableRange(1))) {
    const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength)
    eachRow(rows, (_, keyStart, keyEnd) => {
      assert.equal(view.getUint32(keyStart + NUMBER_AT), next)
      assert.equal(view.getFloat64(keyEnd, true), next)
      next++
    })
  }
  assert.equal(next, ROWS / PARTITIONS)
}

const log = await openLog(broker)
try {
  await writeChangelog(log, { batchBytesMax: 512 * 1024 })
  console.log(['store', 'rows', 'M rows/s', 'CPU-s/M', 'cold s', 'warm s', 'ratio'].join(' │ '))
  for (const kind of kinds) {
    const cold = await restore(log, kind)
    for (const store of cold.stores) await check(store)
    for (const store of cold.stores) await store.close()
    const warm = await restore(log, kind)
    for (const store of warm.stores) await store.close()
    const rate = ROWS / cold.seconds / 1e6
    const ratio = cold.seconds / warm.seconds
    const cpu = (cold.cpu / ROWS) * 1e6
    const figures = [rate, cpu, cold.seconds, warm.seconds].map((each) => each.toPrecision(3))
    console.log([kind, ROWS, ...figures, `${ratio.toPrecision(3)} ×`].join(' │ '))
  }
  if (brokers !== undefined) await log.deleteTopic(changelog)
} finally {
  await log.close()
  await executor.close()
  rmSync(directory, { recursive: true, force: true })
}

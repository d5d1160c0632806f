// A table with a changelog on a log: cuts that go to the changelog, and to a store as a worker's
// do, and what must be in a store that is brought up to the changelog's end.
import assert from 'node:assert/strict'
import { Recovery, type RecoveryOptions } from '../../src/app/recovery.ts'
import type { CopiedTable, RecoveredTable } from '../../src/app/recovery_partition.ts'
import { SharedMemory } from '../../src/batch/memory.ts'
import type { Clock, Random } from '../../src/clock.ts'
import { ReferenceChangelogKernels } from '../../src/kernel/changelog/reference.ts'
import type { LaneCounters } from '../../src/kernel/lane.ts'
import type { Log, TransactionalProducer } from '../../src/log/log.ts'
import type { Logger } from '../../src/logger.ts'
import { resolveSettings, type SettingsSource } from '../../src/settings.ts'
import { changelogReader, changelogWriter } from '../../src/table/changelog.ts'
import { changelogTopic } from '../../src/table/changelog_topics.ts'
import {
  readChangelogPosition,
  readPosition,
  tableNumber,
  writeChangelogPosition,
  writePosition,
} from '../../src/table/meta.ts'
import { tableRange } from '../../src/table/recovery.ts'
import type { Store } from '../../src/table/store.ts'
import { packedRows, randomChanges } from './changelogs.ts'

export const APP = 'app'
const kernels = new ReferenceChangelogKernels({ inflatedBytesMax: 64 << 20, checkCrcs: true })

export function plainTable(name: string, topic = 't'): CopiedTable {
  const shape = JSON.stringify({ key: ['record key'], fields: [{ name: 'n', kind: 'count' }] })
  return { name, topic, changelog: changelogTopic(APP, name), shape, writer: 'lane' }
}

/** In this store. */
export async function numbered(store: Store, table: CopiedTable): Promise<RecoveredTable> {
  return { ...table, number: await tableNumber(store, table.name, table.shape) }
}

export interface LogLine {
  readonly level: string
  readonly message: string
  readonly facts: Record<string, unknown>
}

export function keepingLogger(lines: LogLine[]): Logger {
  const keep =
    (level: string) =>
    (facts: object, message: string): void =>
      void lines.push({ level, message, facts: { ...facts } })
  return { debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error') }
}

/** A recovery, and what it logs. */
export function recoveryOn(
  log: Log,
  clock: Clock,
  code: SettingsSource = {},
  more: Partial<RecoveryOptions> = {},
) {
  const lines: LogLine[] = []
  const settings = resolveSettings({ code: { batchBytes: '64KiB', ...code } })
  const recovery = new Recovery({
    log,
    appId: APP,
    settings,
    clock,
    logger: keepingLogger(lines),
    memory: new SharedMemory(8),
    makeReader: (table) => changelogReader({ table, kernels }),
    transactionalId: 'self',
    tables: [],
    openStore: () => Promise.reject(new Error('no stores here')),
    rejoin: () => undefined,
    ...more,
  })
  return { recovery, lines }
}

/** Rows of one table on one partition, as its owner has them. */
export class ChangedTable {
  readonly table: CopiedTable
  readonly partition: number
  /** By key without the table's number, in hex. */
  readonly rows = new Map<string, string>()
  position = 0
  batchBytesMax = 32 * 1024
  /** The group has read further. */
  isBehind = false
  readonly #log: Log
  readonly #producer: TransactionalProducer
  readonly #clock: Clock
  readonly #random: Random

  constructor(
    log: Log,
    producer: TransactionalProducer,
    {
      table,
      partition,
      clock,
      random,
    }: {
      table: CopiedTable
      partition: number
      clock: Clock
      random: Random
    },
  ) {
    this.#log = log
    this.#producer = producer
    this.table = table
    this.partition = partition
    this.#clock = clock
    this.#random = random
  }

  get counters(): LaneCounters {
    const { position } = this
    return {
      nextOffset: position,
      streamTimeMs: 5,
      counted: position,
      late: 0,
      bad: 0,
      filtered: 0,
    }
  }

  /** A cut of so many changed cells, up to the commit, which is the caller's. */
  async append(count: number): Promise<number> {
    const changes = randomChanges(this.#random, 1, count)
    const writer = changelogWriter({
      table: 1,
      compression: 'none',
      batchBytesMax: this.batchBytesMax,
      kernels,
    })
    await writer.add(packedRows(changes))
    this.position += count
    const { isBehind } = this
    const meta = { shape: this.table.shape, position: this.counters, ...(isBehind && { isBehind }) }
    let end = 0
    for (const batch of await writer.finish(meta, this.#clock.now())) {
      const { offset } = await this.#producer.appendBatch(
        this.table.changelog,
        this.partition,
        batch,
      )
      end = offset + new DataView(batch.buffer, batch.byteOffset).getInt32(57)
    }
    writer.close()
    for (const { key, value } of changes) {
      const name = Buffer.from(key.subarray(2)).toString('hex')
      if (value === null) this.rows.delete(name)
      else this.rows.set(name, Buffer.from(value).toString('hex'))
    }
    return end
  }

  /** Appends, commits, and writes the store of the owner, if there is one. */
  async cut(count: number, store?: Store): Promise<void> {
    const before = new Map(this.rows)
    const end = await this.append(count)
    await this.#producer.commit()
    if (store === undefined) return
    const { number } = await numbered(store, this.table)
    const batch = store.batch()
    const keyOf = (name: string): Buffer =>
      Buffer.concat([Buffer.from([number >> 8, number & 255]), Buffer.from(name, 'hex')])
    for (const [name, value] of this.rows)
      if (before.get(name) !== value) batch.put(keyOf(name), Buffer.from(value, 'hex'))
    for (const name of before.keys()) if (!this.rows.has(name)) batch.delete(keyOf(name))
    writePosition(batch, number, this.counters)
    const { id: topicId } = await this.#log.topic(this.table.changelog)
    const atMs = this.#clock.now()
    writeChangelogPosition(batch, number, {
      nextOffset: end,
      topicId,
      atMs,
      isBehind: this.isBehind || undefined,
    })
    await batch.commit()
  }

  /** The store has exactly these rows and this position. */
  async assertIn(store: Store): Promise<void> {
    const { number } = await numbered(store, this.table)
    const found = new Map<string, string>()
    for await (const [key, value] of store.scan(tableRange(number)))
      found.set(key.toString('hex', 2), value.toString('hex'))
    assert.equal(found.size, this.rows.size)
    for (const [name, value] of this.rows) assert.equal(found.get(name), value, name)
    assert.deepEqual(await readPosition(store, number), this.counters)
    assert.equal((await readChangelogPosition(store, number))?.state, undefined)
  }
}

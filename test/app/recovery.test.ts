// Recovery of one partition's tables over a simulated cluster: whatever the disk has, afterwards it
// has what was committed, or says why not.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { CopiedTable } from '../../src/app/recovery_partition.ts'
import { seededRandom } from '../../src/clock.ts'
import { EuphorionError } from '../../src/errors.ts'
import type { Log, TransactionalProducer } from '../../src/log/log.ts'
import type { SettingsSource } from '../../src/settings.ts'
import { changelogConfig } from '../../src/table/changelog_topics.ts'
import { openStore } from '../../src/table/open.ts'
import type { Store } from '../../src/table/store.ts'
import { ChangedTable, numbered, plainTable, recoveryOn } from '../support/recovered.ts'
import { RunningCluster } from '../support/simulated_cluster.ts'
import { rocksdbKinds } from '../support/stores.ts'

const kinds = ['memory', ...rocksdbKinds] as const

interface Setting {
  readonly running: RunningCluster
  readonly log: Log
  readonly producer: TransactionalProducer
  /** A table with a changelog of two partitions. */
  table(name?: string, by?: TransactionalProducer): Promise<ChangedTable>
  owner(transactionalId: string): Promise<TransactionalProducer>
  /** Another one each time. */
  store(kind?: (typeof kinds)[number]): Promise<Store>
  recover(
    store: Store,
    tables: readonly CopiedTable[],
    options?: {
      committed?: number
      code?: SettingsSource
      departed?: string[]
      signal?: AbortSignal
    },
  ): Promise<{ lines: string[]; kept: boolean }>
}

const place = { topic: 't', partition: 0 }

async function inSetting(work: (setting: Setting) => Promise<void>, seed = 1): Promise<void> {
  const running = new RunningCluster(seed)
  const log = running.log()
  const directory = await mkdtemp(join(tmpdir(), 'euphorion-recovery-'))
  const stores: Store[] = []
  const owner = (transactionalId: string) =>
    log.transactionalProducer({ transactionalId, transactionTimeoutMs: 60_000 })
  const producer = await owner('owner')
  const random = seededRandom(seed)
  const setting: Setting = {
    running,
    log,
    producer,
    owner,
    async table(name = 'counts', by = producer) {
      const table = plainTable(name)
      const config = changelogConfig({}, { maxRecordBytes: 1 << 20 })
      await log.createTopic(table.changelog, { partitions: 2, config })
      return new ChangedTable(log, by, { table, partition: 0, clock: running.clock, random })
    },
    async store(kind = 'memory') {
      const store = await openStore(kind, join(directory, String(stores.length)))
      stores.push(store)
      return store
    },
    async recover(store, tables, { committed, code, departed = [], signal } = {}) {
      const { recovery, lines } = recoveryOn(log, running.clock, code)
      try {
        recovery.group({ departed, actives: [], warmups: [], hosts: [] })
        const copied = await Promise.all(tables.map((table) => numbered(store, table)))
        const kept = await recovery.open(place, store, copied, committed, signal)
        return { kept, lines: lines.map(({ message }) => message) }
      } finally {
        await recovery.close()
      }
    },
  }
  try {
    await work(setting)
  } finally {
    for (const store of stores) await store.close()
    await log.close()
    await running.stop()
    await rm(directory, { recursive: true, force: true })
  }
}

for (const kind of kinds) {
  test(`an empty store gets every row that counts, and the position (${kind})`, () =>
    inSetting(async ({ table, store, recover }) => {
      const counts = await table()
      for (const rows of [3000, 0, 1, 500]) await counts.cut(rows)
      const empty = await store(kind)
      await recover(empty, [counts.table], { committed: counts.position })
      await counts.assertIn(empty)
    }))

  test(`a store that was left behind gets the rest only (${kind})`, () =>
    inSetting(async ({ table, store, recover }) => {
      const counts = await table()
      const own = await store(kind)
      for (const rows of [1000, 200]) await counts.cut(rows, own)
      await counts.assertIn(own)
      for (const rows of [30, 10]) await counts.cut(rows)
      await recover(own, [counts.table], { committed: counts.position })
      await counts.assertIn(own)
    }))
}

test('what was aborted is in no store', () =>
  inSetting(async ({ table, store, recover, producer }) => {
    const counts = await table()
    await counts.cut(100)
    const { position } = counts
    const kept = new Map(counts.rows)
    await counts.append(500)
    await producer.abort()
    counts.position = position
    counts.rows.clear()
    for (const [key, value] of kept) counts.rows.set(key, value)
    const empty = await store()
    await recover(empty, [counts.table], { committed: position })
    await counts.assertIn(empty)
  }))

test('two tables of a partition are recovered together', () =>
  inSetting(async ({ table, store, recover }) => {
    const counts = await table('counts')
    const sums = await table('sums')
    await counts.cut(400)
    await sums.cut(700)
    await counts.cut(20)
    const empty = await store()
    await recover(empty, [counts.table, sums.table])
    await counts.assertIn(empty)
    await sums.assertIn(empty)
  }))

test('a transaction that a dead member left open is ended by fencing it, not by its time-out', () =>
  inSetting(async ({ running, table, store, recover }) => {
    const counts = await table()
    await counts.cut(100)
    const { position } = counts
    const kept = new Map(counts.rows)
    await counts.append(50)
    const beganMs = running.clock.now()
    const empty = await store()
    await recover(empty, [counts.table], { committed: position, departed: ['owner', 'self'] })
    assert.ok(running.clock.now() - beganMs < 20_000)
    counts.position = position
    counts.rows.clear()
    for (const [key, value] of kept) counts.rows.set(key, value)
    await counts.assertIn(empty)
  }))

test('a transaction that is still open is waited for', () =>
  inSetting(async ({ running, table, store, recover, producer }) => {
    const counts = await table()
    await counts.cut(100)
    await counts.append(50)
    running.clock.after(30_000, () => void producer.commit())
    const empty = await store()
    await recover(empty, [counts.table])
    await counts.assertIn(empty)
  }))

test('a restore that is called off stops, and the next one goes on', () =>
  inSetting(async ({ table, store, recover, producer }) => {
    const counts = await table()
    await counts.cut(2000)
    await counts.append(50)
    const own = await store()
    const reason = new Error('revoked')
    const calling = new AbortController()
    const recovering = recover(own, [counts.table], { signal: calling.signal })
    setImmediate(() => calling.abort(reason))
    await assert.rejects(recovering, reason)
    await producer.commit()
    await recover(own, [counts.table])
    await counts.assertIn(own)
  }))

const lost = (message: RegExp) => (error: EuphorionError) => {
  assert.equal(error.code, 'STATE_LOST')
  assert.match(error.message, message)
  return true
}

test('a changelog of another shape is refused, and what was copied of it is not kept', () =>
  inSetting(async ({ table, store, recover }) => {
    const counts = await table()
    await counts.cut(300)
    const shape = JSON.stringify({ key: ['record key'], fields: [] })
    const changed = { ...counts.table, shape }
    const empty = await store()
    await assert.rejects(recover(empty, [changed]), (error: EuphorionError) => {
      assert.equal(error.code, 'TABLE_CHANGED')
      assert.match(error.message, /the aggregate n was removed/)
      return true
    })
  }))

test('a changelog that was made anew replaces what the disk has of the old one', () =>
  inSetting(async ({ log, table, store, recover, owner }) => {
    const old = await table()
    const own = await store()
    await old.cut(500, own)
    await log.deleteTopic(old.table.changelog)
    const counts = await table('counts', await owner('next'))
    for (let i = 0; i < 20; i++) await counts.cut(100)
    const { lines } = await recover(own, [counts.table], { committed: counts.position })
    assert.ok(lines.includes('state on disk is dropped and copied anew from the changelog'))
    await counts.assertIn(own)
  }))

test('a changelog that has less than the group has read is lost state, or is counted anew', () =>
  inSetting(async ({ running, log, table, store, recover, owner }) => {
    const counts = await table()
    await counts.cut(500)
    const empty = await store()
    const committed = counts.position + 1
    const behind = /up to offset 500 of t, but the group has read to 501/
    await assert.rejects(recover(empty, [counts.table], { committed }), lost(behind))
    const code = { onStateLost: 'rebuild' }
    const { kept } = await recover(empty, [counts.table], { committed, code })
    assert.equal(kept, false)
    const again = new ChangedTable(log, await owner('next'), {
      table: counts.table,
      partition: 0,
      clock: running.clock,
      random: seededRandom(2),
    })
    await again.cut(50, empty)
    await again.assertIn(empty)
    const other = await store()
    await recover(other, [counts.table], { committed: again.position })
    await again.assertIn(other)
  }))

test('a table that is younger than the offsets of its group may be behind them, until it is not', () =>
  inSetting(async ({ table, store, recover }) => {
    const counts = await table()
    const own = await store()
    counts.isBehind = true
    await counts.cut(100, own)
    const committed = 150
    await recover(own, [counts.table], { committed })
    await recover(await store(), [counts.table], { committed })
    counts.isBehind = false
    await counts.cut(100, own)
    await recover(own, [counts.table], { committed: 200 })
    const empty = await store()
    await assert.rejects(
      recover(empty, [counts.table], { committed: 201 }),
      lost(/up to offset 200/),
    )
  }))

/** A store that takes so many batches and loads, and then fails. */
function failingAfter(store: Store, writes: number): Store {
  let left = writes
  const spend = (): void => {
    if (left-- <= 0) throw new EuphorionError('STORE_FAILED', 'no more')
  }
  return {
    kind: store.kind,
    get: (key) => store.get(key),
    getMany: (keys) => store.getMany(keys),
    getDeltas: (rows) => store.getDeltas(rows),
    scan: (options) => store.scan(options),
    scanRows: (options) => store.scanRows(options),
    deleteRange: async (gte, lt) => {
      spend()
      await store.deleteRange(gte, lt)
    },
    load: () => {
      const load = store.load()
      return { ...load, finish: () => load.finish(), putRows: (rows) => load.putRows(rows) }
    },
    batch: () => {
      const batch = store.batch()
      return {
        putRows: (rows) => batch.putRows(rows),
        put: (key, value) => batch.put(key, value),
        delete: (key) => batch.delete(key),
        drop: () => batch.drop(),
        commit: async (options) => {
          spend()
          await batch.commit(options)
        },
      }
    },
    close: () => store.close(),
  }
}

test('a restore that is interrupted at any write goes on from there', () =>
  inSetting(async ({ log, table, store, recover, owner }) => {
    const old = await table()
    const own = await store()
    await old.cut(300, own)
    await log.deleteTopic(old.table.changelog)
    const counts = await table('counts', await owner('next'))
    for (let i = 0; i < 6; i++) await counts.cut(500)
    let tries = 0
    for (let isDone = false; !isDone; tries++) {
      const failing = failingAfter(own, 1 + (tries % 3))
      isDone = await recover(failing, [counts.table], { committed: counts.position }).then(
        () => true,
        (error: EuphorionError) => {
          assert.equal(error.code, 'STORE_FAILED')
          return false
        },
      )
    }
    assert.ok(tries > 3, `${tries} tries`)
    await counts.assertIn(own)
  }))

test('a store that was away for longer than deletions are kept is copied anew', () =>
  inSetting(async ({ running, table, store, recover }) => {
    const counts = await table()
    const own = await store()
    await counts.cut(10, own)
    for (let i = 0; i < 10; i++) await counts.cut(300)
    await new Promise<void>((resolve) => void running.clock.after(25 * 3_600_000, resolve))
    const { lines } = await recover(own, [counts.table], { committed: counts.position })
    assert.ok(lines.includes('state on disk is dropped and copied anew from the changelog'))
    await counts.assertIn(own)
  }))

test('a hundred partitions are recovered together, with few questions to the log', () =>
  inSetting(async ({ running, log, producer, store }) => {
    const table = plainTable('many')
    await log.createTopic(table.changelog, { partitions: 100 })
    const random = seededRandom(5)
    const all = Array.from({ length: 100 }, (_, partition) => {
      return new ChangedTable(log, producer, { table, partition, clock: running.clock, random })
    })
    for (const each of all) await each.append(20)
    await producer.commit()
    let asked = 0
    const counting = new Proxy(log, {
      get(target, name) {
        if (name === 'offsets') asked++
        const member = Reflect.get(target, name)
        return typeof member === 'function' ? member.bind(target) : member
      },
    })
    const { recovery } = recoveryOn(counting, running.clock)
    const stores = await Promise.all(all.map(() => store()))
    const open = async (each: ChangedTable, index: number): Promise<void> => {
      const place = { topic: 't', partition: each.partition }
      await recovery.open(place, stores[index], [await numbered(stores[index], table)], 20)
    }
    await Promise.all(all.map(open))
    for (const [index, each] of all.entries()) await each.assertIn(stores[index])
    assert.ok(asked < 10, `asked ${asked} times`)
    await recovery.close()
  }))

/** The log, whose readers first do this instead of a fetch. */
function withFetch(log: Log, first: (() => Promise<never>)[]): Log {
  const reader: Log['reader'] = async (options) => {
    const whole = await log.reader(options)
    const fetch: typeof whole.fetch = (target, wants, signal) =>
      first.shift()?.() ?? whole.fetch(target, wants, signal)
    return {
      add: (topic, partition, offset) => whole.add(topic, partition, offset),
      remove: (topic, partition) => whole.remove(topic, partition),
      wake: () => whole.wake(),
      close: () => whole.close(),
      fetch,
    }
  }
  return new Proxy(log, {
    get(target, name) {
      if (name === 'reader') return reader
      const member = Reflect.get(target, name)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

test('a changelog that moves away while it is read is begun again; what can pass is waited for', () =>
  inSetting(async ({ running, log, table, store }) => {
    const counts = await table()
    for (let i = 0; i < 4; i++) await counts.cut(500)
    const at = { topic: counts.table.changelog, partition: 0 }
    const gone = new EuphorionError('OFFSET_OUT_OF_RANGE', 'gone', { place: { ...at, offset: 0 } })
    const passing = new EuphorionError('LOG_FAILED', 'no leader')
    const fail = (error: Error) => () => Promise.reject(error)
    const failing = withFetch(log, [fail(passing), fail(gone), fail(passing)])
    const { recovery, lines } = recoveryOn(failing, running.clock)
    const empty = await store()
    await recovery.open(place, empty, [await numbered(empty, counts.table)], counts.position)
    await counts.assertIn(empty)
    assert.ok(lines.some(({ message }) => message === 'changelogs cannot be read; trying again'))
    await recovery.close()
  }))

test('a batch that is larger than a region gets one of its own', () =>
  inSetting(async ({ table, store, recover, producer }) => {
    const counts = await table()
    counts.batchBytesMax = 1 << 20
    await counts.append(4000)
    await producer.commit()
    await counts.cut(100)
    const empty = await store()
    await recover(empty, [counts.table])
    await counts.assertIn(empty)
  }))

test('a table of a topic that agents read too may be behind the group, whose offset is theirs', () =>
  inSetting(async ({ running, log, table, store }) => {
    const counts = await table()
    await counts.cut(100)
    const { recovery } = recoveryOn(log, running.clock)
    const empty = await store()
    const shared = { ...(await numbered(empty, counts.table)), hasAgents: true }
    await recovery.open(place, empty, [shared], 500)
    await counts.assertIn(empty)
    await recovery.close()
  }))

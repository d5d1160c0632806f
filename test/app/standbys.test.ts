// Copies of other members' state: they follow, are taken over without being closed, and are told of.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { seededRandom } from '../../src/clock.ts'
import type { Log, TopicPartition } from '../../src/log/log.ts'
import { readChangelogPosition } from '../../src/table/meta.ts'
import { openStore } from '../../src/table/open.ts'
import type { Store } from '../../src/table/store.ts'
import { APP, ChangedTable, numbered, plainTable, recoveryOn } from '../support/recovered.ts'
import { RunningCluster } from '../support/simulated_cluster.ts'

const place = { topic: 't', partition: 0 }
const view = { actives: [], warmups: [], hosts: [], departed: [] }

interface Setting {
  readonly running: RunningCluster
  readonly log: Log
  readonly directory: string
  readonly counts: ChangedTable
  readonly opened: Store[]
  readonly closed: Store[]
  readonly rejoined: string[]
  readonly lines: { readonly message: string }[]
  readonly recovery: ReturnType<typeof recoveryOn>['recovery']
  /** Resolves when it is so; virtual time goes on. */
  until(isSo: () => boolean | Promise<boolean>): Promise<void>
}

async function inSetting(work: (setting: Setting) => Promise<void>, code: object = {}) {
  const running = new RunningCluster()
  const log = running.log()
  const directory = await mkdtemp(join(tmpdir(), 'euphorion-standbys-'))
  const options = { transactionalId: 'owner', transactionTimeoutMs: 60_000 }
  const producer = await log.transactionalProducer(options)
  const table = plainTable('counts')
  await log.createTopic(table.changelog, { partitions: 2 })
  const random = seededRandom(1)
  const counts = new ChangedTable(log, producer, {
    table,
    partition: 0,
    clock: running.clock,
    random,
  })
  const opened: Store[] = []
  const closed: Store[] = []
  const rejoined: string[] = []
  const open = async ({ topic, partition }: TopicPartition): Promise<Store> => {
    const path = join(directory, APP, 'tables', topic, String(partition))
    const kind = (code as { store?: 'rocksdb' }).store ?? 'memory'
    const store = await openStore(kind, path)
    const close = store.close.bind(store)
    store.close = () => {
      closed.push(store)
      return close()
    }
    opened.push(store)
    return store
  }
  const settings = { standbyReplicas: 1, acceptableLag: 100, dataDir: directory, ...code }
  const { recovery, lines } = recoveryOn(log, running.clock, settings, {
    tables: [table],
    openStore: open,
    rejoin: (reason) => rejoined.push(reason),
  })
  const until: Setting['until'] = async (isSo) => {
    while (!(await isSo()))
      await new Promise<void>((resolve) => void running.clock.after(50, resolve))
  }
  const setting = { running, log, directory, counts, opened, closed, rejoined, lines, recovery }
  try {
    await work({ ...setting, until })
  } finally {
    await recovery.close()
    await log.close()
    await running.stop()
    await rm(directory, { recursive: true, force: true })
  }
}

const lagOf = ({ recovery }: Pick<Setting, 'recovery'>) => recovery.held()[0]?.lag

test('a copy follows its changelog, and its lag is told', () =>
  inSetting(async (setting) => {
    const { recovery, counts, until, opened, log } = setting
    await counts.cut(1000)
    await recovery.standbys([place])
    await until(() => lagOf(setting) === 0)
    await counts.cut(500)
    const { latest } = (await log.offsets(counts.table.changelog))[0]
    const copied = async () => (await readChangelogPosition(opened[0], 1))?.nextOffset ?? 0
    await until(async () => (await copied()) >= latest)
    assert.deepEqual(recovery.held(), [{ ...place, lag: 0 }])
    assert.equal(recovery.copy('counts', 0)?.store, opened[0])
    assert.equal(recovery.copy('counts', 1), undefined)
  }))

test('a copy is taken over as it is, and only the rest is read', () =>
  inSetting(async (setting) => {
    const { recovery, counts, until, opened, closed } = setting
    await counts.cut(2000)
    await recovery.standbys([place])
    await until(() => lagOf(setting) === 0)
    await counts.cut(30)
    recovery.group({ ...view, actives: [place] })
    await recovery.standbys([])
    const store = await recovery.take(place)
    assert.equal(store, opened[0])
    await recovery.open(place, store, [await numbered(store, counts.table)], counts.position)
    await counts.assertIn(store)
    assert.deepEqual(closed, [])
    assert.deepEqual(recovery.held(), [])
    await store.close()
  }))

test('a store that leaves its task becomes a copy without being closed', () =>
  inSetting(async (setting) => {
    const { recovery, counts, until, opened, closed } = setting
    const own = await openStore('memory', '')
    await counts.cut(100, own)
    await recovery.leave(place, own)
    await recovery.standbys([place])
    await counts.cut(40)
    await until(() => lagOf(setting) === 0 && recovery.copy('counts', 0) !== undefined)
    const taken = await recovery.take(place)
    assert.equal(taken, own)
    await recovery.open(place, own, [await numbered(own, counts.table)], counts.position)
    await counts.assertIn(own)
    assert.deepEqual([opened, closed], [[], []])
  }))

test('a copy that is not wanted any more is closed, not at once', () =>
  inSetting(async (setting) => {
    const { recovery, counts, until, running, closed } = setting
    await counts.cut(100)
    await recovery.standbys([place])
    await until(() => lagOf(setting) === 0)
    const beganMs = running.clock.monotonic()
    await recovery.standbys([])
    assert.equal(closed.length, 0)
    await until(() => closed.length === 1)
    assert.ok(running.clock.monotonic() - beganMs >= 5000)
    assert.deepEqual(recovery.held(), [])
  }))

test('the group is asked to move a partition once its copy is good enough, where it waits', () =>
  inSetting(async (setting) => {
    const { recovery, counts, until, rejoined } = setting
    await counts.cut(3000)
    recovery.group({ ...view, warmups: [place] })
    await recovery.standbys([place, { topic: 't', partition: 1 }])
    await until(() => rejoined.length > 0)
    await counts.cut(300)
    await until(() => lagOf(setting) === 0)
    assert.deepEqual(rejoined, ['a copy is warm'])
  }))

test('a copy that was good enough before the group waits for it is told of once', () =>
  inSetting(async (setting) => {
    const { recovery, counts, until, rejoined } = setting
    await counts.cut(300)
    await recovery.standbys([place])
    await until(() => lagOf(setting) === 0)
    assert.deepEqual(rejoined, [])
    for (let round = 0; round < 3; round++) recovery.group({ ...view, warmups: [place] })
    await until(() => rejoined.length > 0)
    await counts.cut(10)
    recovery.group({ ...view, warmups: [place] })
    await until(() => lagOf(setting) === 0)
    assert.deepEqual(rejoined, ['a copy is warm'])
  }))

test('a copy whose changelog is gone is tried again', () =>
  inSetting(async (setting) => {
    const { recovery, counts, until, lines, log } = setting
    await log.deleteTopic(counts.table.changelog)
    await recovery.standbys([place])
    await until(() => lines.some(({ message }) => message.startsWith('a copy cannot go on')))
    await log.createTopic(counts.table.changelog, { partitions: 2 })
    await until(() => lagOf(setting) === 0)
  }))

test('state on disk is told of before anybody opens it, and not once it is open', () =>
  inSetting(
    async (setting) => {
      const { recovery, counts, log, running, directory } = setting
      const path = join(directory, APP, 'tables', 't', '0')
      const own = await openStore('rocksdb', path)
      await counts.cut(100, own)
      await own.close()
      await counts.cut(20)
      const { latest } = (await log.offsets(counts.table.changelog))[0]
      await recovery.start()
      const [held] = recovery.held()
      assert.deepEqual([held.topic, held.partition], ['t', 0])
      assert.ok(held.lag >= 20 && held.lag < latest, `lag ${held.lag} of ${latest}`)
      recovery.group({ ...view, actives: [place] })
      assert.deepEqual(recovery.held(), [])
      assert.equal(await recovery.take(place), undefined)
      assert.ok(running.clock.now() > 0)
    },
    { store: 'rocksdb' },
  ))

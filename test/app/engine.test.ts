// The engine on a log that the test scripts: partitions come and go, commits fail.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { SharedMemory } from '../../src/batch/memory.ts'
import { EuphorionError } from '../../src/errors.ts'
import type { SinkBeginning } from '../../src/ingest/subscriber.ts'
import { openStore, type StoreOpener } from '../../src/table/open.ts'
import { settle } from '../support/manual_clock.ts'
import { byKey, tumbling } from '../support/plans.ts'
import { inTemporary } from '../support/running_app.ts'
import { counting, records, startEngine, until } from '../support/scripted_engine.ts'

test('a commit that fails for a moment is made up for by the next cut', async () => {
  const { engine, consumer, errors } = await startEngine([0])
  consumer.give(0, records(0, 'aab'))
  await until(() => engine.statistics()[0].counted === 3)
  consumer.commitFails = new EuphorionError('LOG_FAILED', 'not a member now')
  await engine.cut()
  assert.equal(engine.statistics()[0].storedOffset, 3)
  consumer.commitFails = undefined
  await engine.cut()
  assert.deepEqual(consumer.committed, [[{ topic: 't', partition: 0, offset: 3 }]])
  await engine.stop()
  assert.deepEqual(errors, [])
})

test('a partition whose last cut fails is given up all the same, and can come back', async () => {
  const { engine, consumer } = await startEngine([0, 1])
  consumer.give(0, records(0, 'aab'))
  await until(() => engine.statistics()[0].counted === 3)
  consumer.commitFails = new EuphorionError('STORE_FAILED', 'for good')
  await assert.rejects(consumer.revoke(0), consumer.commitFails)
  assert.deepEqual([...engine.stores('t').keys()], [1])
  consumer.commitFails = undefined
  await consumer.assign(0)
  assert.equal(engine.stores('t').size, 2)
  await engine.stop()
  assert.equal(engine.stores('t').size, 0)
})

test('a log that does not say where partitions begin is asked again, until the engine stops', async () => {
  const { engine, consumer, clock, errors, log } = await startEngine([0])
  const { offsets } = log
  log.offsets = () => Promise.reject(new EuphorionError('LOG_FAILED', 'no leader'))
  const before = clock.alarms
  const assigned = consumer.assign(1)
  await until(() => clock.alarms > before)
  log.offsets = offsets
  await clock.advance(1000)
  await assigned
  assert.equal(engine.stores('t').size, 2)
  await consumer.revoke(1)
  log.offsets = () => Promise.reject(new EuphorionError('LOG_FAILED', 'no leader'))
  const refused = assert.rejects(consumer.assign(1), { code: 'LOG_FAILED' })
  await until(() => clock.alarms > before)
  assert.deepEqual(errors, [])
  const stopped = engine.stop()
  await clock.advance(1000)
  await refused
  await stopped
})

test('as many lanes as memory allows can all have a task at once', async () => {
  const many = Array.from({ length: 350 }, (_, i) => ({
    ...counting,
    plan: byKey({ name: `counts-${i}` }),
  }))
  const code = { backend: 'wasm', threads: 1, memoryMib: 256, laneRetries: 0 }
  const { engine, consumer } = await startEngine([0], code, many)
  consumer.give(0, records(0, 'aab'))
  await until(() => engine.statistics().every(({ counted, stopped }) => counted === 3 || stopped))
  assert.ok(engine.statistics().every(({ stopped }) => !stopped))
  await engine.stop()
})

test('stores are opened by what the engine is given for it', async () => {
  const opened: string[] = []
  const open: StoreOpener = (_setting, path) => {
    opened.push(path)
    return openStore('memory', path)
  }
  const code = { store: 'rocksdb', dataDir: 'nowhere' }
  const { engine } = await startEngine([0, 1], code, [counting], [], 0, open)
  await engine.stop()
  assert.deepEqual(
    opened,
    [0, 1].map((partition) => join('nowhere', 'app', 'tables', 't', String(partition))),
  )
})

test('abort gives no memory away that a lane may still be writing to', async () => {
  const { engine, consumer } = await startEngine([0], { backend: 'wasm', threads: 1 })
  const executor = engine.executor!
  let running = 0
  executor.run = () => new Promise(() => running++)
  const freed: number[] = []
  const free = SharedMemory.prototype.free
  SharedMemory.prototype.free = function (address) {
    freed.push(address)
    free.call(this, address)
  }
  try {
    consumer.give(0, records(0, 'aab'))
    await until(() => running === 1)
    await engine.abort()
  } finally {
    SharedMemory.prototype.free = free
  }
  assert.deepEqual(freed, [])
})

test('a partition that cannot be opened says why, when other lanes of it were open already', async () => {
  const changed = { ...counting, plan: { ...counting.plan, window: tumbling(10) } }
  const code = { backend: 'wasm', threads: 1 }
  const { engine, consumer } = await startEngine([], code, [counting, changed])
  await assert.rejects(consumer.assign(0), { code: 'TABLE_CHANGED' })
  await engine.stop()
})

test('an agent that the group has beyond the end of the log is told so, and skips nothing', async () => {
  const open = (_partition: number, { startOffset }: SinkBeginning) => ({
    stopped: false,
    holds: false,
    push: async () => true,
    acknowledged: () => startOffset,
    pause: async () => undefined,
    resume: () => undefined,
    stall: () => undefined,
    spoiled: undefined,
    close: async () => undefined,
  })
  const { engine, consumer } = await startEngine([], {}, [counting], [{ topic: 't', open }])
  await consumer.assignAt(1000, 0)
  await assert.rejects(consumer.assignAt(1001, 1), { code: 'OFFSET_OUT_OF_RANGE' })
  await engine.stop()
})

test('after a cut that failed for good nothing more is consumed', async () => {
  const { engine, consumer, clock, errors } = await startEngine([0])
  consumer.give(0, records(0, 'aab'))
  await until(() => engine.statistics()[0].counted === 3)
  consumer.commitFails = new EuphorionError('STORE_FAILED', 'for good')
  await clock.advance(250)
  await until(() => errors.length > 0)
  assert.deepEqual(errors, [consumer.commitFails])
  consumer.give(0, records(3, 'aab'))
  for (let i = 0; i < 10; i++) await settle()
  assert.equal(engine.statistics()[0].counted, 3)
  consumer.commitFails = undefined
  await engine.stop()
})

test('what is lost is stored, and not committed to a group that has given it to others', async () => {
  const { engine, consumer } = await startEngine([0])
  const store = engine.stores('t').get(0)!
  let batches = 0
  const { batch } = store
  store.batch = () => {
    batches++
    return batch.call(store)
  }
  consumer.give(0, records(0, 'aab'))
  await until(() => engine.statistics()[0].counted === 3)
  await consumer.lose(0)
  assert.ok(batches > 0)
  assert.deepEqual(consumer.committed, [])
  await engine.stop()
})

test('a worker says which partitions come and go', async () => {
  const { engine, consumer, lines } = await startEngine([0, 1])
  await consumer.revoke(1)
  await consumer.lose(0)
  await engine.stop()
  assert.deepEqual(lines, [
    'partitions assigned: {"partitions":{"t":"0-1"},"held":2}',
    'partitions revoked: {"partitions":{"t":"1"},"held":1}',
    'partitions lost: {"partitions":{"t":"0"},"held":0}',
  ])
})

test('what the topic has let go of is not counted, although a batch still has it', async () => {
  const { engine, consumer } = await startEngine([0], {}, [counting], [], 3)
  consumer.give(0, records(0, 'aabbb'))
  await until(() => engine.statistics()[0].nextOffset === 5)
  assert.equal(engine.statistics()[0].counted, 2)
  await engine.stop()
})

test('partitions that cannot be taken over end the worker', async () => {
  const { engine, consumer, errors, log } = await startEngine([0])
  const refused = new EuphorionError('ACCESS_DENIED', 'not yours')
  log.offsets = () => Promise.reject(refused)
  await assert.rejects(consumer.assign(1), refused)
  assert.deepEqual(errors, [refused])
  await engine.stop()
})

test('a partition whose store another process still has waits for it; others go on', async () => {
  await inTemporary(async (dataDir) => {
    const code = { store: 'rocksdb', dataDir }
    const { engine, consumer, clock, lines } = await startEngine([0], code)
    const path = join(dataDir, 'app', 'tables', 't', '1')
    const hanging = await openStore('rocksdb', path)
    await consumer.assign(1)
    assert.match(lines.at(-1)!, /^a partition waits until its store is free: .*"partition":1/)
    consumer.give(0, records(0, 'aab'))
    await until(() => engine.statistics()[0].counted === 3)
    await clock.advance(1000)
    await hanging.close()
    while (engine.statistics().length < 2) {
      await clock.advance(100)
      await settle()
    }
    assert.deepEqual(consumer.sought, [{ topic: 't', partition: 1, offset: 0 }])
    assert.equal(lines.filter((line) => line.startsWith('a partition waits')).length, 1)
    consumer.give(1, records(0, 'ab'))
    await until(() => engine.statistics()[1].counted === 2)
    await engine.stop()
  })
})

test('a partition that goes while it waits for its store is not tried again', async () => {
  await inTemporary(async (dataDir) => {
    const { engine, consumer, clock } = await startEngine([0], { store: 'rocksdb', dataDir })
    const path = join(dataDir, 'app', 'tables', 't', '1')
    const hanging = await openStore('rocksdb', path)
    await consumer.assign(1)
    await consumer.revoke(1)
    await hanging.close()
    await clock.advance(2000)
    await (await openStore('rocksdb', path)).close()
    assert.equal(engine.statistics().length, 1)
    await engine.stop()
  })
})

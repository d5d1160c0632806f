// Transactions on the embedded log beyond the contract: what is left when it is opened again, and
// what its own clock and its own groups do to them.
import assert from 'node:assert/strict'
import { cp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { type EmbeddedLog, openEmbeddedLog } from '../../src/log/embedded/embedded_log.ts'
import { inDirectory, openOwned, readAll, withLog } from '../support/embedded.ts'
import {
  appendTo,
  everything,
  numbered,
  openConsumer,
  Reader,
  rejectsWith,
  values,
} from '../support/log.ts'
import { ManualClock, settle } from '../support/manual_clock.ts'

const begin = (log: EmbeddedLog, transactionalId = 'id') =>
  log.transactionalProducer({ transactionalId, transactionTimeoutMs: 60_000 })

const committed = async (log: EmbeddedLog, partition = 0) =>
  values(await readAll(log, 't', partition))

/** As after kill -9. */
async function snapshot(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true })
  await cp(from, to, { recursive: true, filter: (path) => !/log\.sock$|lock\.\d+$/.test(path) })
}

describe('embedded log, transactions', () => {
  it('counts what is committed and hides what is open or aborted', () =>
    inDirectory((directory) =>
      withLog(directory, {}, async (log) => {
        await log.createTopic('t', { partitions: 2 })
        const producer = await begin(log)
        await producer.append('t', 0, numbered(2, 'a'))
        await producer.append('t', 1, numbered(1, 'a'))
        await appendTo(log, 't', 0, numbered(1, 'plain'))
        assert.deepEqual(await committed(log), [])
        assert.equal(producer.isOpen, true)
        await producer.commit()
        assert.equal(producer.isOpen, false)
        assert.deepEqual(await committed(log), ['a0', 'a1', 'plain0'])
        await producer.append('t', 0, numbered(2, 'b'))
        await producer.abort()
        await producer.append('t', 0, numbered(1, 'c'))
        await producer.commit()
        assert.deepEqual(await committed(log), ['a0', 'a1', 'plain0', 'c0'])
        assert.deepEqual(await committed(log, 1), ['a0'])
        const consumer = await openConsumer(log, ['t'])
        const reader = new Reader(consumer)
        assert.deepEqual(values(await reader.take(5)).sort(), ['a0', 'a0', 'a1', 'c0', 'plain0'])
        await consumer.close()
      }),
    ))

  it('a reader gets what is committed as soon as it is', () =>
    inDirectory((directory) =>
      withLog(directory, {}, async (log) => {
        await log.createTopic('t', { partitions: 1 })
        const producer = await begin(log)
        const reader = await log.reader()
        reader.add('t', 0, 0)
        const target = new Uint8Array(4096)
        const first = reader.fetch(target, everything)
        await producer.append('t', 0, numbered(2))
        await settle()
        await producer.commit()
        const result = await first
        assert.equal(result.kind, 'batches')
        reader.add('t', 0, 77)
        await assert.rejects(reader.fetch(target, everything), rejectsWith('OFFSET_OUT_OF_RANGE'))
        const waiting = reader.fetch(target, everything)
        await reader.close()
        assert.equal((await waiting).kind, 'closed')
      }),
    ))

  it('who has the id last fences those before, and aborts what they left open', () =>
    inDirectory((directory) =>
      withLog(directory, {}, async (log) => {
        await log.createTopic('t', { partitions: 1 })
        const old = await begin(log)
        await old.append('t', 0, numbered(1, 'old'))
        const next = await begin(log)
        await assert.rejects(old.append('t', 0, numbered(1, 'x')), rejectsWith('FENCED'))
        await assert.rejects(old.commit(), rejectsWith('FENCED'))
        await next.append('t', 0, numbered(1, 'new'))
        await next.commit()
        await next.append('t', 0, numbered(1, 'open'))
        await log.fence('id')
        await log.fence('nobody')
        await assert.rejects(next.commit(), rejectsWith('FENCED'))
        assert.deepEqual(await committed(log), ['new0'])
      }),
    ))

  it('offsets go with the transaction, and only of partitions that the consumer holds', () =>
    inDirectory((directory) =>
      withLog(directory, {}, async (log) => {
        await log.createTopic('t', { partitions: 2 })
        const consumer = await openConsumer(log, ['t'], { groupId: 'g' })
        await settle()
        const producer = await begin(log)
        await producer.append('t', 0, numbered(1))
        await producer.commitOffsets(consumer, [{ topic: 't', partition: 0, offset: 5 }])
        const stable = log.committed('g', 't')
        await producer.commit()
        assert.deepEqual([...(await stable)], [[0, 5]])
        await producer.commitOffsets(consumer, [{ topic: 't', partition: 0, offset: 6 }])
        await producer.abort()
        assert.deepEqual([...(await log.committed('g', 't'))], [[0, 5]])
        await consumer.close()
        await assert.rejects(
          producer.commitOffsets(consumer, [{ topic: 't', partition: 0, offset: 7 }]),
          rejectsWith('LOG_FAILED'),
        )
        await assert.rejects(producer.commit(), rejectsWith('TRANSACTION_ABORTED'))
        await producer.append('t', 1, numbered(1))
        await producer.commit()
      }),
    ))

  it('the log aborts what is left open for too long', () =>
    inDirectory(async (directory) => {
      const clock = new ManualClock(1_700_000_000_000)
      await withLog(directory, { clock, fsync: 'never' }, async (log) => {
        await log.createTopic('t', { partitions: 1 })
        const producer = await begin(log)
        await producer.append('t', 0, numbered(1, 'late'))
        await appendTo(log, 't', 0, numbered(1, 'plain'))
        await clock.advance(60_001)
        await settle()
        await assert.rejects(
          producer.append('t', 0, numbered(1)),
          rejectsWith('TRANSACTION_ABORTED'),
        )
        await assert.rejects(producer.commit(), rejectsWith('TRANSACTION_ABORTED'))
        await producer.append('t', 0, numbered(1, 'next'))
        await producer.commit()
        assert.deepEqual(await committed(log), ['plain0', 'next0'])
      })
    }))

  it('after kill -9 decided transactions count and open ones do not', () =>
    inDirectory(async (directory) => {
      const live = join(directory, 'live')
      const copy = join(directory, 'copy')
      await withLog(live, {}, async (log) => {
        await log.createTopic('t', { partitions: 2 })
        const consumer = await openConsumer(log, ['t'], { groupId: 'g' })
        await settle()
        const [one, two] = [await begin(log, 'one'), await begin(log, 'two')]
        for (const producer of [one, two])
          for (const partition of [0, 1])
            await producer.append('t', partition, numbered(1, producer === one ? 'one' : 'two'))
        await one.commitOffsets(consumer, [{ topic: 't', partition: 0, offset: 1 }])
        await one.commit()
        await two.commitOffsets(consumer, [{ topic: 't', partition: 1, offset: 1 }])
        await snapshot(live, copy)
      })
      for (let again = 0; again < 2; again++)
        await withLog(copy, {}, async (log) => {
          for (const partition of [0, 1])
            assert.deepEqual(await committed(log, partition), ['one0'])
          assert.deepEqual([...(await log.committed('g', 't'))], [[0, 1]])
          await appendTo(log, 't', 0, [])
        })
      const log = await openOwned(copy)
      await log.close()
    }))

  it('a crash between the decision and its markers, in any of the partitions, changes nothing', () =>
    inDirectory(async (directory) => {
      const live = join(directory, 'live')
      const copy = join(directory, 'copy')
      await withLog(live, {}, async (log) => {
        await log.createTopic('t', { partitions: 3 })
        const consumer = await openConsumer(log, ['t'], { groupId: 'g' })
        await settle()
        const producer = await begin(log)
        for (const turn of [1, 2]) {
          for (const partition of [0, 1, 2])
            await producer.append('t', partition, numbered(1, 'v', turn))
          await producer.commitOffsets(consumer, [{ topic: 't', partition: 0, offset: turn }])
          await producer.commit()
        }
        for (let missing = 1; missing < 8; missing++)
          for (const decided of [true, false]) {
            // Where the decision is missing no marker can be there.
            if (!decided && missing !== 7) continue
            await snapshot(live, copy)
            for (const partition of [0, 1, 2])
              if ((missing & (1 << partition)) !== 0)
                await cut(segmentOf(copy, partition), markerBytes)
            if (!decided) await cut(join(copy, 'transactions'), 1)
            await withLog(copy, {}, async (again) => {
              const expected = decided ? ['v1', 'v2'] : ['v1']
              for (const partition of [0, 1, 2])
                assert.deepEqual(await committed(again, partition), expected)
              assert.deepEqual([...(await again.committed('g', 't'))], [[0, expected.length]])
            })
          }
      })
    }))

  it('whoever reaches it through its owner reads what is committed, and has no transactions', () =>
    inDirectory((directory) =>
      withLog(directory, {}, async (log) => {
        await log.createTopic('t', { partitions: 1 })
        const producer = await begin(log)
        await producer.append('t', 0, numbered(1, 'kept'))
        await producer.commit()
        await producer.append('t', 0, numbered(1, 'dropped'))
        await producer.abort()
        await producer.append('t', 0, numbered(1, 'open'))
        const remote = await openEmbeddedLog(directory, { remote: 'allow' })
        assert.deepEqual(values(await remote.read('t', 0, 0)), ['kept0'])
        assert.deepEqual(values(await remote.read('t', 0, 1)), [])
        assert.equal((await remote.topic('t')).id, (await log.topic('t')).id)
        assert.equal(remote.capabilities.transactions, false)
        const missing = rejectsWith('CAPABILITY_MISSING')
        const options = { transactionalId: 'id', transactionTimeoutMs: 60_000 }
        await assert.rejects(remote.transactionalProducer(options), missing)
        await assert.rejects(remote.fence('id'), missing)
        await assert.rejects(remote.reader(), missing)
        await remote.close()
      }),
    ))

  it('a damaged journal is refused, a torn last line is none', () =>
    inDirectory(async (directory) => {
      const live = join(directory, 'live')
      const copy = join(directory, 'copy')
      await withLog(live, {}, async (log) => {
        await log.createTopic('t', { partitions: 1 })
        const producer = await begin(log)
        for (const turn of [1, 2]) {
          await producer.append('t', 0, numbered(1, 'v', turn))
          await producer.commit()
        }
        await snapshot(live, copy)
      })
      const path = join(copy, 'transactions')
      const bytes = await readFile(path)
      const damaged = Buffer.from(bytes)
      damaged[damaged.indexOf('producerId')] ^= 1
      await writeFile(path, damaged)
      await assert.rejects(openOwned(copy), rejectsWith('LOG_CORRUPT'))
      await writeFile(path, Buffer.concat([bytes, bytes.subarray(0, 20)]))
      await withLog(copy, {}, async (log) => {
        assert.deepEqual(await committed(log), ['v1', 'v2'])
      })
    }))
})

/** Of an end marker as a batch. */
const markerBytes = 78

const segmentOf = (directory: string, partition: number) =>
  join(directory, 'topics', 'topic-t', String(partition), '00000000000000000000.log')

async function cut(path: string, bytes: number): Promise<void> {
  const { size } = await stat(path)
  await truncate(path, size - bytes)
}

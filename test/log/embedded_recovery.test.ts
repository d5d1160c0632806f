// What the embedded log makes of the files that it finds: torn tails, damage, missing indexes.
import assert from 'node:assert/strict'
import { cp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { encodeBatch } from '../../src/wire/record_batch.ts'
import { inDirectory, openOwned, readAll, withLog } from '../support/embedded.ts'
import { appendTo, numbered, rejectsWith, values } from '../support/log.ts'

const partitionOf = (directory: string, topic = 't') =>
  join(directory, 'topics', `topic-${topic}`, '0')
const firstSegment = (directory: string) => join(partitionOf(directory), '00000000000000000000.log')

/** As after kill -9: the files of an open log, without what a clean close writes. */
async function snapshot(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true })
  await cp(from, to, { recursive: true, filter: (path) => !/log\.sock$|lock\.\d+$/.test(path) })
}

const asValues = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => `v${from + i}`)

describe('embedded log, recovery', () => {
  it('opens what was closed, with groups and topics', () =>
    inDirectory(async (directory) => {
      await withLog(directory, {}, async (log) => {
        await log.createTopic('Upper', { partitions: 2 })
        await log.createTopic('upper', { partitions: 1 })
        await appendTo(log, 'Upper', 1, numbered(3))
        const consumer = await log.consumer({
          groupId: 'g/ü',
          topics: ['Upper'],
          onAssigned: async () => [],
          onRevoked: async () => {},
        })
        await consumer.commit([{ topic: 'Upper', partition: 1, offset: 2 }])
      })
      await withLog(directory, {}, async (log) => {
        assert.deepEqual(
          (await log.topics()).map(({ name, partitions }) => [name, partitions]),
          [
            ['Upper', 2],
            ['upper', 1],
          ],
        )
        assert.deepEqual(values(await readAll(log, 'Upper', 1)), asValues(3))
        assert.deepEqual([...(await log.committed('g/ü', 'Upper'))], [[1, 2]])
        assert.equal(await appendTo(log, 'Upper', 1, numbered(1, 'w')), 3)
        await log.deleteTopic('Upper')
        assert.equal((await log.topics()).length, 1)
        await log.createTopic('Upper', { partitions: 2 })
        assert.equal((await log.committed('g/ü', 'Upper')).size, 0)
      })
    }))

  it('cuts a torn tail off, at every byte of the last batch', () =>
    inDirectory(async (directory) => {
      const live = join(directory, 'live')
      await withLog(live, {}, async (log) => {
        await log.createTopic('t', { partitions: 1 })
        await appendTo(log, 't', 0, numbered(3))
        const whole = (await stat(firstSegment(live))).size
        await appendTo(log, 't', 0, numbered(2, 'v', 3))
        const bytes = await readFile(firstSegment(live))
        const torn = join(directory, 'torn')
        for (let size = whole; size < bytes.length; size++) {
          await snapshot(live, torn)
          await writeFile(firstSegment(torn), bytes.subarray(0, size))
          await withLog(torn, {}, async (again) => {
            assert.deepEqual(values(await readAll(again, 't')), asValues(3), `cut at ${size}`)
            assert.equal(await appendTo(again, 't', 0, numbered(1, 'v', 3)), 3)
            assert.deepEqual(values(await readAll(again, 't')), asValues(4))
          })
        }
      })
    }))

  it('cuts off a last batch with any wrong byte, and zeros behind the last', () =>
    inDirectory(async (directory) => {
      const live = join(directory, 'live')
      await withLog(live, {}, async (log) => {
        await log.createTopic('t', { partitions: 1 })
        await appendTo(log, 't', 0, numbered(3))
        const whole = (await stat(firstSegment(live))).size
        await appendTo(log, 't', 0, numbered(1, 'v', 3))
        const bytes = await readFile(firstSegment(live))
        const torn = join(directory, 'torn')
        for (let at = whole; at < bytes.length; at += 3) {
          if (at >= whole + 12 && at < whole + 16) continue
          const damaged = Buffer.from(bytes)
          damaged[at] ^= 0x81
          await snapshot(live, torn)
          await writeFile(firstSegment(torn), damaged)
          await withLog(torn, {}, async (again) => {
            const found = values(await readAll(again, 't'))
            assert.deepEqual(found, asValues(3), `byte ${at - whole}`)
          })
        }
        await snapshot(live, torn)
        await writeFile(firstSegment(torn), Buffer.concat([bytes, Buffer.alloc(5000)]))
        await withLog(torn, {}, async (again) => {
          assert.deepEqual(values(await readAll(again, 't')), asValues(4))
        })
      })
    }))

  it('refuses damage before the tail, and changes nothing', () =>
    inDirectory(async (directory) => {
      const live = join(directory, 'live')
      await withLog(live, {}, async (log) => {
        await log.createTopic('t', { partitions: 1 })
        for (let i = 0; i < 3; i++) await appendTo(log, 't', 0, numbered(2, 'v', i * 2))
        const damaged = await readFile(firstSegment(live))
        damaged[damaged.length >> 1] ^= 1
        const copy = join(directory, 'copy')
        await snapshot(live, copy)
        await writeFile(firstSegment(copy), damaged)
        for (let again = 0; again < 2; again++)
          await assert.rejects(openOwned(copy), rejectsWith('LOG_CORRUPT'))
        assert.deepEqual(await readFile(firstSegment(copy)), damaged)
      })
    }))

  it('tools notice damage that an index file hides, and other partitions go on', () =>
    inDirectory(async (directory) => {
      await withLog(directory, {}, async (log) => {
        await log.createTopic('t', { partitions: 1 })
        await appendTo(log, 't', 0, numbered(5))
      })
      const bytes = await readFile(firstSegment(directory))
      bytes[bytes.length - 1] ^= 1
      await writeFile(firstSegment(directory), bytes)
      await withLog(directory, {}, async (log) => {
        await assert.rejects(log.read('t', 0, 0), rejectsWith('BATCH_CORRUPT'))
      })
    }))

  it('rebuilds missing, damaged and foreign index files', () =>
    inDirectory(async (directory) => {
      const config = { segmentBytes: 2000 }
      await withLog(directory, {}, async (log) => {
        await log.createTopic('t', { partitions: 1, config })
        for (let i = 0; i < 40; i++) await appendTo(log, 't', 0, numbered(5, 'v', i * 5))
      })
      const names = (await readdir(partitionOf(directory))).filter((n) => n.endsWith('.index'))
      assert.ok(names.length > 2, `several segments: ${names}`)
      for (const [i, name] of names.entries()) {
        const path = join(partitionOf(directory), name)
        const index = await readFile(path)
        if (i % 3 === 0) await rm(path)
        else if (i % 3 === 1) await writeFile(path, index.subarray(0, index.length - 1))
        else {
          index[17] ^= 1
          await writeFile(path, index)
        }
      }
      await withLog(directory, {}, async (log) => {
        assert.deepEqual(values(await readAll(log, 't')), asValues(200))
        for (const from of [0, 1, 77, 199])
          assert.equal((await log.read('t', 0, from, 1))[0].offset, from)
        assert.equal(await appendTo(log, 't', 0, numbered(1)), 200)
      })
    }))

  it('a truncated ended segment is damage', () =>
    inDirectory(async (directory) => {
      await withLog(directory, {}, async (log) => {
        await log.createTopic('t', { partitions: 1, config: { segmentBytes: 2000 } })
        for (let i = 0; i < 40; i++) await appendTo(log, 't', 0, numbered(5, 'v', i * 5))
      })
      const bytes = await readFile(firstSegment(directory))
      await writeFile(firstSegment(directory), bytes.subarray(0, bytes.length - 1))
      await assert.rejects(openOwned(directory), rejectsWith('LOG_CORRUPT'))
    }))
})

describe('embedded log, idempotent append', () => {
  const batch = (sequence: number, count: number, epoch = 0) =>
    encodeBatch(numbered(count, 'v', sequence), {
      producerId: 42,
      producerEpoch: epoch,
      baseSequence: sequence,
    })

  it('stores a repeated batch once, also after kill -9 and after a clean close', () =>
    inDirectory(async (directory) => {
      const live = join(directory, 'live')
      const killed = join(directory, 'killed')
      await withLog(live, {}, async (log) => {
        await log.createTopic('t', { partitions: 1 })
        for (let i = 0; i < 8; i++)
          assert.equal(await log.appendBatches('t', 0, batch(i * 2, 2)), i * 2)
        const both = await Promise.all(
          [batch(16, 2), batch(16, 2)].map((b) => log.appendBatches('t', 0, b)),
        )
        assert.deepEqual(both, [16, 16])
        await snapshot(live, killed)
      })
      for (const place of [killed, live])
        await withLog(place, {}, async (again) => {
          for (const sequence of [16, 14, 12, 10, 8])
            assert.equal(await again.appendBatches('t', 0, batch(sequence, 2)), sequence)
          assert.equal(await again.appendBatches('t', 0, batch(18, 1)), 18)
          assert.deepEqual(values(await readAll(again, 't')), asValues(19))
        })
    }))

  it('refuses a gap and an old epoch, and lets a new epoch begin', () =>
    inDirectory((directory) =>
      withLog(directory, {}, async (log) => {
        await log.createTopic('t', { partitions: 1 })
        await log.appendBatches('t', 0, batch(0, 2))
        await assert.rejects(log.appendBatches('t', 0, batch(5, 2)), rejectsWith('LOG_FAILED'))
        assert.equal(await log.appendBatches('t', 0, batch(0, 1, 1)), 2)
        await assert.rejects(log.appendBatches('t', 0, batch(2, 2, 0)), rejectsWith('LOG_FAILED'))
        assert.equal(await log.appendBatches('t', 0, batch(1, 1, 1)), 3)
      }),
    ))

  it('refuses bytes that are not whole batches', () =>
    inDirectory((directory) =>
      withLog(directory, {}, async (log) => {
        await log.createTopic('t', { partitions: 1 })
        const good = encodeBatch(numbered(2))
        for (const bad of [good.slice(0, -1), new Uint8Array([...good, 0]), new Uint8Array(70)])
          await assert.rejects(log.appendBatches('t', 0, bad), rejectsWith('LOG_FAILED'))
        assert.equal(await log.appendBatches('t', 0, new Uint8Array([...good, ...good])), 0)
        assert.deepEqual(
          (await readAll(log, 't')).map((r) => r.offset),
          [0, 1, 2, 3],
        )
      }),
    ))
})

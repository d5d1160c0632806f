// Retention and compaction of the embedded log, while it is read and after it is opened again.
import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { EmbeddedLog } from '../../src/log/embedded/embedded_log.ts'
import type { Compression, LogRecord, StoredRecord } from '../../src/log/log.ts'
import { inDirectory, readAll, withLog } from '../support/embedded.ts'
import { everything, numbered, openConsumer, Reader, text, values } from '../support/log.ts'
import { ManualClock } from '../support/manual_clock.ts'

const files = async (directory: string, extension: string) =>
  (await readdir(join(directory, 'topics', 'topic-t', '0'))).filter((n) => n.endsWith(extension))

async function append(log: EmbeddedLog, records: LogRecord[], compression: Compression = 'none') {
  const producer = await log.producer({ compression })
  await producer.append('t', 0, records)
  await producer.close()
}

function lastPerKey(records: readonly StoredRecord[]): Map<string, string | null> {
  const last = new Map<string, string | null>()
  for (const { key, value } of records) last.set(str(key), value === null ? null : str(value))
  return last
}

const str = (bytes: Uint8Array | null) => String(bytes && Buffer.from(bytes))

describe('embedded log, retention', () => {
  it('removes the oldest segments beyond retentionBytes', () =>
    inDirectory((directory) =>
      withLog(directory, {}, async (log) => {
        const config = { segmentBytes: 2000, retentionBytes: 5000 }
        await log.createTopic('t', { partitions: 1, config })
        for (let i = 0; i < 60; i++) await append(log, numbered(5, 'v', i * 5))
        await log.clean('t')
        const [{ earliest, latest }] = await log.offsets('t')
        assert.equal(latest, 300)
        assert.ok(earliest > 50 && earliest < 300, `earliest ${earliest}`)
        const kept = await readAll(log, 't')
        assert.equal(kept[0].offset, earliest)
        assert.equal(kept.length, 300 - earliest)
        await assert.rejects(log.read('t', 0, 0), { code: 'OFFSET_OUT_OF_RANGE' })
      }),
    ))

  it('removes what is too old, the active segment too, and keeps counting', () =>
    inDirectory(async (directory) => {
      const clock = new ManualClock(1_700_000_000_000)
      await withLog(directory, { clock }, async (log) => {
        await log.createTopic('t', { partitions: 1, config: { retentionMs: 1000 } })
        await append(log, numbered(5))
        await log.clean('t')
        assert.deepEqual(await log.offsets('t'), [{ partition: 0, earliest: 0, latest: 5 }])
        await clock.advance(2000)
        await log.clean('t')
        assert.deepEqual(await log.offsets('t'), [{ partition: 0, earliest: 5, latest: 5 }])
      })
      await withLog(directory, { clock }, async (log) => {
        assert.deepEqual(await log.offsets('t'), [{ partition: 0, earliest: 5, latest: 5 }])
        await append(log, numbered(1, 'w', 5000))
        assert.deepEqual(
          (await log.read('t', 0, 5)).map(({ offset }) => offset),
          [5],
        )
      })
    }))

  it('a reader whose segment goes away goes on at the earliest record', () =>
    inDirectory((directory) =>
      withLog(directory, {}, async (log) => {
        const config = { segmentBytes: 2000, retentionBytes: 3000 }
        await log.createTopic('t', { partitions: 1, config })
        for (let i = 0; i < 60; i++) await append(log, numbered(5, 'v', i * 5))
        const consumer = await openConsumer(log, ['t'])
        assert.equal((await new Reader(consumer, 400).take(1))[0].offset, 0)
        await log.clean('t')
        const [{ earliest }] = await log.offsets('t')
        const target = new Uint8Array(400)
        const result = await consumer.fetch(target, everything)
        assert.equal(result.kind, 'batches')
        const first = Number(Buffer.from(target.buffer).readBigInt64BE(0))
        assert.equal(first, earliest)
        await consumer.close()
      }),
    ))
})

describe('embedded log, compaction', () => {
  const config = { cleanup: 'compact', segmentBytes: 2000 } as const

  it('keeps the last value of each key, offsets and order, on any history', async () => {
    const step = fc.oneof(
      {
        weight: 8,
        arbitrary: fc.array(fc.tuple(fc.nat(12), fc.boolean()), { minLength: 1, maxLength: 9 }),
      },
      { weight: 1, arbitrary: fc.constant('clean' as const) },
      { weight: 1, arbitrary: fc.constant('reopen' as const) },
    )
    const codec = fc.constantFrom<Compression>('none', 'lz4', 'gzip')
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        codec,
        fc.integer({ min: 1, max: 20 }),
        (steps, compression, compactionKeysMax) =>
          inDirectory(async (directory) => {
            const options = { compactionKeysMax, tombstoneMs: 1_000_000, fsync: 'never' } as const
            const all: StoredRecord[] = []
            let rest = [...steps]
            let created = false
            do {
              await withLog(directory, options, async (log) => {
                if (!created) await log.createTopic('t', { partitions: 1, config })
                created = true
                if (all.length > 0)
                  assert.deepEqual(lastPerKey(await readAll(log, 't')), lastPerKey(all))
                while (rest.length > 0) {
                  const [next, ...others] = rest
                  rest = others
                  if (next === 'reopen') return
                  if (next === 'clean') await log.clean('t')
                  else {
                    const records = next.map(([key, gone], i) => ({
                      key: text(`k${key}`),
                      value: gone ? null : text(`v${all.length + i}`),
                      timestamp: all.length + i,
                    }))
                    await append(log, records, compression)
                    for (const record of records) all.push({ ...record, offset: all.length })
                  }
                }
                await log.clean('t')
                const kept = await readAll(log, 't')
                assert.deepEqual(lastPerKey(kept), lastPerKey(all))
                assert.equal(kept.length, lastPerKey(all).size, 'one record a key')
                for (const record of kept)
                  assert.deepEqual(plain(record), plain(all[record.offset]))
                const [{ latest }] = await log.offsets('t')
                assert.equal(latest, all.length)
              })
            } while (rest.length > 0)
          }),
      ),
      { numRuns: 25 },
    )
  })

  it('merges small segments, drops tombstones in time, and keeps records without a key', () =>
    inDirectory(async (directory) => {
      const clock = new ManualClock(1_700_000_000_000)
      await withLog(directory, { clock, tombstoneMs: 1000 }, async (log) => {
        await log.createTopic('t', { partitions: 1, config })
        for (let i = 0; i < 50; i++) await append(log, numbered(10, `round${i}-`))
        await append(log, [
          { key: text('k3'), value: null, timestamp: 1 },
          { key: null, value: text('no key'), timestamp: 2 },
        ])
        const before = (await files(directory, '.log')).length
        await log.clean('t')
        await log.clean('t')
        assert.ok((await files(directory, '.log')).length < before)
        assert.equal((await readAll(log, 't')).length, 11)
        await clock.advance(5000)
        await append(log, numbered(1, 'x', 500))
        await log.clean('t')
        const kept = await readAll(log, 't')
        assert.deepEqual(kept.map(({ key }) => str(key)).sort(), [
          'k0',
          'k1',
          'k2',
          'k4',
          'k5',
          'k500',
          'k6',
          'k7',
          'k8',
          'k9',
          'null',
        ])
      })
    }))

  it('a reader in the middle sees every record that stays, in order', () =>
    inDirectory((directory) =>
      withLog(directory, {}, async (log) => {
        await log.createTopic('t', { partitions: 1, config })
        for (let i = 0; i < 100; i++) await append(log, numbered(5, `round${i}-`, (i % 20) * 5))
        const consumer = await openConsumer(log, ['t'])
        const reader = new Reader(consumer, 700)
        const seen = new Map<string, string>()
        let last = -1
        for (let turn = 0; last < 499; turn++) {
          const records = (await reader.fetch()) ?? []
          for (const { offset, key, value } of records) {
            if (offset <= last) continue
            seen.set(str(key), str(value))
            last = offset
          }
          if (turn === 5) await log.clean('t')
        }
        assert.deepEqual(seen, lastPerKey(await readAll(log, 't')))
        await consumer.close()
      }),
    ))

  it('the schedule compacts when half of the bytes are new', () =>
    inDirectory(async (directory) => {
      const clock = new ManualClock(1_700_000_000_000)
      const options = { clock, maintenanceIntervalMs: 1000, fsync: 'never' } as const
      await withLog(directory, options, async (log) => {
        await log.createTopic('t', { partitions: 1, config })
        for (let i = 0; i < 50; i++) await append(log, numbered(10, `round${i}-`))
        assert.equal((await readAll(log, 't')).length, 500)
        await clock.advance(1001)
        // Its turn is behind the scheduled one.
        await log.clean('t')
        assert.deepEqual(
          values(await readAll(log, 't')),
          values(asStored(numbered(10, 'round49-'))),
        )
      })
    }))
})

const asStored = (records: LogRecord[]) => records.map((record, offset) => ({ ...record, offset }))

const plain = ({ offset, key, value, timestamp }: StoredRecord) => [
  offset,
  str(key),
  str(value),
  timestamp,
]

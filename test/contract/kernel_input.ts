// The part of the kernels' contract about what comes in: bad records and policies, compression,
// damaged and control batches.
import assert from 'node:assert/strict'
import { seededRandom } from '../../src/clock.ts'
import type { Compression, StoredRecord } from '../../src/log/log.ts'
import { attribute, headerAt } from '../../src/wire/batch_header.ts'
import { prepareCompression } from '../../src/wire/compression.ts'
import { batchOf, concat, sealed, withAttributes } from '../support/batches.ts'
import { badDocument, badKinds, everythingSchema, goodDocument } from '../support/documents.ts'
import {
  at,
  byKey,
  checkPlan,
  compare,
  count,
  every,
  keyed,
  laneOptions,
  NOW_MS,
  planOf,
  tumbling,
  utf8,
  withJob,
} from '../support/plans.ts'
import type { Contract } from './kernel.ts'

const BASE_MS = 1_700_000_000_000

function documents(count: number, seed: number, badRate: number, kind?: string): StoredRecord[] {
  const random = seededRandom(seed)
  return Array.from({ length: count }, (_, offset) => {
    const timestamp = BASE_MS + offset
    const value =
      random() < badRate
        ? badDocument(everythingSchema, random, timestamp, kind)
        : goodDocument(everythingSchema, random, timestamp)
    return { offset, timestamp, key: utf8('k'), value }
  })
}

export function inputContract(contract: Contract): void {
  badRecords(contract)
  textKeys(contract)
  rejects(contract)
  policies(contract)
  codecs(contract)
  damage(contract)
  framing(contract)
}

function badRecords(contract: Contract): void {
  for (const kind of badKinds)
    contract(`bad values: ${kind}`, async (make) => {
      const result = await checkPlan(make, planOf(), documents(150, 40, 0.6, kind))
      assert(result.partitions[0].bad > 40)
    })
  contract('null values are bad where values are read', async (make) => {
    const records = documents(20, 41, 0).map((record, offset) =>
      offset % 3 ? record : { ...record, value: null },
    )
    const result = await checkPlan(make, planOf(), records)
    assert.equal(result.partitions[0].rejects[0].reason, 'null-value')
  })
  contract('null record keys are bad', async (make) => {
    const records = ['a', null, '', null].map((key, offset) => keyed(offset, BASE_MS, key))
    const result = await checkPlan(make, byKey(), records)
    assert.deepEqual(result.partitions[0].rejects, [
      { offset: 1, reason: 'null-key' },
      { offset: 3, reason: 'null-key' },
    ])
  })
  contract('undeclared fields may be nested as deep as JSON.parse reads, or be long', (make) =>
    withJob(make, laneOptions(planOf()), async (job) => {
      const [{ value }] = documents(1, 47, 0)
      const rest = `${Buffer.from(value!)}`.trimStart().slice(1)
      const extras = [
        `${'['.repeat(50_000)}${']'.repeat(50_000)}`,
        `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`,
        `"${'\\u00e9'.repeat(50_000)}"`,
        `0.${'1'.repeat(50_000)}e-5`,
        '['.repeat(50_000),
        `${'['.repeat(50_000)}${']'.repeat(49_999)}}`,
      ]
      const records = extras.map((extra, offset) => ({
        offset,
        timestamp: BASE_MS,
        key: null,
        value: utf8(`{"extra":${extra},${rest}`),
      }))
      assert.equal(await job.feed(batchOf(records)), 'done')
      assert.deepEqual(
        job.rejects.map(({ offset, reason }) => [offset, reason]),
        [
          [4, 'invalid-json'],
          [5, 'invalid-json'],
        ],
      )
    }),
  )
  contract('negative times and times in the future are bad', async (make) => {
    const times = [BASE_MS, -1, NOW_MS + 60_000, NOW_MS + 60_001, BASE_MS, -5000]
    const records = times.map((time, offset) => keyed(offset, time, 'a'))
    const result = await checkPlan(make, byKey({ window: tumbling(10, 1e12) }), records)
    assert.deepEqual(
      result.partitions[0].rejects.map(({ reason }) => reason),
      ['time-negative', 'time-in-future', 'time-negative'],
    )
  })
  contract('bad and filtered records do not move stream time', (make) => {
    const random = seededRandom(42)
    const records = documents(200, 43, 0.3).map((record, offset) => ({
      ...record,
      timestamp: BASE_MS + offset + (random() < 0.2 ? 50_000 : 0),
      key: random() < 0.9 ? record.key : null,
    }))
    const where = { op: 'eq', column: at('flag'), value: true } as const
    const key = { from: 'record' } as const
    return checkPlan(make, planOf({ where, key, window: tumbling(10, 20) }), records)
  })
}

function textKeys(contract: Contract): void {
  contract('a key that has to be text is bad where it is none', (make) => {
    const keys: (Uint8Array | null)[] = [null, Buffer.alloc(0), utf8('a'), utf8('é𝄞'.repeat(9))]
    for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0x61, 0xe2, 0x82]]) {
      keys.push(Buffer.from(bytes), Buffer.from([...utf8('0123456789abcdef'), ...bytes]))
    }
    const records = keys.map((key, offset) => ({ ...keyed(offset, BASE_MS, 'a'), key }))
    const key = { from: 'record', isText: true } as const
    return checkPlan(make, planOf({ key, window: undefined }), records)
  })
}

function rejects(contract: Contract): void {
  contract('rejects are whole records, in order', (make) =>
    withJob(make, laneOptions(planOf()), async (job) => {
      const headers = [
        { key: 'trace', value: utf8('1') },
        { key: 'none', value: null },
      ]
      const bad = { offset: 12, timestamp: BASE_MS, key: utf8('k'), value: utf8('{"te'), headers }
      const bare = { offset: 14, timestamp: BASE_MS + 1, key: null, value: null, headers: [] }
      assert.equal(await job.feed(batchOf([bad, bare])), 'done')
      const plain = (record: StoredRecord) => [
        record.offset,
        record.timestamp,
        record.key && `${Buffer.from(record.key)}`,
        record.value && `${Buffer.from(record.value)}`,
        (record.headers ?? []).map(({ key, value }) => [key, value && `${Buffer.from(value)}`]),
      ]
      assert.deepEqual(job.rejects.map(plain), [bad, bare].map(plain))
      assert.deepEqual(
        job.rejects.map(({ reason }) => reason),
        ['invalid-json', 'null-value'],
      )
      assert.deepEqual(job.lane.rejects(), [])
    }),
  )
  contract('more rejects than fit at once are all handed over', (make) =>
    withJob(
      make,
      laneOptions(planOf()),
      async (job) => {
        const records = documents(3000, 46, 1)
        records[1500] = { ...records[1500], value: utf8(`{"text":"${'x'.repeat(300_000)}`) }
        assert.equal(await job.feed(batchOf(records)), 'done')
        await job.cut()
        compare(job, records)
        assert.equal(job.rejects[1500].value?.length, 300_009)
      },
      'tight',
    ),
  )
}

function policies(contract: Contract): void {
  contract('policy skip only counts', (make) =>
    withJob(make, laneOptions(planOf(), { onBadRecord: 'skip' }), async (job) => {
      assert.equal(await job.feed(batchOf(documents(100, 44, 0.5))), 'done')
      assert.deepEqual(job.rejects, [])
      assert(job.lane.counters().bad > 30)
      assert.equal(job.lane.counters().bad + job.lane.counters().counted, 100)
    }),
  )
  contract('policy stop stays at the bad record, every time', (make) =>
    withJob(make, laneOptions(planOf(), { onBadRecord: 'stop' }), async (job) => {
      const records = documents(10, 45, 0)
      const batch = batchOf(records.with(6, { ...records[6], value: utf8('{') }))
      for (let attempt = 1; attempt <= 3; attempt++) {
        assert.equal(await job.feed(batch), 'stopped')
        assert.equal(job.rejects.at(-1)?.offset, 6)
        assert.equal(job.rejects.at(-1)?.reason, 'invalid-json')
        const { nextOffset, counted, bad } = job.lane.counters()
        assert.deepEqual({ nextOffset, counted, bad }, { nextOffset: 6, counted: 6, bad: 0 })
      }
    }),
  )
  contract('late records are handed over only when asked for', (make) =>
    withJob(
      make,
      laneOptions(byKey({ window: tumbling(10) }), { collectLate: false }),
      async (job) => {
        const records = [100, 5, 109, 99].map((time, offset) => keyed(offset, time, 'a'))
        assert.equal(await job.feed(batchOf(records)), 'done')
        assert.deepEqual(job.rejects, [])
        assert.equal(job.lane.counters().late, 2)
        assert.equal(job.lane.counters().counted, 2)
      },
    ),
  )
}

function codecs(contract: Contract): void {
  for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const satisfies Compression[])
    contract(`reads ${codec}`, async (make) => {
      await prepareCompression(codec)
      const records = documents(3000, 50, 0.02)
      await withJob(
        make,
        laneOptions(planOf({ aggregates: [count, ...every('x')] })),
        async (job) => {
          const first = batchOf(records.slice(0, 10), codec)
          const second = batchOf(records.slice(10, 2500), codec)
          assert.equal(await job.feed(concat([first, second])), 'done')
          assert.equal(await job.feed(batchOf(records.slice(2500), codec)), 'done')
          await job.cut()
          compare(job, records)
        },
      )
    })
}

function damage(contract: Contract): void {
  contract('a batch with a wrong CRC is corrupt, what is before it is consumed', (make) =>
    withJob(make, laneOptions(planOf()), async (job) => {
      const records = documents(300, 60, 0)
      const good = batchOf(records.slice(0, 100))
      const bad = batchOf(records.slice(100, 200))
      bad[bad.length - 9] ^= 1
      const last = batchOf(records.slice(200))
      assert.equal(await job.feed(concat([good, bad, last])), 'corrupt')
      assert.equal(job.lane.counters().nextOffset, 100)
      assert.equal(await job.feed(batchOf(records.slice(100, 200))), 'done')
      assert.equal(await job.feed(last), 'done')
      await job.cut()
      compare(job, records)
    }),
  )
  contract('a batch cut short is corrupt', async (make) => {
    const records = documents(20, 61, 0)
    const whole = concat([batchOf(records.slice(0, 10)), batchOf(records.slice(10))])
    const first = batchOf(records.slice(0, 10)).length
    for (const bytes of [whole.length - 1, first + 61, first + 60, first + 5, first + 1])
      await withJob(make, laneOptions(planOf()), async (job) => {
        assert.equal(await job.feed(whole.slice(0, bytes)), 'corrupt')
        assert.equal(job.lane.counters().nextOffset, 10)
        assert.equal(await job.feed(whole), 'done')
        await job.cut()
        compare(job, records)
      })
  })
  contract('damage behind a correct CRC is corrupt and harms nothing', async (make) => {
    const random = seededRandom(62)
    const batch = batchOf(documents(20, 62, 0))
    for (let run = 0; run < 60; run++) {
      const bytes = Uint8Array.from(batch)
      for (let flip = 0; flip < 3; flip++)
        bytes[61 + Math.floor(random() * (bytes.length - 61))] = Math.floor(random() * 256)
      if (run % 5 === 0) bytes[headerAt.recordCount + 3] += 1
      await withJob(make, laneOptions(planOf()), async (job) => {
        const status = await job.feed(sealed(bytes))
        assert(status === 'done' || status === 'corrupt', status)
        if (run % 5 === 0) assert.equal(status, 'corrupt')
      })
    }
  })
  contract('damaged compressed records are corrupt', async (make) => {
    for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
      await prepareCompression(codec)
      const bytes = batchOf(documents(200, 63, 0), codec)
      bytes.fill(0x55, 61, 120)
      await withJob(make, laneOptions(planOf()), async (job) => {
        assert.equal(await job.feed(sealed(bytes)), 'corrupt')
      })
    }
  })
}

function framing(contract: Contract): void {
  contract('an empty payload is done', (make) =>
    withJob(make, laneOptions(planOf()), async (job) => {
      assert.equal(await job.feed(new Uint8Array(0)), 'done')
      assert.equal(job.lane.counters().nextOffset, 0)
    }),
  )
  contract('offsets may have gaps, also behind the last record', (make) =>
    withJob(make, laneOptions(byKey()), async (job) => {
      const records = [5, 6, 90, 1000, 70_000].map((offset) => keyed(offset, BASE_MS, 'a'))
      assert.equal(await job.feed(batchOf(records, 'none', 80_000)), 'done')
      assert.equal(job.lane.counters().nextOffset, 80_001)
      assert.equal(job.lane.counters().counted, 5)
      const next = keyed(80_001, BASE_MS, 'a')
      assert.equal(await job.feed(batchOf([next])), 'done')
      await job.cut()
      compare(job, [...records, next])
    }),
  )
  contract('control batches are passed over, transactional ones are not', (make) =>
    withJob(make, laneOptions(byKey()), async (job) => {
      const records = [0, 1, 2, 3].map((offset) => keyed(offset, BASE_MS, 'a'))
      const data = withAttributes(batchOf(records.slice(0, 2)), attribute.transactional)
      const marker = withAttributes(
        batchOf(records.slice(2, 3)),
        attribute.transactional | attribute.control,
      )
      assert.equal(await job.feed(concat([data, marker])), 'done')
      assert.equal(job.lane.counters().nextOffset, 3)
      assert.equal(await job.feed(batchOf(records.slice(3))), 'done')
      await job.cut()
      compare(job, records.toSpliced(2, 1))
    }),
  )
  contract('records stamped by the log have the time of their batch', (make) =>
    withJob(make, laneOptions(byKey({ window: tumbling(10) })), async (job) => {
      const records = [0, 40, 35].map((time, offset) => keyed(offset, BASE_MS + time, 'a'))
      assert.equal(
        await job.feed(withAttributes(batchOf(records), attribute.logAppendTime)),
        'done',
      )
      await job.cut()
      compare(
        job,
        records.map((record) => ({ ...record, timestamp: BASE_MS + 40 })),
      )
    }),
  )
  contract('a record of 5 MiB', (make) => {
    const records = documents(5, 64, 0)
    const text = `{"extra":"${'x'.repeat(5 * 1024 * 1024)}",${Buffer.from(records[2].value!).toString().trimStart().slice(1)}`
    records[2] = { ...records[2], value: utf8(text) }
    return checkPlan(make, planOf(), records)
  })
}

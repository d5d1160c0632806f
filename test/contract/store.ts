// What every Store must do. Run by test/table/store.test.ts on each implementation.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  eachRow,
  ROW_DELETE,
  ROW_DELTA,
  ROW_HEADER_BYTES,
  ROW_PUT,
  writeRow,
} from '../../src/batch/rows.ts'
import { seededRandom } from '../../src/clock.ts'
import { EuphorionError } from '../../src/errors.ts'
import { RowWriter, unpackValues } from '../../src/table/packed.ts'
import type { ScanOptions, Store } from '../../src/table/store.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (value: Uint8Array | undefined) => (value ? Buffer.from(value).toString() : undefined)

async function scanned(store: Store, options: ScanOptions = {}): Promise<string[]> {
  const found: string[] = []
  for await (const [key, value] of store.scan(options)) {
    assert.ok(Buffer.isBuffer(key) && Buffer.isBuffer(value))
    found.push(`${key}=${value}`)
  }
  return found
}

async function put(store: Store, rows: Record<string, string>): Promise<void> {
  const batch = store.batch()
  for (const [key, value] of Object.entries(rows)) batch.put(bytes(key), bytes(value))
  await batch.commit()
}

/** Packed rows; a value of undefined is a delete. */
function pack(
  rows: readonly (readonly [string, string | undefined])[],
  shared = false,
): Uint8Array {
  let size = 0
  for (const [key, value] of rows)
    size += ROW_HEADER_BYTES + Buffer.byteLength(key) + Buffer.byteLength(value ?? '')
  const target = new Uint8Array(
    shared ? new SharedArrayBuffer(size + 16) : new ArrayBuffer(size + 16),
  )
  let at = 8
  for (const [key, value] of rows) {
    const op = value === undefined ? ROW_DELETE : ROW_PUT
    at = writeRow(target, at, op, bytes(key), bytes(value ?? ''))
  }
  return target.subarray(8, at)
}

const isCoded = (error: unknown) => error instanceof EuphorionError && error.code === 'STORE_FAILED'

export function storeContract(name: string, open: () => Promise<Store>): void {
  const contract = (title: string, run: (store: Store) => Promise<void>) => {
    test(`${name}: ${title}`, async () => {
      const store = await open()
      try {
        await run(store)
      } finally {
        await store.close()
      }
    })
  }
  batches(contract)
  packedRows(contract)
  manyRows(contract)
  reads(contract)
  scans(contract)
  packedReads(contract)
  ranges(contract)
  loads(contract)
  model(contract)
}

type Contract = (title: string, run: (store: Store) => Promise<void>) => void

function batches(contract: Contract): void {
  contract('nothing of a batch is visible before commit, all of it after', async (store) => {
    await put(store, { a: '1', b: '2' })
    const batch = store.batch()
    batch.put(bytes('a'), bytes('10'))
    batch.delete(bytes('b'))
    batch.put(bytes('c'), bytes('3'))
    assert.deepEqual(await scanned(store), ['a=1', 'b=2'])
    await batch.commit({ sync: true })
    assert.deepEqual(await scanned(store), ['a=10', 'c=3'])
  })
  contract('within a batch the last write of a key wins', async (store) => {
    const batch = store.batch()
    batch.put(bytes('a'), bytes('1'))
    batch.put(bytes('a'), bytes('2'))
    batch.put(bytes('b'), bytes('1'))
    batch.delete(bytes('b'))
    batch.delete(bytes('c'))
    batch.put(bytes('c'), bytes('3'))
    await batch.commit()
    assert.deepEqual(await scanned(store), ['a=2', 'c=3'])
  })
  contract('a dropped batch leaves nothing, an empty one commits', async (store) => {
    const batch = store.batch()
    batch.put(bytes('a'), bytes('1'))
    batch.drop()
    await store.batch().commit()
    assert.deepEqual(await scanned(store), [])
    await assert.rejects(() => batch.commit(), /batch is done/)
  })
  contract('the key and the value of a put may be used again at once', async (store) => {
    const batch = store.batch()
    const key = bytes('k1')
    const value = bytes('v1')
    batch.put(key, value)
    key[1] = 0x32
    value[1] = 0x32
    batch.put(key, value)
    await batch.commit()
    key.fill(0)
    value.fill(0)
    assert.deepEqual(await scanned(store), ['k1=v1', 'k2=v2'])
  })
}

function packedRows(contract: Contract): void {
  contract('packed rows are put and deleted, and their buffer may be used again', async (store) => {
    await put(store, { b: '2', c: '3' })
    const batch = store.batch()
    const rows = pack([
      ['a', '1'],
      ['b', undefined],
      ['d', ''],
    ])
    await batch.putRows(rows)
    rows.fill(0xff)
    batch.put(bytes('offset'), bytes('7'))
    await batch.commit()
    assert.deepEqual(await scanned(store), ['a=1', 'c=3', 'd=', 'offset=7'])
  })
  contract('packed rows may lie in shared memory', async (store) => {
    const batch = store.batch()
    const rows = pack(
      [
        ['a', '1'],
        ['b', '2'],
      ],
      true,
    )
    await batch.putRows(rows)
    rows.fill(0)
    await batch.putRows(new Uint8Array(new SharedArrayBuffer(0)))
    await batch.commit()
    assert.deepEqual(await scanned(store), ['a=1', 'b=2'])
    const key = new Uint8Array(new SharedArrayBuffer(1)).fill(0x61)
    assert.equal(text(await store.get(key)), '1')
  })
  contract('many rows are put in slices between which the loop turns', async (store) => {
    const batch = store.batch()
    const rows = Array.from({ length: 3500 }, (_, n) => [`k${n}`.padEnd(8), `${n}`] as const)
    let turns = 0
    const timer = setInterval(() => turns++, 0)
    const immediate = () => {
      turns++
      pending = setImmediate(immediate)
    }
    let pending = setImmediate(immediate)
    await batch.putRows(pack(rows))
    clearInterval(timer)
    clearImmediate(pending)
    assert.ok(turns > 0)
    await batch.commit()
    assert.equal((await scanned(store)).length, 3500)
    assert.equal(text(await store.get(bytes('k3499   '))), '3499')
  })
  contract('rows count in their order: single ones, packed ones, single ones', async (store) => {
    const batch = store.batch()
    batch.put(bytes('a'), bytes('1'))
    batch.put(bytes('b'), bytes('1'))
    batch.put(bytes('c'), bytes('1'))
    await batch.putRows(
      pack([
        ['b', '2'],
        ['a', '2'],
        ['b', undefined],
        ['a', '3'],
      ]),
    )
    batch.put(bytes('b'), bytes('4'))
    await batch.putRows(pack([['c', undefined]]))
    batch.delete(bytes('x'))
    await batch.commit()
    assert.deepEqual(await scanned(store), ['a=3', 'b=4'])
  })
}

/** Keys that differ late or in their lengths only, with many twice. */
function awkwardKey(random: () => number): Uint8Array {
  const below = (end: number) => Math.floor(random() * end)
  const kind = below(4)
  const key = new Uint8Array(1 + below(kind === 0 ? 3 : 26))
  for (let i = 0; i < key.length; i++) {
    if (kind === 0) key[i] = below(256)
    else if (kind === 1) key[i] = i < 9 ? 7 : below(3)
    else if (kind === 2) key[i] = i % 9 === 8 ? below(2) : 0
    else key[i] = 255 - below(2)
  }
  return key
}

function manyRows(contract: Contract): void {
  contract('thousands of packed rows with any keys: the last of a key counts', async (store) => {
    const hex = (raw: Uint8Array) => Buffer.from(raw).toString('hex')
    const map = new Map<string, string>()
    await fc.assert(
      fc.asyncProperty(fc.nat(2 ** 31), fc.integer({ min: 1, max: 4000 }), async (seed, count) => {
        const random = seededRandom(seed)
        const rows = new RowWriter()
        for (let row = 0; row < count; row++) {
          const key = awkwardKey(random)
          if (random() < 0.2) {
            rows.add(ROW_DELETE, key, new Uint8Array(0))
            map.delete(hex(key))
          } else {
            rows.add(ROW_PUT, key, bytes(`value ${row}`))
            map.set(hex(key), `value ${row}`)
          }
        }
        const batch = store.batch()
        await batch.putRows(rows.take())
        await batch.commit()
        const found: [string, string][] = []
        for await (const [key, value] of store.scan({})) found.push([hex(key), value.toString()])
        assert.deepEqual(
          found,
          [...map].sort(([a], [b]) => (a < b ? -1 : 1)),
        )
      }),
      { numRuns: 15 },
    )
  })
}

function reads(contract: Contract): void {
  contract('get and getMany: order of the keys, undefined for what is not there', async (store) => {
    await put(store, { a: '1', b: '2', empty: '' })
    assert.equal(text(await store.get(bytes('a'))), '1')
    assert.equal(await store.get(bytes('x')), undefined)
    const found = await store.getMany(['b', 'x', 'a', 'b', 'empty'].map(bytes))
    assert.deepEqual(found.map(text), ['2', undefined, '1', '2', ''])
    assert.deepEqual(await store.getMany([]), [])
  })
  contract('values of megabytes and keys of 32 KiB', async (store) => {
    const key = new Uint8Array(32768).fill(7)
    const value = new Uint8Array(5 * 1024 * 1024).fill(9)
    const batch = store.batch()
    batch.put(key, value)
    await batch.commit()
    assert.ok((await store.get(key))?.equals(value))
    for await (const [foundKey, found] of store.scan({})) {
      assert.ok(foundKey.equals(key) && found.equals(value))
    }
  })
  contract('after close every call is a coded error, and closing again is not', async (store) => {
    await put(store, { a: '1' })
    const batch = store.batch()
    const scan = store.scan({})[Symbol.asyncIterator]()
    await scan.next()
    await store.close()
    await assert.rejects(async () => store.get(bytes('a')), isCoded)
    await assert.rejects(async () => store.getMany([bytes('a')]), isCoded)
    await assert.rejects(async () => store.batch(), isCoded)
    await assert.rejects(async () => batch.commit(), isCoded)
    await assert.rejects(async () => scanned(store), isCoded)
    await assert.rejects(async () => scan.next(), isCoded)
    await assert.rejects(async () => store.deleteRange(bytes('a'), bytes('b')), isCoded)
    await assert.rejects(async () => store.getDeltas(pack([])), isCoded)
    await assert.rejects(async () => store.load(), isCoded)
    await store.close()
  })
}

function scans(contract: Contract): void {
  const six = { a: '1', b: '2', ba: '3', bb: '4', c: '5', d: '6' }
  contract('scans keep bounds, direction and limit', async (store) => {
    await put(store, six)
    const keys = async (options: ScanOptions) =>
      (await scanned(store, options)).map((row) => row.split('=')[0]).join(' ')
    assert.equal(await keys({}), 'a b ba bb c d')
    assert.equal(await keys({ reverse: true }), 'd c bb ba b a')
    assert.equal(await keys({ gte: bytes('b'), lt: bytes('c') }), 'b ba bb')
    assert.equal(await keys({ gte: bytes('b'), lt: bytes('c'), reverse: true }), 'bb ba b')
    assert.equal(await keys({ gte: bytes('aa'), lt: bytes('bbb') }), 'b ba bb')
    assert.equal(await keys({ lt: bytes('bbb'), reverse: true, limit: 2 }), 'bb ba')
    assert.equal(await keys({ gte: bytes('e') }), '')
    assert.equal(await keys({ lt: bytes('a'), reverse: true }), '')
    assert.equal(await keys({ lt: bytes('z'), reverse: true, limit: 1 }), 'd')
    assert.equal(await keys({ limit: 0 }), '')
    assert.equal(await keys({ limit: 4 }), 'a b ba bb')
    assert.equal(await keys({ gte: new Uint8Array(0), lt: bytes('b') }), 'a')
    assert.equal(await keys({ lt: new Uint8Array(0) }), '')
    assert.equal(await keys({ lt: new Uint8Array(0), reverse: true }), '')
    assert.equal(await keys({ gte: bytes('c'), lt: bytes('b') }), '')
  })
  contract('keys are in the order of their bytes, not of their text', async (store) => {
    const batch = store.batch()
    const keys = [[0], [0, 0], [1], [0x7f], [0x80], [0xff], [0xff, 0]]
    for (const key of keys.toReversed()) batch.put(Uint8Array.from(key), bytes('v'))
    await batch.commit()
    const found: number[][] = []
    for await (const [key] of store.scan({})) found.push([...key])
    assert.deepEqual(found, keys)
  })
  contract('a scan sees the rows as they were when it began', async (store) => {
    await put(store, six)
    const found: string[] = []
    for await (const [key, value] of store.scan({})) {
      if (found.length === 0) {
        await put(store, { aa: 'new', c: 'new', z: 'new' })
        const batch = store.batch()
        batch.delete(bytes('d'))
        await batch.commit()
      }
      found.push(`${key}=${value}`)
    }
    assert.deepEqual(found, ['a=1', 'b=2', 'ba=3', 'bb=4', 'c=5', 'd=6'])
    assert.deepEqual(await scanned(store, { gte: bytes('c') }), ['c=new', 'z=new'])
  })
  contract('a loop may be left early, and one scan run twice', async (store) => {
    await put(store, six)
    const scan = store.scan({ gte: bytes('b') })
    for (let turn = 0; turn < 300; turn++) {
      for await (const [key] of scan) {
        assert.equal(text(key), 'b')
        break
      }
    }
    await assert.rejects(async () => {
      for await (const _ of scan) throw new Error('mine')
    }, /mine/)
  })
}

function packedReads(contract: Contract): void {
  contract('getDeltas: values of the deltas among packed rows, in their order', async (store) => {
    await put(store, { a: '1', b: '2', empty: '' })
    const rows = new RowWriter()
    for (const [op, key] of [
      [ROW_DELTA, 'b'],
      [ROW_PUT, 'a'],
      [ROW_DELTA, 'x'],
      [ROW_DELTA, 'a'],
      [ROW_DELTA, 'b'],
      [ROW_DELETE, 'a'],
      [ROW_DELTA, 'empty'],
    ] as const)
      rows.add(op, bytes(key), bytes('ignored'))
    const values = Buffer.from(await store.getDeltas(rows.take()))
    assert.deepEqual(unpackValues(values).map(text), ['2', undefined, '1', '2', ''])
    assert.equal((await store.getDeltas(pack([['a', '1']]))).length, 0)
  })
  contract('scanRows gives the rows of a scan in packed chunks', async (store) => {
    const rows = Array.from({ length: 9000 }, (_, n) => {
      return [`k${String(n).padStart(5, '0')}`, `${n}`.repeat(9)] as const
    })
    const batch = store.batch()
    await batch.putRows(pack(rows))
    await batch.commit()
    for (const options of [
      {},
      { gte: bytes('k00100'), lt: bytes('k08000') },
      { reverse: true, limit: 5000 },
      { limit: 0 },
    ]) {
      const found: string[] = []
      let chunks = 0
      for await (const chunk of store.scanRows(options)) {
        chunks++
        const buffer = Buffer.from(chunk)
        eachRow(buffer, (op, keyStart, keyEnd, end) => {
          assert.equal(op, ROW_PUT)
          const key = buffer.toString('latin1', keyStart, keyEnd)
          found.push(`${key}=${buffer.toString('latin1', keyEnd, end)}`)
        })
      }
      assert.deepEqual(found, await scanned(store, options))
      assert.ok(chunks <= 1 + found.length / 500)
    }
    for await (const _ of store.scanRows({})) break
  })
}

function loads(contract: Contract): void {
  contract('a load counts after what is there, in its own order', async (store) => {
    await put(store, { a: '1', b: '2', z: '9' })
    const load = store.load()
    const ascending = Array.from({ length: 3000 }, (_, n) => {
      return [`k${String(n).padStart(5, '0')}`, `${n}`] as const
    })
    await load.putRows(pack(ascending.slice(0, 2000)))
    await load.putRows(pack(ascending.slice(2000)))
    const mixed = pack([
      ['b', 'new'],
      ['a', undefined],
      ['k00007', 'first'],
      ['k00007', 'last'],
      ['b', 'newer'],
    ])
    await load.putRows(mixed)
    mixed.fill(0xff)
    await load.finish()
    const found = await scanned(store)
    assert.equal(found.length, 3002)
    assert.deepEqual(found.slice(0, 2), ['b=newer', 'k00000=0'])
    assert.equal(found[8], 'k00007=last')
    assert.equal(found.at(-1), 'z=9')
    await put(store, { k00007: 'put' })
    assert.equal(text(await store.get(bytes('k00007'))), 'put')
  })
  contract('loads may be empty, dropped, and more than one at a time', async (store) => {
    await store.load().finish()
    const dropped = store.load()
    const first = store.load()
    const second = store.load()
    await dropped.putRows(pack([['dropped', '']]))
    await first.putRows(pack([['a', '1']]))
    await second.putRows(pack([['a', '2']]))
    await dropped.drop()
    await first.finish()
    await second.finish()
    assert.deepEqual(await scanned(store, { lt: bytes('b') }), ['a=2'])
  })
  contract('a load of any size, in any order, has the last row of each key', async (store) => {
    const load = store.load()
    const count = 60_000
    for (let round = 0; round < 3; round++) {
      const rows = Array.from({ length: count }, (_, n) => {
        const id = (n * 7919 + round) % count
        const isDeleted = round === 2 && id % 3 === 0
        return [`k${id}`, isDeleted ? undefined : `${round} ${id}`.padEnd(200)] as const
      })
      for (let at = 0; at < count; at += 7000) await load.putRows(pack(rows.slice(at, at + 7000)))
    }
    const large = 'x'.repeat(33 << 20)
    const [before, one, after] = [
      ['l', '1'],
      ['l', large],
      ['m', large],
    ] as const
    await load.putRows(pack([before, one, ['l', '2'], after]))
    await load.finish()
    let found = 0
    for await (const [key, value] of store.scan({ lt: bytes('l') })) {
      const id = key.toString().slice(1)
      assert.equal(value.toString().trimEnd(), `2 ${id}`)
      found++
    }
    assert.equal(found, (count * 2) / 3)
    assert.equal(text(await store.get(bytes('l'))), '2')
    assert.equal((await store.get(bytes('m')))?.length, large.length)
  })
  contract('a load that has ended takes no rows any more', async (store) => {
    const rows = pack([['a', '1']])
    const isDone = /load is done/
    const [finished, dropped] = [store.load(), store.load()]
    await finished.putRows(rows)
    await finished.finish()
    await assert.rejects(finished.putRows(rows), isDone)
    await assert.rejects(finished.finish(), isDone)
    const putting = dropped.putRows(rows)
    await dropped.drop()
    await assert.rejects(dropped.putRows(rows), isDone)
    await putting
    await finished.drop()
    assert.deepEqual(await scanned(store), ['a=1'])
  })
}

function ranges(contract: Contract): void {
  contract('deleteRange deletes the range, bounds as in a scan', async (store) => {
    const rows: Record<string, string> = {}
    for (let n = 0; n < 2600; n++) rows[`k${String(n).padStart(4, '0')}`] = 'v'
    await put(store, { ...rows, a: '1', z: '2' })
    await store.deleteRange(bytes('k0100'), bytes('k2500'))
    await store.deleteRange(bytes('k0100'), bytes('k2500'))
    assert.equal((await scanned(store)).length, 202)
    await store.deleteRange(bytes('a'), bytes('l'))
    assert.deepEqual(await scanned(store), ['z=2'])
  })
  contract('deleteRange of exactly one slice of rows', async (store) => {
    const rows: Record<string, string> = {}
    for (let n = 0; n < 1000; n++) rows[`k${n}`] = 'v'
    await put(store, rows)
    await store.deleteRange(bytes('k'), bytes('l'))
    assert.deepEqual(await scanned(store), [])
  })
}

/** Random batches, deletes and scans against a sorted Map. */
function model(contract: Contract): void {
  contract('agrees with a sorted map over random batches', async (store) => {
    const short = fc.uint8Array({ minLength: 1, maxLength: 2 }).map((raw) => raw.map((b) => b % 40))
    const long = fc
      .uint8Array({ minLength: 1, maxLength: 25 })
      .map((raw) => raw.map((b, i) => (i < 5 ? 7 : b >> 6)))
    const key = fc.oneof(short, long)
    const step = fc.record({
      packed: fc.boolean(),
      puts: fc.array(fc.tuple(key, fc.nat(255)), { maxLength: 300 }),
      deletes: fc.array(key, { maxLength: 60 }),
      range: fc.option(fc.tuple(key, key), { nil: undefined, freq: 6 }),
      scan: fc.record({
        gte: key,
        lt: key,
        reverse: fc.boolean(),
        limit: fc.integer({ min: -1, max: 50 }),
      }),
    })
    const map = new Map<string, number>()
    const hex = (raw: Uint8Array) => Buffer.from(raw).toString('hex')
    const within = (at: string, gte: Uint8Array, lt: Uint8Array) => at >= hex(gte) && at < hex(lt)
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 6 }), async (steps) => {
        for (const { packed, puts, deletes, range, scan } of steps) {
          const batch = store.batch()
          const rows = new RowWriter()
          for (const [at, value] of puts) {
            if (packed) rows.add(ROW_PUT, at, Uint8Array.of(value))
            else batch.put(at, Uint8Array.of(value))
            map.set(hex(at), value)
          }
          for (const at of deletes) {
            if (packed) rows.add(ROW_DELETE, at, new Uint8Array(0))
            else batch.delete(at)
            map.delete(hex(at))
          }
          await batch.putRows(rows.take())
          await batch.commit()
          if (range) {
            await store.deleteRange(...range)
            for (const at of [...map.keys()]) if (within(at, ...range)) map.delete(at)
          }
          const expected = [...map].filter(([at]) => within(at, scan.gte, scan.lt)).sort()
          if (scan.reverse) expected.reverse()
          const found: [string, number][] = []
          for await (const [at, value] of store.scan(scan)) found.push([hex(at), value[0]])
          assert.deepEqual(found, scan.limit < 0 ? expected : expected.slice(0, scan.limit))
        }
      }),
      { numRuns: 25 },
    )
  })
}

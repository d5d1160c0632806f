// Finding requests in fetched batches: plain and compressed, wrapped and with headers, among
// others, in what is damaged.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { float64, json, record, string } from '../../src/index.ts'
import type { LogRecord, StoredRecord } from '../../src/log/log.ts'
import { codecOf } from '../../src/record/codec.ts'
import { replyValue } from '../../src/stream/reply_value.ts'
import {
  type RequestAddress,
  requestHeaders,
  wrapRequest,
} from '../../src/stream/request_message.ts'
import { scanRequests } from '../../src/stream/request_scan.ts'
import { decodeBatches, encodeBatch } from '../../src/wire/record_batch.ts'

const address = { replyTo: 'replies', correlationId: 'c' }
const Point = record('Point', { x: float64(), name: string() })

function plain(value: string, key: string | null = null): LogRecord {
  return { key: key === null ? null : Buffer.from(key), value: Buffer.from(value), timestamp: 7 }
}

const asked = (value: string, hearsErrors = true): LogRecord => ({
  ...plain(value, 'k'),
  headers: [{ key: 'h', value: null }, ...requestHeaders(address, hearsErrors)],
})

const wrapped = (value: string): LogRecord => ({
  ...plain('', 'w'),
  value: wrapRequest(value, address),
})

function scan(payload: Uint8Array, type: Parameters<typeof replyValue>[0] = json()) {
  const found: [StoredRecord, RequestAddress][] = []
  const read = scanRequests(payload, {
    value: codecOf(type),
    wrapped: replyValue(type),
    decompressedBytesMax: 1 << 20,
    found: (record, to) => found.push([record, to]),
  })
  return { read, found: found.map(([{ offset }, to]) => [offset, to.hearsErrors]) }
}

const shown = (payload: Uint8Array) =>
  decodeBatches(payload).map(({ offset, value, headers = [] }) => [
    offset,
    Buffer.from(value ?? []).toString(),
    headers.length,
  ])

test('a payload without requests is the same, whatever it says', () => {
  const records = [plain('{"a":"Faust-Ag-ReplyTo"}'), plain('{"ns":"@ReqRepRequest"}'), plain('')]
  const payload = encodeBatch(records, { baseOffset: 5 })
  const { read, found } = scan(payload)
  assert.equal(read, payload)
  assert.deepEqual(found, [])
})

for (const compression of ['none', 'gzip'] as const) {
  test(`requests with headers are found, and read as they are: ${compression}`, () => {
    const records = [plain('1'), asked('2'), plain('3'), asked('4', false)]
    const payload = Buffer.concat([
      encodeBatch([plain('0')], { baseOffset: 1, compression }),
      encodeBatch(records, { baseOffset: 10, compression }),
    ])
    const { read, found } = scan(payload)
    assert.equal(read, payload)
    assert.deepEqual(found, [
      [11, true],
      [13, false],
    ])
  })

  test(`wrapped values are taken out, each at its offset: ${compression}`, () => {
    const before = encodeBatch([plain('0')], { baseOffset: 1, compression })
    const batch = encodeBatch([plain('1'), wrapped('{"x":1.5,"name":"a"}'), asked('2')], {
      baseOffset: 10,
      compression,
    })
    const after = encodeBatch([plain('9')], { baseOffset: 20, compression })
    const { read, found } = scan(Buffer.concat([before, batch, after]), Point)
    assert.deepEqual(found, [
      [11, false],
      [12, true],
    ])
    assert.deepEqual(shown(read), [
      [1, '0', 0],
      [10, '1', 0],
      [11, '{"x":1.5,"name":"a"}', 2],
      [12, '2', 4],
      [20, '9', 0],
    ])
  })
}

test('a wrapped value of another type goes on as it is, to be refused', () => {
  const { read, found } = scan(encodeBatch([wrapped('{"x":"no"}')], { baseOffset: 3 }), Point)
  assert.deepEqual(found, [[3, false]])
  assert.deepEqual(shown(read), [[3, '{"x":"no"}', 2]])
})

test('what is damaged is left to the reader', () => {
  const good = encodeBatch([asked('1')], { baseOffset: 1 })
  const payload = Buffer.concat([good, encodeBatch([asked('2')], { baseOffset: 2 })])
  payload.fill(0xff, good.length + 61, good.length + 66)
  const { read, found } = scan(payload)
  assert.equal(read, payload)
  assert.deepEqual(found, [[1, true]])
})

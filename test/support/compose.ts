// Composes the rows of a store into windows the slow way, for tests: every row is merged into each
// of the windows that it belongs to.
import assert from 'node:assert/strict'
import { finishState, mergeStates } from '../../src/kernel/aggregates.ts'
import type { AggregationPlan, ColumnType } from '../../src/kernel/plan.ts'
import { emptyState, stateLayout } from '../../src/kernel/state.ts'
import { keyText, type NaiveKey } from './naive.ts'

/** Rows by the latin1 text of their key. */
export type StoreRows = Map<string, Uint8Array>

function wtf8(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at++]
    const more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3
    let code = more === 0 ? first : first & (0x3f >> more)
    for (let n = 0; n < more; n++) code = (code << 6) | (bytes[at++] & 0x3f)
    text += String.fromCodePoint(code)
  }
  return text
}

function decodeNumber(view: DataView, at: number): number {
  const stored = view.getBigUint64(at)
  const bits = stored >> 63n ? stored ^ (1n << 63n) : ~stored
  const copy = new DataView(new ArrayBuffer(8))
  copy.setBigUint64(0, BigInt.asUintN(64, bits))
  return copy.getFloat64(0)
}

function decodeColumns(types: readonly ColumnType[], bytes: Uint8Array): NaiveKey[] {
  if (types.length === 1 && types[0] === 'string') return [wtf8(bytes)]
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  const parts = types.map((type): NaiveKey => {
    if (type === 'boolean') return bytes[at++] === 1
    if (type === 'string') {
      const text: number[] = []
      for (; bytes[at] !== 0 || bytes[at + 1] !== 0; at++) {
        text.push(bytes[at])
        if (bytes[at] === 0) assert.equal(bytes[++at], 0xff)
      }
      at += 2
      return wtf8(Uint8Array.from(text))
    }
    at += 8
    if (type === 'int64') return BigInt.asIntN(64, view.getBigUint64(at - 8) ^ (1n << 63n))
    return decodeNumber(view, at - 8)
  })
  assert.equal(at, bytes.length, 'bytes behind the last part of a key')
  return parts
}

function decodeKey(plan: AggregationPlan, bytes: Uint8Array): NaiveKey {
  if (plan.key.from === 'record') return keyText(bytes)
  const types = plan.key.columns.map((column) => plan.columns[column].type)
  const parts = decodeColumns(types, bytes)
  return parts.length === 1 ? parts[0] : parts
}

/** Starts of the windows that hold the time, oldest first. */
function windowStarts(sizeMs: number, stepMs: number, time: number): number[] {
  const starts: number[] = []
  for (let start = Math.floor(time / stepMs) * stepMs; start + sizeMs > time; start -= stepMs)
    starts.unshift(start)
  return starts
}

/** The results of every window, as the naive reference gives them, in no order. */
export function composeRows(
  plan: AggregationPlan,
  table: number,
  rows: StoreRows,
): Record<string, unknown>[] {
  const layout = stateLayout(plan)
  const windows = new Map<string, { key: NaiveKey; start: number; state: DataView }>()
  for (const [rowKey, value] of rows) {
    const bytes = Buffer.from(rowKey, 'latin1')
    const state = new DataView(value.buffer, value.byteOffset, value.byteLength)
    assert.equal(value.length, layout.bytes)
    assert.equal(bytes.readUInt16BE(0), table)
    const prefix = plan.window === undefined ? 2 : 12
    const slice = plan.window === undefined ? 0 : Number(bytes.readBigUInt64BE(2) - (1n << 63n))
    const skipped = plan.window === undefined ? 0 : bytes.readUInt16BE(10)
    const { sizeMs, stepMs } = plan.window ?? { sizeMs: 1, stepMs: 1 }
    for (const start of windowStarts(sizeMs, stepMs, slice).slice(skipped)) {
      const id = `${start} ${rowKey.slice(prefix)}`
      let window = windows.get(id)
      if (window === undefined) {
        const key = decodeKey(plan, bytes.subarray(prefix))
        window = { key, start: start + 0, state: new DataView(emptyState(layout).buffer) }
        windows.set(id, window)
      }
      mergeStates(layout, window.state, 0, state, 0)
    }
  }
  return [...windows.values()].map(({ key, start, state }) => {
    const end = plan.window === undefined ? 0 : start + plan.window.sizeMs
    return finishState(layout, state, 0, { key, start, end })
  })
}

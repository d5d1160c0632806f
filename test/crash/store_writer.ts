// Forked by store.test.ts and killed: commits batches of rows, each with the offset that they stand
// for, and deletes a range that each batch has filled.
import { ROW_DELETE, ROW_HEADER_BYTES, ROW_PUT, writeRow } from '../../src/batch/rows.ts'
import type { Settings } from '../../src/settings.ts'
import { openStore } from '../../src/table/open.ts'

const [path, rowsPerBatch] = [process.argv[2], Number(process.argv[3])]
const kind = process.argv[4] as Settings['store']
const store = await openStore(kind, path, { writeBufferBytes: 256 * 1024 })
const text = new TextEncoder()
const due = (offset: number) => text.encode(`due ${String(offset).padStart(9, '0')}`)
const offsetKey = text.encode('!offset')
const stored = await store.get(offsetKey)
const rows = new Uint8Array(rowsPerBatch * (ROW_HEADER_BYTES + 64))
for (let offset = stored ? Number(stored.toString()) + 1 : 1; ; offset++) {
  let at = 0
  for (let row = 0; row < rowsPerBatch; row++) {
    // Every row of the store carries the offset; a third of them exist at odd offsets only.
    const op = row % 3 === 0 && offset % 2 === 0 ? ROW_DELETE : ROW_PUT
    const value = op === ROW_PUT ? text.encode(String(offset)) : new Uint8Array(0)
    at = writeRow(rows, at, op, text.encode(`row ${row}`), value)
  }
  const batch = store.batch()
  await batch.putRows(rows.subarray(0, at))
  batch.put(offsetKey, text.encode(String(offset)))
  batch.put(due(offset), rows.subarray(0, 100))
  await batch.commit()
  await store.deleteRange(text.encode('due'), due(offset + 1))
  process.send?.(offset)
}

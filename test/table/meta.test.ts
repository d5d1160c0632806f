// Numbers, shapes and positions of tables in a store.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EuphorionError } from '../../src/errors.ts'
import { openMemoryStore } from '../../src/table/memory.ts'
import {
  readChangelogPosition,
  readPosition,
  readRetained,
  readSources,
  storedTables,
  tableNumber,
  writeChangelogPosition,
  writePosition,
  writeRetained,
  writeSources,
} from '../../src/table/meta.ts'
import { readShape, writeShape } from '../../src/table/shape.ts'
import { layout, planOf } from './model.ts'

const window = { sizeMs: 60_000, stepMs: 10_000, graceMs: 5000, retentionMs: 0 }

test('a table keeps its number, new ones get the next, also when asked for at once', async () => {
  const store = openMemoryStore()
  const names = ['b', 'a', 'c', 'a', 'b', 'é/ü', 'z']
  const numbers = await Promise.all(names.map((name) => tableNumber(store, name, 'shape')))
  assert.deepEqual(numbers, [1, 2, 3, 2, 1, 4, 5])
  assert.equal(await tableNumber(store, 'c', 'shape'), 3)
  const tables = await storedTables(store)
  assert.deepEqual(
    tables.map(({ name, number }) => [name, number]),
    [
      ['a', 2],
      ['b', 1],
      ['c', 3],
      ['z', 5],
      ['é/ü', 4],
    ],
  )
})

test('a table with another shape is a coded error that says what changed, and the next call works', async () => {
  const store = openMemoryStore()
  const old = writeShape(['string'], planOf(window))
  await tableNumber(store, 't', old)
  const changed = writeShape(['string'], planOf({ ...window, stepMs: 60_000 }))
  await assert.rejects(tableNumber(store, 't', changed), (error) => {
    assert.ok(error instanceof EuphorionError && error.code === 'TABLE_CHANGED')
    return error.message.endsWith("the window's step was 10 s and is 1 m")
  })
  assert.equal(await tableNumber(store, 't', old), 1)
})

test('grace and retention may change; the layout is read back from the shape', () => {
  const shape = writeShape(['string', 'int64'], planOf(window))
  assert.equal(
    shape,
    writeShape(['string', 'int64'], planOf({ ...window, graceMs: 0, retentionMs: 9 })),
  )
  const read = readShape(shape)
  assert.deepEqual(read.key, ['string', 'int64'])
  assert.deepEqual(read.window, { sizeMs: 60_000, stepMs: 10_000 })
  assert.equal(read.layout.bytes, layout.bytes)
  const essential = (fields: typeof layout.fields) =>
    fields.map(({ name, kind, type, offset }) => ({ name, kind, type, offset }))
  assert.deepEqual(essential(read.layout.fields), essential(layout.fields))
  assert.equal(readShape(writeShape(['string'], planOf(undefined))).window, undefined)
})

test('a position is read back as it was written, with its batch', async () => {
  const store = openMemoryStore()
  assert.equal(await readPosition(store, 7), undefined)
  assert.equal(await readRetained(store, 7), Number.NEGATIVE_INFINITY)
  const position = {
    nextOffset: 2 ** 52,
    streamTimeMs: -1,
    counted: 5,
    late: 1,
    bad: 2,
    filtered: 3,
  }
  const batch = store.batch()
  writePosition(batch, 7, position)
  writeRetained(batch, 7, -10_000)
  assert.equal(await readPosition(store, 7), undefined)
  await batch.commit()
  assert.deepEqual(await readPosition(store, 7), position)
  assert.equal(await readPosition(store, 70), undefined)
  assert.equal(await readRetained(store, 7), -10_000)
})

test('what a store has of changelogs, and the offsets of its agents, are read back', async () => {
  const store = openMemoryStore()
  assert.equal(await readChangelogPosition(store, 1), undefined)
  assert.equal(await readSources(store), undefined)
  const batch = store.batch()
  writeChangelogPosition(batch, 1, { nextOffset: 7, topicId: 'id', atMs: 5 })
  writeChangelogPosition(batch, 12, { nextOffset: 8, atMs: 6 })
  writeSources(batch, { orders: 3, 'a/b': 0 })
  await batch.commit()
  assert.deepEqual(await readChangelogPosition(store, 1), { nextOffset: 7, topicId: 'id', atMs: 5 })
  assert.deepEqual(await readChangelogPosition(store, 12), { nextOffset: 8, atMs: 6 })
  assert.deepEqual(await readSources(store), { orders: 3, 'a/b': 0 })
})

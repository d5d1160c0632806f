// User data of group members: what is written is read, what is not ours says nothing.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  decodeLocalState,
  decodeShareNotes,
  encodeLocalState,
  encodeShareNotes,
  noNotes,
} from '../../src/log/member_state.ts'

const nothingKnown = decodeLocalState(null)
const partition = fc.integer({ min: 0, max: 2 ** 31 - 1 })
const partitions = fc
  .uniqueArray(partition, { maxLength: 20 })
  .map((all) => all.sort((a, b) => a - b))
const plain = { noNullPrototype: true }
const topics = fc.array(fc.record({ topic: fc.string(), partitions }, plain), { maxLength: 4 })
const ids = fc.array(fc.record({ id: fc.string(), goneMs: fc.maxSafeNat() }, plain), {
  maxLength: 4,
})
const small = fc.nat({ max: 1000 })
const state = fc.record(
  {
    transactionalId: fc.string(),
    address: fc.string(),
    stateful: fc.array(fc.string(), { maxLength: 4 }),
    standbyReplicas: small,
    warmupReplicas: small,
    acceptableLag: fc.maxSafeNat(),
    known: ids,
    held: fc.array(fc.record({ topic: fc.string(), partition, lag: fc.maxSafeNat() }, plain), {
      maxLength: 4,
    }),
    place: fc.string(),
    standbys: topics,
  },
  plain,
)
const notes = fc.record(
  {
    incomplete: fc.boolean(),
    layout: fc.nat(),
    declared: fc.nat(),
    standbys: topics,
    warmups: topics,
    witnessed: fc.array(fc.string(), { maxLength: 4 }),
    departed: ids,
    hosts: fc.array(fc.record({ address: fc.string(), actives: topics, standbys: topics }, plain), {
      maxLength: 3,
    }),
  },
  plain,
)

test('what is written is read', () => {
  fc.assert(
    fc.property(state, notes, (one, other) => {
      assert.deepEqual(decodeLocalState(encodeLocalState(one)), one)
      assert.deepEqual(decodeShareNotes(encodeShareNotes(other)), other)
    }),
  )
})

test('whatever the bytes are, they are read or say nothing', () => {
  const nothing = decodeShareNotes(Buffer.alloc(0))
  assert.deepEqual(nothing, noNotes)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      for (const version of [bytes[0], 2]) {
        const changed = Uint8Array.from(bytes)
        if (changed.length > 0) changed[0] = version
        const read = decodeLocalState(changed)
        assert.ok(read.held.length <= 80)
        if (changed[0] !== 2) assert.deepEqual(read, nothingKnown)
        assert.ok(decodeShareNotes(changed).standbys.length <= 80)
      }
    }),
    { numRuns: 500 },
  )
})

test('a version of tomorrow and bytes that are too many say nothing', () => {
  const bytes = encodeLocalState({ ...nothingKnown, place: 'here' })
  assert.equal(decodeLocalState(bytes).place, 'here')
  assert.deepEqual(decodeLocalState(Buffer.concat([bytes, Buffer.of(0)])), nothingKnown)
  for (let length = 0; length < bytes.length; length++)
    assert.deepEqual(decodeLocalState(bytes.subarray(0, length)), nothingKnown)
  bytes[0] = 3
  assert.deepEqual(decodeLocalState(bytes), nothingKnown)
})

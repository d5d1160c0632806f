// User data of group members: what is written is read, what is not ours says nothing.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  decodeMemberState,
  decodeShareNotes,
  encodeMemberState,
  encodeShareNotes,
  nothingKnown,
} from '../../src/log/member_state.ts'

const partition = fc.integer({ min: 0, max: 2 ** 31 - 1 })
const partitions = fc
  .uniqueArray(partition, { maxLength: 20 })
  .map((all) => all.sort((a, b) => a - b))
const plain = { noNullPrototype: true }
const topics = fc.array(fc.record({ topic: fc.string(), partitions }, plain), { maxLength: 4 })
const state = fc.record(
  {
    generation: fc.integer({ min: -1, max: 2 ** 31 - 1 }),
    owned: topics,
    held: fc.array(fc.record({ topic: fc.string(), partition, lag: fc.maxSafeNat() }, plain), {
      maxLength: 4,
    }),
    place: fc.string(),
  },
  plain,
)
const notes = fc.record({ incomplete: fc.boolean(), standbys: topics }, plain)

test('what is written is read', () => {
  fc.assert(
    fc.property(state, notes, (one, other) => {
      assert.deepEqual(decodeMemberState(encodeMemberState(one)), one)
      assert.deepEqual(decodeShareNotes(encodeShareNotes(other)), other)
    }),
  )
})

test('whatever the bytes are, they are read or say nothing', () => {
  const nothing = decodeShareNotes(Buffer.alloc(0))
  assert.deepEqual(nothing, { incomplete: false, standbys: [] })
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      for (const version of [bytes[0], 1]) {
        const changed = Uint8Array.from(bytes)
        if (changed.length > 0) changed[0] = version
        const read = decodeMemberState(changed)
        assert.ok(read.generation !== undefined)
        if (changed[0] !== 1) assert.equal(read, nothingKnown)
        assert.ok(decodeShareNotes(changed).standbys.length <= 80)
      }
    }),
    { numRuns: 500 },
  )
})

test('a version of tomorrow and bytes that are too many say nothing', () => {
  const bytes = encodeMemberState({ ...nothingKnown, generation: 5, place: 'here' })
  assert.equal(decodeMemberState(bytes).generation, 5)
  assert.equal(decodeMemberState(Buffer.concat([bytes, Buffer.of(0)])), nothingKnown)
  for (let length = 0; length < bytes.length; length++)
    assert.equal(decodeMemberState(bytes.subarray(0, length)), nothingKnown)
  bytes[0] = 2
  assert.equal(decodeMemberState(bytes), nothingKnown)
})

// The consumer protocol against bytes of Kafka's own classes and of kafkajs.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import kafkajs from 'kafkajs'
import {
  type ConsumerAssignment,
  type ConsumerSubscription,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../src/wire/consumer_protocol.ts'
import { ourBody, plain } from '../support/kafka_shapes.ts'
import { recorded } from '../support/recorded.ts'

const { AssignerProtocol } = kafkajs
const made = recorded('made')
const subscription: ConsumerSubscription = {
  topics: ['a', 'b'],
  userData: Buffer.from('of the assignor'),
  ownedPartitions: [{ topic: 'a', partitions: [0, 3] }],
  generationId: 7,
  rackId: 'r',
}
const assignment: ConsumerAssignment = {
  assignedPartitions: [
    { topic: 'a', partitions: [0, 3] },
    { topic: 'b', partitions: [] },
  ],
  userData: null,
}

function prefixed(version: number, bytes: Buffer): Buffer {
  const prefix = Buffer.alloc(2)
  prefix.writeInt16BE(version)
  return Buffer.concat([prefix, bytes])
}

test('subscriptions are read and written as by Kafka', () => {
  const messages = made.filter(({ name }) => name === 'ConsumerProtocolSubscription')
  assert.equal(new Set(messages.map(({ version }) => version)).size, 4)
  for (const { name, version, bytes, json } of messages) {
    const expected = { ownedPartitions: [], generationId: -1, rackId: null, ...json }
    const whole = prefixed(version, bytes)
    const read = decodeSubscription(whole)
    assert.deepEqual(plain(read), expected)
    assert.deepEqual(encodeSubscription(read, version), whole)
    const body = ourBody(name, expected) as unknown as ConsumerSubscription
    assert.deepEqual(encodeSubscription(body, version), whole)
  }
})

test('assignments are read and written as by Kafka', () => {
  const messages = made.filter(({ name }) => name === 'ConsumerProtocolAssignment')
  assert.equal(new Set(messages.map(({ version }) => version)).size, 4)
  for (const { name, version, bytes, json } of messages) {
    const whole = prefixed(version, bytes)
    const read = decodeAssignment(whole)
    assert.deepEqual(plain(read), json)
    assert.deepEqual(encodeAssignment(read, version), whole)
    const body = ourBody(name, json) as unknown as ConsumerAssignment
    assert.deepEqual(encodeAssignment(body, version), whole)
  }
})

test('members that use kafkajs understand and are understood', () => {
  const userData = Buffer.from('x')
  const theirs = AssignerProtocol.MemberMetadata.encode({ version: 1, topics: ['a'], userData })
  // kafkajs ends before the fields of the version that it names.
  const read = decodeSubscription(prefixed(0, theirs.subarray(2)))
  assert.deepEqual(plain(read), {
    topics: ['a'],
    userData: userData.toString('base64'),
    ownedPartitions: [],
    generationId: -1,
    rackId: null,
  })
  const ours = AssignerProtocol.MemberMetadata.decode(encodeSubscription(subscription))!
  assert.deepEqual(ours.topics, ['a', 'b'])
  assert.equal(ours.userData.toString(), 'of the assignor')

  const assigned = AssignerProtocol.MemberAssignment.decode(encodeAssignment(assignment))!
  assert.deepEqual(assigned.assignment, { a: [0, 3], b: [] })
  const back = AssignerProtocol.MemberAssignment.encode({
    version: 0,
    assignment: { a: [0, 3] },
    userData,
  })
  assert.deepEqual(decodeAssignment(back).assignedPartitions, [{ topic: 'a', partitions: [0, 3] }])
})

test('newer versions are read as far as they are known', () => {
  const newer = Buffer.concat([encodeSubscription(subscription), Buffer.from('what comes later')])
  newer.writeInt16BE(9)
  assert.deepEqual(decodeSubscription(newer), subscription)
})

test('no assignment is no partitions; what is no version is refused', () => {
  assert.deepEqual(decodeAssignment(Buffer.alloc(0)).assignedPartitions, [])
  for (const decode of [decodeSubscription, decodeAssignment])
    for (const bytes of [[0xff, 0xff], [0], [0, 0, 0, 0, 0, 9]])
      assert.throws(() => decode(Buffer.from(bytes)), { code: 'PROTOCOL_VIOLATED' })
})

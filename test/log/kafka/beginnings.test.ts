// Where partitions are read from when they come, while the cluster does not always answer.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EuphorionError } from '../../../src/errors.ts'
import { type BeginningsOptions, beginnings } from '../../../src/log/kafka/beginnings.ts'
import { ManualClock, settle } from '../../support/manual_clock.ts'

const places = [0, 1, 2].map((partition) => ({ topic: 't', partition }))
const edges = [0, 1, 2].map((partition) => ({ partition, earliest: 5, latest: 9 }))
const away = new EuphorionError('LOG_FAILED', 'no broker answers')

function options(more: Partial<BeginningsOptions>): BeginningsOptions {
  return {
    clock: new ManualClock(),
    committed: async () => new Map([['t', new Map([[1, 7]])]]),
    onAssigned: async () => [{ topic: 't', partition: 0, offset: 3 }],
    offsets: async () => edges,
    isOver: () => false,
    topicLost: () => assert.fail('it is there'),
    ...more,
  }
}

test('what the engine says comes first, then the offset of the group, then the edge', async () => {
  const offsets = async (startFrom?: 'earliest' | 'latest') =>
    (await beginnings(places, options(startFrom ? { startFrom } : {}))).map(({ offset }) => offset)
  assert.deepEqual(await offsets(), [3, 7, 5])
  assert.deepEqual(await offsets('latest'), [3, 7, 9])
})

test('questions are asked until they are answered', async () => {
  const clock = new ManualClock()
  const failures = { committed: 3, offsets: 2 }
  const begun = beginnings(
    places,
    options({
      clock,
      committed: async () => {
        if (failures.committed-- > 0) throw away
        return new Map()
      },
      offsets: async () => {
        if (failures.offsets-- > 0) throw away
        return edges
      },
    }),
  )
  for (let i = 0; i < 8; i++) {
    await settle()
    await clock.advance(1000)
  }
  assert.deepEqual(
    (await begun).map(({ offset }) => offset),
    [3, 5, 5],
  )
})

test('a refusal for good is passed on, and nothing is asked when nobody reads any more', async () => {
  const refusal = new EuphorionError('ACCESS_DENIED', 'not you')
  const refused = beginnings(places, options({ committed: () => Promise.reject(refusal) }))
  await assert.rejects(refused, refusal)
  const none = await beginnings(places, options({ isOver: () => true }))
  assert.deepEqual(none, [])
})

test('a topic that is gone leaves the others', async () => {
  const lost: string[] = []
  const both = [...places, { topic: 'gone', partition: 0 }]
  const begun = await beginnings(
    both,
    options({
      offsets: async (topic) => {
        if (topic === 'gone') throw new EuphorionError('TOPIC_UNKNOWN', 'gone')
        return edges
      },
      topicLost: (topic) => lost.push(topic),
    }),
  )
  assert.deepEqual(lost, ['gone'])
  assert.deepEqual(
    begun.map(({ offset }) => offset),
    [3, 7, 5],
  )
})

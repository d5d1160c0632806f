import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SharedBatch } from '../../src/batch/region.ts'
import { EuphorionError } from '../../src/errors.ts'
import type { BadRecord } from '../../src/ingest/dead_letter.ts'
import { Intake } from '../../src/ingest/intake.ts'
import { LaneFeed } from '../../src/ingest/lane_feed.ts'
import type { LaneKernel, LaneStatus, Rejected } from '../../src/kernel/lane.ts'
import { settle } from '../support/manual_clock.ts'

const batch = {} as SharedBatch

function rejected(offset: number, reason: Rejected['reason']): Rejected {
  return { offset, reason, timestamp: 0, key: null, value: null, headers: [] }
}

/** A lane that answers consume() as it is told, with these rejects. */
function feedOf(answers: readonly { status: LaneStatus; rejects?: readonly Rejected[] }[]) {
  const log: string[] = []
  const said = (what: string) => () => void log.push(what)
  let at = -1
  const lane: Partial<LaneKernel> = {
    consume: async () => answers[++at].status,
    rejects: () => [...(answers[at].rejects ?? [])],
    grow: async () => false,
    dirtyBytes: () => 0,
    counters: () => ({
      nextOffset: 0,
      streamTimeMs: 0,
      counted: 0,
      late: 0,
      bad: 0,
      filtered: 0,
    }),
  }
  const feed = new LaneFeed({
    topic: 't',
    partition: 0,
    lane: lane as LaneKernel,
    queueMax: 2,
    retriesMax: 1,
    reject: async ({ offset, reason }: BadRecord) => void log.push(`${reason} ${offset}`),
    mustCut: () => false,
    dirtyBytesMax: 1000,
    askForCut: said('cut'),
    restore: async () => 0,
    rewind: said('rewind'),
    progressed: said('progressed'),
    failed: (error) => log.push(`failed ${(error as { code?: string }).code}`),
  })
  return { feed, log, offer: () => feed.offer(batch, said('released')) }
}

test('rejects are handed over before a cut is asked for, which may pass their records', async () => {
  const { feed, log, offer } = feedOf([
    { status: 'full', rejects: [rejected(3, 'invalid-json')] },
    { status: 'done' },
  ])
  offer()
  await feed.hold()
  assert.deepEqual(log, ['invalid-json 3', 'cut'])
  feed.cutWritten()
  feed.release()
  await feed.finish()
  assert.deepEqual(log, ['invalid-json 3', 'cut', 'released', 'progressed'])
})

test('late records before the one that stops the lane are handed over, that one is not', async () => {
  const { feed, log, offer } = feedOf([
    { status: 'stopped', rejects: [rejected(1, 'late'), rejected(2, 'wrong-type')] },
  ])
  offer()
  await feed.finish()
  assert.deepEqual(log, ['late 1', 'released', 'failed RECORD_BAD'])
  assert.equal(feed.stopped, true)
})

test('a batch that is corrupt twice stops the lane', async () => {
  const { feed, log, offer } = feedOf([{ status: 'corrupt' }, { status: 'corrupt' }])
  offer()
  await feed.finish()
  assert.deepEqual(log, ['released', 'rewind'])
  offer()
  await feed.finish()
  assert.deepEqual(log, ['released', 'rewind', 'released', 'failed BATCH_CORRUPT'])
})

/** A lane whose calls the test ends itself. */
function slowFeed(restore: () => Promise<number> = async () => 0) {
  const log: string[] = []
  const calls: { batch: SharedBatch; end: (status: LaneStatus) => void; trap: () => void }[] = []
  const counters = { nextOffset: 0, streamTimeMs: 0, counted: 0, late: 0, bad: 0, filtered: 0 }
  const lane: Partial<LaneKernel> = {
    consume: (batch) =>
      new Promise((end, reject) => {
        calls.push({ batch: batch as SharedBatch, end, trap: () => reject(new Error('trap')) })
      }),
    rejects: () => [],
    dirtyBytes: () => 0,
    counters: () => counters,
  }
  const feed = new LaneFeed({
    topic: 't',
    partition: 0,
    lane: lane as LaneKernel,
    queueMax: 3,
    retriesMax: 1,
    reject: async () => undefined,
    mustCut: () => false,
    dirtyBytesMax: 1000,
    askForCut: () => undefined,
    restore,
    rewind: (offset) => log.push(`rewind ${offset}`),
    progressed: () => undefined,
    failed: () => log.push('failed'),
  })
  const offer = (name: string) => {
    const offered = { topic: name } as SharedBatch
    feed.offer(offered, () => log.push(`released ${name}`))
  }
  return { feed, log, calls, offer }
}

test('the batch that a lane is reading is not released by clear, and once afterwards', async () => {
  const { feed, log, calls, offer } = slowFeed()
  offer('a')
  offer('b')
  feed.clear()
  assert.deepEqual(log, ['released b'])
  calls[0].end('done')
  await feed.finish()
  assert.deepEqual(log, ['released b', 'released a'])
})

test('a full lane whose partition is given up does not go on after the cut', async () => {
  const { feed, log, calls, offer } = slowFeed()
  feed.lane.grow = async () => false
  const intake = new Intake('t', 0)
  intake.lanes.push(feed)
  offer('a')
  offer('b')
  const quiet = intake.quiesce()
  calls[0].end('full')
  await quiet
  feed.cutWritten()
  await feed.finish()
  assert.equal(calls.length, 1)
  assert.deepEqual(log, ['released b', 'released a'])
})

test('a lane that fails while it grows goes back to its last cut', async () => {
  const { feed, log, calls, offer } = slowFeed(async () => 7)
  feed.lane.grow = () => Promise.reject(new Error('trap'))
  offer('a')
  calls[0].end('full')
  await feed.finish()
  assert.deepEqual(log, ['released a', 'rewind 7'])
})

test('a batch that comes while the lane goes back is not read over the gap', async () => {
  let restored: (offset: number) => void = () => undefined
  const { feed, log, calls, offer } = slowFeed(() => new Promise((resolve) => (restored = resolve)))
  offer('a')
  calls[0].trap()
  await new Promise(setImmediate)
  offer('b')
  restored(7)
  await feed.finish()
  assert.equal(calls.length, 1)
  assert.deepEqual(log, ['released a', 'released b', 'rewind 7'])
  offer('a again')
  calls[1].end('done')
  await feed.finish()
  assert.equal(calls[1].batch.topic, 'a again')
})

test('what an abandoned lane does not return is waited for by nobody, and counts no more', async () => {
  let answer: (status: LaneStatus) => void = () => undefined
  const { feed, log, offer } = feedOf([])
  feed.lane.consume = () =>
    new Promise((resolve) => {
      answer = resolve
    })
  offer()
  offer()
  const held = feed.hold()
  feed.abandon(new EuphorionError('PARTITION_STALLED', 'it does not return'))
  await assert.rejects(held, { code: 'PARTITION_STALLED' })
  await assert.rejects(feed.hold(), { code: 'PARTITION_STALLED' })
  await feed.finish()
  assert.ok(feed.stopped && feed.spoiled)
  // The batch that the task may be reading is not given back before it returns.
  assert.deepEqual(log, ['released'])
  answer('done')
  await settle()
  assert.deepEqual(log, ['released', 'released'])
})

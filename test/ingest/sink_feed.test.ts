import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SharedBatch } from '../../src/batch/region.ts'
import { SinkFeed } from '../../src/ingest/sink_feed.ts'
import { settle } from '../support/manual_clock.ts'

const batch = (text: string) => ({ payload: Buffer.from(text) }) as SharedBatch

/** A sink that answers when the test says so. */
function feedOf() {
  const pushed: string[] = []
  const answers: ((whole: boolean) => void)[] = []
  const rewound: number[] = []
  const sink = {
    stopped: false,
    holds: false,
    push: (payload: Uint8Array) => {
      pushed.push(Buffer.from(payload).toString())
      return new Promise<boolean>((resolve) => answers.push(resolve))
    },
    acknowledged: () => 7,
    pause: async () => undefined,
    resume: () => undefined,
    stall: () => undefined,
    spoiled: undefined,
    close: async () => undefined,
  }
  const feed = new SinkFeed({ topic: 't', open: () => sink }, sink, 1, {
    progressed: () => undefined,
    rewind: (offset) => void rewound.push(offset),
  })
  return { feed, sink, pushed, answers, rewound }
}

test('a handler that takes its time holds no region', async () => {
  const { feed, pushed, answers } = feedOf()
  let released = 0
  const first = batch('a')
  feed.offer(first, () => released++)
  feed.offer(batch('b'), () => released++)
  assert.equal(released, 2)
  assert.equal(feed.hasRoom, false)
  first.payload.fill('x')
  answers[0](true)
  await settle()
  assert.deepEqual(pushed, ['a', 'b'])
  assert.equal(feed.hasRoom, true)
})

test('behind a damaged batch everything is read again from what is acknowledged', async () => {
  const { feed, pushed, answers, rewound } = feedOf()
  feed.offer(batch('a'), () => undefined)
  feed.offer(batch('b'), () => undefined)
  answers[0](false)
  await settle()
  assert.deepEqual(pushed, ['a'])
  assert.deepEqual(rewound, [7])
})

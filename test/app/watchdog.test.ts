// The watchdog, on a clock moved by hand: what stands still is told and mended step by step, what
// gets on, or has nothing to do, is left alone.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Watchdog, type WatchedPart } from '../../src/app/watchdog.ts'
import type { EuphorionError } from '../../src/errors.ts'
import type { Logger } from '../../src/logger.ts'
import { ManualClock } from '../support/manual_clock.ts'

const keep = (): void => undefined
const logger: Logger = { debug: keep, info: keep, warn: keep, error: keep }

class Part {
  progress = 10
  mayWait = true
  confirm: (() => Promise<boolean>) | undefined
  readonly applied: string[] = []
  readonly errors: EuphorionError[] = []

  watched(): WatchedPart {
    const remedy = (name: string) => ({
      name,
      apply: (error: EuphorionError) => {
        this.applied.push(name)
        this.errors.push(error)
      },
    })
    return {
      topic: 't',
      partition: 3,
      name: 'fetch',
      progress: this.progress,
      mayWait: this.mayWait,
      facts: () => ({}),
      ...(this.confirm && { confirm: this.confirm }),
      remedies: [remedy('first'), remedy('second'), remedy('last')],
    }
  }
}

function watch(stallTimeoutMs = 10_000) {
  const clock = new ManualClock()
  const part = new Part()
  const parts = {
    *[Symbol.iterator]() {
      yield part.watched()
    },
  }
  const watchdog = new Watchdog({ clock, logger, stallTimeoutMs, parts })
  watchdog.start()
  const isStalled = () => watchdog.stateOf({ topic: 't', partition: 3 }, 'fetch').isStalled
  return { clock, part, watchdog, isStalled }
}

test('remedies follow each other, one after each time-out, and the last is repeated', async () => {
  const { clock, part, isStalled } = watch()
  await clock.advance(10_900)
  assert.deepEqual(part.applied, [])
  assert.ok(!isStalled())
  await clock.advance(200)
  assert.deepEqual(part.applied, ['first'])
  assert.ok(isStalled())
  await clock.advance(10_000)
  assert.deepEqual(part.applied, ['first', 'second'])
  await clock.advance(20_000)
  assert.deepEqual(part.applied, ['first', 'second', 'last', 'last'])
  const { code, place, message } = part.errors[1]
  assert.deepEqual([code, place], ['PARTITION_STALLED', { topic: 't', partition: 3, offset: 10 }])
  assert.match(message, /fetch of t\/3 has not got on for 20000 ms although records wait/)
})

test('what gets on, or has nothing to work on, is left alone', async () => {
  const { clock, part, isStalled } = watch()
  for (let step = 0; step < 20; step++) {
    await clock.advance(5000)
    if (step % 2 === 0) part.progress++
    else part.mayWait = !part.mayWait
  }
  part.mayWait = false
  await clock.advance(100_000)
  assert.deepEqual(part.applied, [])
  assert.ok(!isStalled())
})

test('who gets beyond where it stood begins anew; who was only set back does not', async () => {
  const { clock, part, isStalled } = watch()
  await clock.advance(12_000)
  assert.deepEqual(part.applied, ['first'])
  // It reads again what it had read before, up to the same place.
  part.progress = 7
  await clock.advance(2000)
  part.progress = 10
  await clock.advance(12_000)
  assert.deepEqual(part.applied, ['first', 'second'])
  part.progress = 11
  await clock.advance(2000)
  assert.ok(!isStalled())
  await clock.advance(12_000)
  assert.deepEqual(part.applied, ['first', 'second', 'first'])
})

test('where waiting is known by asking alone, it counts from the last answer that said no', async () => {
  const { clock, part } = watch()
  let waits = false
  let asked = 0
  part.confirm = async () => {
    asked++
    return waits
  }
  await clock.advance(60_000)
  assert.ok(asked >= 15 && asked <= 25, `${asked} questions`)
  // Records come just before the next question: they have not waited for long.
  waits = true
  await clock.advance(9000)
  assert.deepEqual(part.applied, [])
  await clock.advance(5000)
  assert.deepEqual(part.applied, ['first'])
})

test('an answer that comes after the part got on does nothing', async () => {
  const { clock, part } = watch()
  let answer: (waits: boolean) => void = () => undefined
  part.confirm = () =>
    new Promise((resolve) => {
      answer = resolve
    })
  await clock.advance(15_000)
  part.progress++
  await clock.advance(1000)
  answer(true)
  await clock.advance(1000)
  assert.deepEqual(part.applied, [])
})

test('a log that does not answer is asked again, and is no stall', async () => {
  const { clock, part } = watch()
  let asked = 0
  part.confirm = async () => {
    asked++
    throw new Error('no broker')
  }
  await clock.advance(60_000)
  assert.ok(asked > 10)
  assert.deepEqual(part.applied, [])
  part.confirm = async () => true
  await clock.advance(9000)
  assert.deepEqual(part.applied, [])
  await clock.advance(4000)
  assert.deepEqual(part.applied, ['first'])
})

test('after stop() nothing is looked at, and an answer that was on its way does nothing', async () => {
  const { clock, part, watchdog } = watch()
  let answer: (waits: boolean) => void = () => undefined
  part.confirm = () =>
    new Promise((resolve) => {
      answer = resolve
    })
  await clock.advance(12_000)
  watchdog.stop()
  answer(true)
  await clock.advance(60_000)
  assert.deepEqual(part.applied, [])
})

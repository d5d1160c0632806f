// Partitions that go back to what their stores have: in which order, how often, and until when.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PartitionTask } from '../../src/app/partition_task.ts'
import { Reopener } from '../../src/app/reopener.ts'
import { EuphorionError } from '../../src/errors.ts'
import { createLogger } from '../../src/logger.ts'
import { ManualClock, settle } from '../support/manual_clock.ts'

function fixture(retriesMax = 2) {
  const lines: string[] = []
  const clock = new ManualClock()
  const fails: (Error | undefined)[] = []
  let opening: ((signal: AbortSignal) => Promise<void>) | undefined
  const reopener = new Reopener({
    clock,
    logger: createLogger('test', 'silent'),
    retriesMax,
    remove: ({ place }) => void lines.push(`remove ${place.partition}`),
    open: async ({ partition }, signal) => {
      lines.push(`open ${partition}`)
      await opening?.(signal)
      const error = fails.shift()
      if (error) throw error
    },
    stopped: ({ partition }, error) =>
      void lines.push(`stopped ${partition} ${(error as EuphorionError).code}`),
  })
  const task = (partition: number) =>
    ({
      place: { topic: 't', partition },
      close: async () => void lines.push(`close ${partition}`),
    }) as unknown as PartitionTask
  const hold = (until: (signal: AbortSignal) => Promise<void>) => {
    opening = until
  }
  return { reopener, lines, clock, fails, task, hold }
}

const aborted = new EuphorionError('TRANSACTION_ABORTED', 'no')

test('all come to rest before one of them is opened again', async () => {
  const { reopener, lines, task } = fixture()
  let rest = (): void => undefined
  const slow = new Promise<void>((resolve) => {
    rest = resolve
  })
  reopener.reopen([task(0), task(1)], aborted, slow)
  await settle()
  assert.deepEqual(lines.splice(0), ['remove 0', 'remove 1'])
  rest()
  await settle()
  assert.deepEqual(lines, ['close 0', 'close 1', 'open 0', 'open 1'])
})

test('a partition that fails again and again stops, unless a cut has come between', async () => {
  const { reopener, lines, clock, task } = fixture()
  const again = async () => {
    reopener.reopen([task(0)], aborted, Promise.resolve())
    await settle()
    await clock.advance(10_000)
    return lines.splice(0).filter((line) => !/remove|close/.test(line))
  }
  assert.deepEqual(await again(), ['open 0'])
  assert.deepEqual(await again(), ['open 0'])
  reopener.cutMade(task(0))
  assert.deepEqual(await again(), ['open 0'])
  assert.deepEqual(await again(), ['open 0'])
  assert.deepEqual(await again(), ['stopped 0 TRANSACTION_ABORTED'])
})

test('what cannot be mended is not tried again; what cannot be opened is, after a pause', async () => {
  const { reopener, lines, clock, fails, task } = fixture()
  const changed = new EuphorionError('TABLE_CHANGED', 'no')
  reopener.reopen([task(0)], changed, Promise.resolve())
  await settle()
  assert.deepEqual(lines.splice(0).at(-1), 'stopped 0 TABLE_CHANGED')
  fails.push(new EuphorionError('LOG_FAILED', 'later'))
  reopener.reopen([task(1)], aborted, Promise.resolve())
  await settle()
  assert.deepEqual(lines.splice(0), ['remove 1', 'close 1', 'open 1'])
  await clock.advance(499)
  assert.deepEqual(lines, [])
  await clock.advance(1)
  assert.deepEqual(lines, ['open 1'])
})

test('a partition that goes is waited for, and not opened any more', async () => {
  const { reopener, lines, clock, fails, task, hold } = fixture()
  fails.push(new EuphorionError('LOG_FAILED', 'later'))
  reopener.reopen([task(0)], aborted, Promise.resolve())
  await settle()
  await reopener.drop([{ topic: 't', partition: 0 }])
  await clock.advance(60_000)
  assert.deepEqual(lines.splice(0), ['remove 0', 'close 0', 'open 0'])
  hold(
    (signal) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  )
  reopener.reopen([task(1)], aborted, Promise.resolve())
  await settle()
  await reopener.drop([{ topic: 't', partition: 1 }])
  assert.deepEqual(lines, ['remove 1', 'close 1', 'open 1'])
})

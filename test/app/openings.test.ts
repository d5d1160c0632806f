// Partitions on their way: each by itself, until it is open or given up.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Openings } from '../../src/app/openings.ts'
import { type Deferred, deferred } from '../../src/deferred.ts'
import { EuphorionError } from '../../src/errors.ts'
import type { AssignedPartition } from '../../src/log/log.ts'
import { ManualClock, settle } from '../support/manual_clock.ts'

const place = (partition: number): AssignedPartition => {
  return { topic: 't', partition, committed: undefined }
}

function setting(mayWait = true) {
  const clock = new ManualClock()
  const events: string[] = []
  const opening = new Map<number, Deferred<void>>()
  const openings: Openings = new Openings({
    clock,
    logger: {
      debug: () => undefined,
      info: () => undefined,
      warn: () => void events.push('told'),
      error: () => undefined,
    },
    open: async ({ partition }, signal) => {
      events.push(`open ${partition}`)
      const done = deferred()
      opening.set(partition, done)
      signal.addEventListener('abort', () => done.reject(signal.reason))
      try {
        await done.promise
        events.push(`opened ${partition}`)
      } catch (error) {
        events.push(`refused ${partition}`)
        openings.retry(place(partition), error, mayWait)
      }
    },
    failed: (error) => void events.push(`failed ${(error as Error).message}`),
  })
  return { clock, events, opening, openings }
}

const locked = () => new EuphorionError('STORE_LOCKED', 'another has it')

test('one that takes long holds up none of the others', async () => {
  const { clock, events, opening, openings } = setting()
  for (const partition of [0, 1]) openings.begin(place(partition))
  const tried = openings.tried().then(() => events.push('tried'))
  await clock.advance(0)
  opening.get(1)!.resolve()
  await settle()
  assert.deepEqual(events, ['open 0', 'open 1', 'opened 1'])
  opening.get(0)!.resolve()
  await tried
  assert.deepEqual(events.slice(3), ['opened 0', 'tried'])
  await openings.drop([place(0), place(1)])
})

test('one that is given up is called off, and drop() waits until it is over', async () => {
  const { clock, events, openings } = setting()
  openings.begin(place(0))
  await clock.advance(0)
  await openings.drop([place(0)])
  assert.deepEqual(events, ['open 0', 'refused 0'])
  await clock.advance(10_000)
  assert.equal(clock.alarms, 0)
})

test('one that has not begun is given up without beginning', async () => {
  const { clock, events, openings } = setting()
  openings.begin(place(0))
  const tried = openings.tried()
  await openings.drop([place(0)])
  await tried
  await clock.advance(10_000)
  assert.deepEqual(events, [])
})

test('a store that another process has is tried again, told of once, and counts as tried', async () => {
  const { clock, events, opening, openings } = setting()
  openings.begin(place(0))
  await clock.advance(0)
  opening.get(0)!.reject(locked())
  await openings.tried()
  await clock.advance(1000)
  opening.get(0)!.reject(locked())
  await settle()
  await clock.advance(1000)
  opening.get(0)!.resolve()
  await settle()
  const tries = ['open 0', 'refused 0', 'told', 'open 0', 'refused 0', 'open 0', 'opened 0']
  assert.deepEqual(events, tries)
  assert.equal(clock.alarms, 0)
})

test('what cannot be opened for another reason has failed', async () => {
  const { clock, events, opening, openings } = setting()
  openings.begin(place(0))
  await clock.advance(0)
  opening.get(0)!.reject(new EuphorionError('TABLE_CHANGED', 'changed'))
  await settle()
  assert.deepEqual(events, ['open 0', 'refused 0', 'failed changed'])
})

test('at the start a store may be locked for moments, by a worker that looks into it', async () => {
  const { clock, events, opening, openings } = setting(false)
  let isTried = false
  openings.begin(place(0))
  void openings.tried().then(() => {
    isTried = true
  })
  await clock.advance(0)
  for (let i = 0; i < 2; i++) {
    opening.get(0)!.reject(locked())
    await settle()
    await clock.advance(1000)
  }
  assert.equal(isTried, false)
  opening.get(0)!.reject(locked())
  await settle()
  assert.equal(isTried, true)
  assert.equal(events.at(-1), 'failed another has it')
})

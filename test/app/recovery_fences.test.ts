// Members that are gone are fenced: each once, a few at a time, and nobody waits for ever.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fences } from '../../src/app/recovery_fences.ts'
import { type Deferred, deferred } from '../../src/deferred.ts'
import { EuphorionError } from '../../src/errors.ts'
import { ManualClock, settle } from '../support/manual_clock.ts'

function setting() {
  const clock = new ManualClock()
  const asked: string[] = []
  const warned: unknown[] = []
  const fencing: Deferred<void>[] = []
  const fences = new Fences({
    clock,
    logger: {
      debug: () => undefined,
      info: () => undefined,
      warn: (facts) => void warned.push(facts),
      error: () => undefined,
    },
    transactionalId: 'self',
    log: {
      fence: (id) => {
        asked.push(id)
        fencing.push(deferred())
        return fencing.at(-1)!.promise
      },
    },
  })
  return { clock, asked, warned, fencing, fences }
}

test('each member that is gone is fenced once, but not this one', async () => {
  const { asked, fencing, fences } = setting()
  fences.add(['a', 'self', '', 'b'])
  fences.add(['a', 'b', 'c'])
  assert.deepEqual(asked, ['a', 'b', 'c'])
  for (const each of fencing) each.resolve()
  await fences.settled()
  fences.add(['a', 'b', 'c'])
  assert.equal(asked.length, 3)
  fences.add([])
  fences.add(['a'])
  assert.deepEqual(asked.slice(3), ['a'])
  fencing.at(-1)!.resolve()
  await fences.settled()
})

test('many are fenced a few at a time', async () => {
  const { asked, fencing, fences } = setting()
  fences.add(Array.from({ length: 30 }, (_, i) => `m${i}`))
  assert.equal(asked.length, 8)
  const settled = fences.settled()
  for (let i = 0; i < 30; i++) {
    fencing[i].resolve()
    await settle()
  }
  await settled
  assert.equal(new Set(asked).size, 30)
})

test('a log without an answer is asked again; what it refuses is told, and waited for no more', async () => {
  const { clock, asked, warned, fencing, fences } = setting()
  fences.add(['a'])
  const settled = fences.settled()
  fencing[0].reject(new EuphorionError('LOG_FAILED', 'no coordinator'))
  await settle()
  await clock.advance(500)
  assert.deepEqual(asked, ['a', 'a'])
  fencing[1].reject(new EuphorionError('ACCESS_DENIED', 'not this id'))
  await settled
  assert.equal(warned.length, 2)
})

test('nothing is asked after close()', async () => {
  const { clock, asked, fencing, fences } = setting()
  fences.add(['a'])
  fencing[0].reject(new EuphorionError('LOG_FAILED', 'no coordinator'))
  await settle()
  fences.close()
  await clock.advance(500)
  await fences.settled()
  assert.deepEqual(asked, ['a'])
})

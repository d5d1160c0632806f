// Timers through the public API: when they are called, what they get, and what they must not do.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { App } from '../../src/index.ts'
import { Lines, newApp, until } from '../support/apps.ts'
import { newDirectory } from '../support/program.ts'

const timeout = 60_000

test('a timer is called while the app runs, with the app and a signal', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory())
  const calls: { app: App; aborted: boolean }[] = []
  app.timer('often', '5ms', ({ app, signal }) => calls.push({ app, aborted: signal.aborted }))
  assert.equal(calls.length, 0)
  await app.start()
  await until(() => calls.length >= 3)
  await app.stop()
  const called = calls.length
  assert.ok(calls.every((call) => call.app === app && !call.aborted))
  await new Promise((resolve) => setTimeout(resolve, 30))
  assert.equal(calls.length, called, 'no call after stop()')
  await app.start()
  await until(() => calls.length > called)
})

test('never twice at once; stop() aborts the call and waits for it', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory())
  let running = 0
  let finished = 0
  app.timer('slow', 1, async ({ signal }) => {
    assert.equal(++running, 1)
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    await new Promise((resolve) => setImmediate(resolve))
    running--
    finished++
  })
  await app.start()
  await until(() => running === 1)
  await app.stop()
  assert.equal(finished, 1)
})

test('what a timer throws is logged, and it goes on', { timeout }, async (t) => {
  const logger = new Lines()
  const app = newApp(t, await newDirectory(), { logger })
  let calls = 0
  app.timer('wild', '5ms', async () => {
    if (++calls === 1) throw new Error('on purpose')
  })
  await app.start()
  await until(() => calls >= 3)
  const errors = logger.lines.filter((line) => line.startsWith('error'))
  assert.deepEqual(errors, ['error a timer failed on purpose {"timer":"wild"}'])
})

test('a period is a time of at least 1 ms', async (t) => {
  const app = newApp(t, await newDirectory())
  for (const every of [0, -1, 0.5, '0s', 'often'] as never[])
    assert.throws(() => app.timer('wrong', every, () => undefined), { code: 'APP_INVALID' })
})

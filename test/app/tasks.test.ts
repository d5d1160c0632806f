// Tasks, services and listeners through the public API: their order, their ends, their errors.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { App, type HookName } from '../../src/index.ts'
import { inFolder, Lines, newApp, until } from '../support/apps.ts'
import { newDirectory } from '../support/program.ts'

const timeout = 60_000

test('a task is called once the worker runs; stop() aborts and awaits it', {
  timeout,
}, async (t) => {
  const app = newApp(t, await newDirectory())
  const told: string[] = []
  app.on('started', () => told.push('started'))
  app.task('waits', async ({ app: given, sleep, signal }) => {
    assert.equal(given, app)
    told.push('task')
    try {
      await sleep('1h')
    } finally {
      told.push(`ends ${signal.aborted}`)
    }
  })
  assert.deepEqual(told, [])
  await app.start()
  await app.stop()
  assert.deepEqual(told, ['task', 'started', 'ends true'])
})

test('what a task throws ends the app, or is logged', { timeout }, async (t) => {
  const logger = new Lines()
  const app = newApp(t, await newDirectory(), { logger })
  const wild = async ({ sleep }: { sleep(ms: number): Promise<void> }) => {
    await sleep(1)
    throw new Error('on purpose')
  }
  app.task('tame', wild, { onError: 'log' })
  await app.start()
  await until(() => logger.lines.some((line) => line.startsWith('error a task failed on purpose')))
  await app.stop()
  app.task(wild)
  await app.start()
  await assert.rejects(app.ended, { code: 'CALLBACK_FAILED', message: /wild.*on purpose/ })
})

test('services start before the streams and stop after them', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory())
  const told: string[] = []
  const service = (name: string) => ({
    start: async () => told.push(`start ${name}`),
    stop: () => void told.push(`stop ${name}`),
  })
  app.service('cache', service('cache'), { after: ['pool'] })
  app.service('pool', service('pool'))
  app.service('loop', async ({ signal }) => {
    told.push('loop')
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    told.push('loop ends')
  })
  const topic = app.topic<number>('numbers', { partitions: 1 })
  app.agent(topic, async (stream) => {
    told.push('agent')
    for await (const _ of stream);
    told.push('agent ends')
  })
  await app.start()
  await app.stop()
  const starts = ['start pool', 'start cache', 'loop', 'agent']
  assert.deepEqual(told, [...starts, 'agent ends', 'loop ends', 'stop cache', 'stop pool'])
})

test('a service that cannot start has start() reject, and those before it end', async (t) => {
  const app = newApp(t, await newDirectory())
  const told: string[] = []
  app.service('first', { start: () => told.push('start'), stop: () => told.push('stop') })
  app.service('second', {
    start: () => {
      throw new Error('no pool')
    },
  })
  await assert.rejects(app.start(), { code: 'CALLBACK_FAILED', message: /second.*no pool/ })
  assert.deepEqual(told, ['start', 'stop'])
})

test('services that wait for each other, or for none, are refused', async (t) => {
  const round = newApp(t, await newDirectory())
  round.service('a', {}, { after: ['b'] })
  round.service('b', {}, { after: ['a'] })
  await assert.rejects(round.start(), { code: 'APP_INVALID', message: /a after b after a/ })
  const missing = newApp(t, await newDirectory())
  missing.service('a', {}, { after: ['nothing'] })
  await assert.rejects(missing.start(), { code: 'APP_INVALID', message: /no service nothing/ })
  assert.throws(() => missing.service('a', {}), { code: 'APP_INVALID' })
})

test('listeners hear of a run in its order', { timeout }, async (t) => {
  const directory = await newDirectory()
  const app = new App('heard', inFolder(directory))
  t.after(() => app.stop())
  const told: string[] = []
  const names: HookName[] = [
    'beforeConfigured',
    'configured',
    'rebalanceComplete',
    'started',
    'beforeShutdown',
    'stopped',
  ]
  for (const name of names) app.on(name, () => void told.push(name))
  for (const name of ['partitionsAssigned', 'partitionsRevoked'] as const)
    app.on(name, async ({ partitions }) => told.push(`${name} ${JSON.stringify(partitions)}`))
  app.agent(app.topic('numbers', { partitions: 1 }), async (stream) => {
    for await (const _ of stream);
  })
  app.onLeader(() => undefined)
  await app.start()
  await app.stop()
  const numbers = JSON.stringify([{ topic: 'numbers', partition: 0 }])
  assert.deepEqual(told, [
    'beforeConfigured',
    'configured',
    `partitionsAssigned ${numbers}`,
    'rebalanceComplete',
    'started',
    'beforeShutdown',
    `partitionsRevoked ${numbers}`,
    'stopped',
  ])
})

test('a listener can set what is not set, and can be taken away', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory())
  const off = app.on('beforeConfigured', ({ settings }) => {
    settings.commitIntervalMs = 77
  })
  let seen = 0
  app.on('configured', ({ settings }) => {
    seen = settings.commitIntervalMs
  })
  await app.start()
  assert.equal(seen, 77)
  off()
  await app.stop()
  const fail = app.on('configured', () => {
    throw new Error('not so')
  })
  await assert.rejects(app.start(), { code: 'CALLBACK_FAILED', message: /configured.*not so/ })
  fail()
})

test('what a listener throws is logged, and the others hear of it', { timeout }, async (t) => {
  const logger = new Lines()
  const app = newApp(t, await newDirectory(), { logger })
  app.on('started', async () => {
    throw new Error('deaf')
  })
  let heard = false
  app.on('started', () => {
    heard = true
  })
  await app.start()
  assert.equal(heard, true)
  assert.ok(logger.lines.some((line) => /^error .*a listener of started failed: deaf/.test(line)))
})

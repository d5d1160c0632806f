// Several apps in one process: each has its own settings, tables, leader and pages.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { App } from '../../src/index.ts'
import { inFolder, until } from '../support/apps.ts'
import { newDirectory } from '../support/program.ts'

test('two apps run beside each other on one log', { timeout: 60_000 }, async (t) => {
  const directory = await newDirectory()
  const seen: string[] = []
  const apps = ['one', 'two'].map((id) => {
    const app = new App(id, { ...inFolder(directory), envPrefix: `${id.toUpperCase()}_` })
    t.after(() => app.stop())
    app.agent(app.topic<number>('numbers', { partitions: 1 }), async (stream) => {
      for await (const number of stream) seen.push(`${id} ${number}`)
    })
    app.page('/', () => id)
    app.onLeader(() => void seen.push(`${id} leads`))
    return app
  })
  process.env.TWO_LINGER_MS = '3'
  t.after(() => {
    delete process.env.TWO_LINGER_MS
  })
  assert.deepEqual([apps[0].settings.lingerMs === 3, apps[1].settings.lingerMs], [false, 3])
  for (const app of apps) await app.start()
  await apps[0].topic<number>('numbers').send({ value: 7 })
  await until(() => seen.length === 4)
  assert.deepEqual(seen.sort(), ['one 7', 'one leads', 'two 7', 'two leads'])
  const pages = await Promise.all(
    apps.map(async (app) => (await app.fetch(new Request('http://here/'))).text()),
  )
  assert.deepEqual(pages, ['one', 'two'])
})

test('a topic that many send to at once is made once', { timeout: 60_000 }, async (t) => {
  const app = new App('many', inFolder(await newDirectory()))
  t.after(() => app.stop())
  const numbers = app.topic<number>('numbers', { partitions: 1 })
  const sent = await Promise.all(Array.from({ length: 20 }, (_, value) => numbers.send({ value })))
  assert.deepEqual(
    sent.map(({ offset }) => Number(offset)).sort((a, b) => a - b),
    Array.from({ length: 20 }, (_, value) => value),
  )
})

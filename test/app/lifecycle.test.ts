// An app inside another program: starting, stopping, both at the wrong moment, and what is left.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { App } from '../../src/app/app.ts'
import { isProgram } from '../../src/app/program.ts'
import type { EuphorionError } from '../../src/errors.ts'
import { text } from '../../src/record/codec.ts'
import { string } from '../../src/record/fields.ts'
import { count } from '../../src/stream/aggregates.ts'
import { inFolder, Lines, newApp, until } from '../support/apps.ts'
import { rejectsWith } from '../support/log.ts'
import { newDirectory, Program, runNode } from '../support/program.ts'

const timeout = 60_000
const support = (name: string): string => join(import.meta.dirname, '../support', name)

function words(app: App) {
  const topic = app.topic('words', { key: string(), value: text(), partitions: 2 })
  const perWord = app.stream(topic).aggregate('per-word', () => ({ n: count() }))
  return { topic, perWord }
}

test('nothing is left of a stopped app: the program ends by itself', { timeout }, async (t) => {
  const cwd = await newDirectory()
  const { code, out, err } = await runNode(t, [support('start_and_stop.js')], { cwd })
  assert.equal(code, 0, err)
  assert.equal(out, 'seen 2\n')
  assert.equal(err, '')
})

test('it starts once at a time', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory())
  words(app)
  const first = app.start()
  await assert.rejects(app.start(), rejectsWith('APP_INVALID'))
  await first
  await assert.rejects(app.start(), rejectsWith('APP_INVALID'))
  await Promise.all([app.stop(), app.stop()])
  await app.start()
})

test('stop() while it starts: start() rejects, and it can start again', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory())
  const { topic, perWord } = words(app)
  for (const steps of [0, 1, 20, 200]) {
    const starting = app.start()
    const outcome = starting.then(
      () => 'started',
      (error: EuphorionError) => error.message,
    )
    for (let step = 0; step < steps; step++) await new Promise((resolve) => setImmediate(resolve))
    await app.stop()
    assert.match(await outcome, /^started$|stopped while it started/)
  }
  await app.start()
  await topic.send({ key: 'a', value: 'x' })
  await until(async () => (await perWord.get('a'))?.n === 1)
})

test('a start that fails leaves nothing locked', { timeout }, async (t) => {
  const directory = await newDirectory()
  const first = newApp(t, directory)
  const { topic, perWord } = words(first)
  await first.start()
  await topic.send({ key: 'a', value: 'x' })
  await until(async () => (await perWord.get('a'))?.n === 1)
  await first.stop()
  const changed = newApp(t, directory)
  const again = changed.topic('words', { key: string(), value: text() })
  changed.stream(again).aggregate('per-word', () => ({ n: count(), m: count() }))
  await assert.rejects(changed.start(), rejectsWith('TABLE_CHANGED'))
  await assert.rejects(changed.start(), rejectsWith('TABLE_CHANGED'))
  await first.start()
})

test('before it starts and after it stopped its tables say so', { timeout }, async (t) => {
  const app = newApp(t, await newDirectory())
  const { perWord } = words(app)
  await assert.rejects(perWord.get('a'), rejectsWith('QUERY_UNAVAILABLE'))
  await app.start()
  assert.equal(await perWord.get('a'), undefined)
  await app.stop()
  await assert.rejects(perWord.get('a'), rejectsWith('QUERY_UNAVAILABLE'))
  await app.stop()
})

test('two apps in one process, on one log', { timeout }, async (t) => {
  const directory = await newDirectory()
  const one = newApp(t, directory)
  const two = new App('other', inFolder(directory))
  t.after(() => two.stop())
  const counts = [words(one), words(two)]
  await Promise.all([one.start(), two.start()])
  await counts[0].topic.send({ key: 'a', value: 'x' })
  await counts[1].topic.send({ key: 'a', value: 'y' })
  for (const { perWord } of counts) await until(async () => (await perWord.get('a'))?.n === 2)
  await one.stop()
  await counts[1].topic.send({ key: 'a', value: 'z' })
  await until(async () => (await counts[1].perWord.get('a'))?.n === 3)
})

test('send() works without start(), and stop() closes what it opened', { timeout }, async (t) => {
  const directory = await newDirectory()
  const app = newApp(t, directory)
  const { topic } = words(app)
  await assert.rejects(app.send('nowhere', { value: 'x' }), rejectsWith('TOPIC_UNKNOWN'))
  const { offset } = await topic.send({ key: 'a', value: 'x', partition: 1 })
  assert.equal(offset, 0)
  await app.stop()
  assert.equal((await topic.send({ key: 'a', value: 'x', partition: 1 })).offset, 1)
  const names = (await (await app.log()).topics()).map(({ name }) => name)
  assert.deepEqual(names, ['words'])
  const strict = newApp(t, directory, { createTopics: false })
  const other = strict.topic('other', { value: text() })
  await app.stop()
  await assert.rejects(other.send({ value: 'x' }), rejectsWith('TOPIC_UNKNOWN'))
})

test('ended: resolves with a stop, rejects with what made the app fail', { timeout }, async (t) => {
  const directory = await newDirectory()
  const app = newApp(t, directory)
  const topic = app.topic('words', { value: text(), partitions: 1 })
  app.agent(topic, async (stream) => {
    for await (const word of stream) if (word === 'bad') throw new Error('on purpose')
  })
  await app.ended
  await app.start()
  const { ended } = app
  await app.stop()
  await ended
  await app.start()
  await topic.send({ value: 'bad' })
  await assert.rejects(app.ended, rejectsWith('HANDLER_FAILED'))
})

test('while one partition goes on the app does', { timeout }, async (t) => {
  const logger = new Lines()
  const app = newApp(t, await newDirectory(), { logger })
  const topic = app.topic('words', { value: text(), partitions: 2 })
  const seen: string[] = []
  app.agent(topic, async (stream) => {
    for await (const word of stream) {
      if (word === 'bad') throw new Error('on purpose')
      seen.push(word)
    }
  })
  await app.start()
  await topic.send({ value: 'bad', partition: 0 })
  await topic.send({ value: 'never', partition: 0 })
  await until(() => logger.lines.some((line) => /^error .*failed/.test(line)))
  await topic.send({ value: 'good', partition: 1 })
  await until(() => seen.length === 1)
  assert.deepEqual(seen, ['good'])
})

test('a worker ends with 0 when its app stops itself, with 1 when it fails', {
  timeout,
}, async (t) => {
  const cwd = await newDirectory()
  const stops = await runNode(t, [support('ends_itself.js'), 'worker'], { cwd })
  assert.equal(stops.code, 0, stops.err)
  assert.equal(stops.out, 'stopping\n')
  const env = { FAILS: 'yes' }
  const fails = await runNode(t, [support('ends_itself.js'), 'worker'], { cwd, env })
  assert.equal(fails.code, 1)
  assert.match(fails.err, /HANDLER_FAILED: agent \S+ failed \(topic ends, partition 0, offset \d\)/)
  assert.match(fails.err, /cause: on purpose/)
})

test('main() acts only in the module that is the program', { timeout }, async (t) => {
  const cwd = await newDirectory()
  const url = new URL(`file://${support('ends_itself.js')}`).href
  const importing = ['--input-type=module', '-e', `await import('${url}'); console.log('imported')`]
  const imported = await runNode(t, importing, { cwd })
  assert.equal(imported.out, 'imported\n')
  assert.equal(imported.code, 0)
  // Without extension, as Node takes it.
  assert.ok(isProgram(url, support('ends_itself.js')))
  assert.ok(isProgram(url, support('ends_itself')))
  assert.ok(!isProgram(url, support('other.js')))
  assert.ok(!isProgram('data:text/javascript,', support('ends_itself.js')))
  const worker = Program.start(t, [support('ends_itself.js'), '--help'], { cwd })
  assert.match((await worker.ended).out, /^Usage: node \S*ends_itself.js/)
})

// Topics that are empty, or go away while they are read, whatever the log. Run on the embedded log
// and on a real Kafka.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { count } from '../../src/index.ts'
import { badValues, mixedRecords, Reading } from '../support/bad_values.ts'
import { unique } from '../support/log.ts'
import { caughtUp, fillTopic, inTemporary, testApp, until } from '../support/running_app.ts'
import type { Place } from './bad_input.ts'

const LIMIT = { timeout: 120_000 }

export function lostTopicsContract(name: string, place: Place): void {
  describe(`Empty and deleted topics: ${name}`, () => {
    test('a topic that stays empty, and then gets records', LIMIT, () => empty(place))
    test('a topic deleted while it is read stops its readers alone', LIMIT, () => deleted(place))
    test('an app whose only topic is deleted fails', LIMIT, () => onlyDeleted(place))
  })
}

async function empty(place: Place): Promise<void> {
  await inTemporary(async (directory) => {
    const { app } = testApp(place(directory))
    const topic = unique('readings')
    const readings = app.topic(topic, { value: Reading, partitions: 1 })
    const perId = app
      .stream(readings)
      .keyBy('id')
      .aggregate('per-id', () => ({ readings: count() }))
    await app.start()
    await until(app, () => app.statistics().length === 1)
    assert.equal(await perId.get('a'), undefined)
    await app.stop()
    await app.start()
    await app.send(topic, { value: { id: 'a', value: 1, count: 1, at: 1, inner: { flag: true } } })
    await caughtUp(app, topic)
    assert.deepEqual(await perId.get('a'), { key: 'a', readings: 1 })
    await app.stop()
  })
}

async function deleted(place: Place): Promise<void> {
  await inTemporary(async (directory) => {
    const { app, lines } = testApp(place(directory))
    const [going, staying] = [unique('going'), unique('staying')]
    let events = 0
    for (const name of [going, staying]) {
      const readings = app.topic(name, { value: Reading, partitions: 1 })
      app
        .stream(readings)
        .keyBy('id')
        .aggregate(`per-id-${name}`, () => ({ readings: count() }))
      app.agent(readings, async (stream) => {
        for await (const _ of stream) events++
      })
    }
    const log = await app.log()
    await fillTopic(log, going, [mixedRecords(1000, badValues)])
    await fillTopic(log, staying, [[]])
    await app.start()
    await caughtUp(app, going)
    const before = events
    await log.deleteTopic(going)
    const reported = () =>
      lines.some(({ fields }) => (fields.err as { code?: string })?.code === 'TOPIC_DELETED')
    await until(app, reported)
    await app.send(staying, {
      value: { id: 'a', value: 1, count: 1, at: 1, inner: { flag: true } },
    })
    await caughtUp(app, staying)
    assert.equal(events, before + 1)
    await app.stop()
  })
}

async function onlyDeleted(place: Place): Promise<void> {
  await inTemporary(async (directory) => {
    const { app } = testApp(place(directory))
    const topic = unique('readings')
    app.agent(app.topic(topic, { value: Reading, partitions: 1 }), async (stream) => {
      for await (const _ of stream);
    })
    await app.start()
    const log = await app.log()
    await app.send(topic, { value: { id: 'a', value: 1, count: 1, at: 1, inner: { flag: true } } })
    await caughtUp(app, topic)
    await log.deleteTopic(topic)
    await assert.rejects(app.ended, (error: { code: string; place: { topic: string } }) => {
      assert.equal(error.code, 'TOPIC_DELETED')
      assert.equal(error.place.topic, topic)
      return true
    })
    await app.stop()
  })
}

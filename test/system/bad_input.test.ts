// Bad input on the embedded log, and what only its files can show: damage on the disk, and limits
// that differ from topic to topic.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type App, type AppOptions, count, json } from '../../src/index.ts'
import { badInputContract } from '../contract/bad_input.ts'
import { lostTopicsContract } from '../contract/lost_topics.ts'
import { badValues, mixedRecords, Reading } from '../support/bad_values.ts'
import { readAll } from '../support/embedded.ts'
import { caughtUp, fillTopic, inTemporary, testApp, until } from '../support/running_app.ts'

const place = (directory: string): AppOptions => ({
  broker: `embedded:${join(directory, 'log')}`,
  dataDir: join(directory, 'data'),
})

badInputContract('embedded log', place)
lostTopicsContract('embedded log', place)

const good = mixedRecords(2000, badValues)
  .filter(({ reason, value }) => reason === undefined && value!.length < 1000)
  .slice(0, 1000)

/** Flips a bit of the id of the record with this count, of which there is one. */
function damage(directory: string, topic: string, count: number): void {
  const files = readdirSync(join(directory, 'log'), { recursive: true, encoding: 'utf8' })
  const [name] = files.filter((each) => each.includes(`${topic}/0/`) && each.endsWith('.log'))
  const path = join(directory, 'log', name)
  const bytes = readFileSync(path)
  const at = bytes.indexOf(`"count":${count},`)
  assert.ok(at > 0 && bytes.indexOf(`"count":${count},`, at + 1) < 0)
  bytes[at + 2] ^= 1
  writeFileSync(path, bytes)
}

/** Topic `t` of one partition, in batches of 100 records, the sixth of them damaged. */
async function damagedTopic(directory: string): Promise<void> {
  const { app } = testApp(place(directory))
  await fillTopic(await app.log(), 't', [good])
  await app.stop()
  damage(directory, 't', JSON.parse(String(good[555].value)).count)
}

async function assertCorrupt(app: App): Promise<void> {
  await assert.rejects(app.ended, {
    code: 'BATCH_CORRUPT',
    place: { topic: 't', partition: 0, offset: 500 },
  })
}

for (const backend of ['wasm', 'js'] as const)
  test(`an aggregation (${backend}) stops at a batch with a wrong checksum`, () =>
    inTemporary(async (directory) => {
      await damagedTopic(directory)
      const { app } = testApp({ ...place(directory), backend })
      const readings = app.topic('t', { value: Reading, partitions: 1 })
      app
        .stream(readings)
        .keyBy('id')
        .aggregate('per-id', () => ({ readings: count() }))
      await app.start()
      await assertCorrupt(app)
      assert.equal(app.statistics()[0].counted, 500)
      await app.stop()
      const log = await app.log()
      assert.equal((await log.committed(app.id, 't')).get(0), 500)
      assert.deepEqual(await readAll(log, `${app.id}-dead-letter`), [])
    }))

test('an agent stops at a batch with a wrong checksum', () =>
  inTemporary(async (directory) => {
    await damagedTopic(directory)
    const { app } = testApp(place(directory))
    let got = 0
    app.agent(app.topic('t', { partitions: 1 }), async (stream) => {
      for await (const _ of stream) got++
    })
    await app.start()
    await assertCorrupt(app)
    assert.equal(got, 500)
    await app.stop()
    assert.equal((await (await app.log()).committed(app.id, 't')).get(0), 500)
  }))

test('without checkCrcs an agent gets what the damaged batch holds', () =>
  inTemporary(async (directory) => {
    await damagedTopic(directory)
    const { app } = testApp({ ...place(directory), checkCrcs: false })
    let got = 0
    app.agent(app.topic('t', { partitions: 1 }), async (stream) => {
      for await (const _ of stream) got++
    })
    await app.start()
    await until(app, () => got === 1000)
  }))

test('a bad record larger than topics allow by default is a dead letter too', () =>
  inTemporary(async (directory) => {
    const { app } = testApp(place(directory))
    const large = app.topic('large', { value: json(), partitions: 1 })
    app.agent(large, async (stream) => {
      for await (const _ of stream);
    })
    const value = Buffer.alloc(10 * 1024 ** 2, 0x7b)
    await fillTopic(await app.log(), 'large', [[{ key: null, value, timestamp: 1 }]])
    await app.start()
    await caughtUp(app, 'large')
    const [letter] = await readAll(await app.log(), `${app.id}-dead-letter`)
    assert.equal(Buffer.compare(letter.value!, value), 0)
  }))

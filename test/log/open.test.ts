// openLog: which addresses it takes, and what it loads for them.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import type { Log } from '../../src/log/log.ts'
import { openLog } from '../../src/log/open.ts'
import { rejectsWith } from '../support/log.ts'

for (const broker of [
  '',
  'localhost',
  './data',
  'http://localhost:9092',
  'kafka://',
  'kafka://host:70000',
  'kafka://host,,other',
  'kafka://user:password@host',
  'kafka://host/topic',
  'embedded:',
  'embedded://dir',
])
  test(`'${broker}' is refused, naming both forms`, async () => {
    await assert.rejects(openLog(broker), (error: Error) => {
      rejectsWith('SETTING_INVALID')(error)
      return /kafka:\/\/host:9092/.test(error.message) && /embedded:/.test(error.message)
    })
  })

test('a mechanism of SASL without user and password is refused', async () => {
  await assert.rejects(
    openLog('kafka://localhost', { settings: { saslMechanism: 'plain', saslUsername: 'me' } }),
    rejectsWith('SETTING_INVALID'),
  )
})

test('logins by tokens need somebody who gives them', async () => {
  await assert.rejects(
    openLog('kafka://localhost', { settings: { saslMechanism: 'oauthbearer' } }),
    rejectsWith('SETTING_INVALID'),
  )
})

test('an address of Kafka has port 9092 unless it says another', async () => {
  for (const transport of ['kafka', 'kafkajs'] as const)
    for (const connectTimeoutMs of [1, 300])
      for (const [broker, named] of [
        ['kafka://127.0.0.1', '127.0.0.1:9092'],
        ['kafka://127.0.0.1:1,[::1]:2', '127.0.0.1:1,[::1]:2'],
        ['kafka://127.0.0.1:1;127.0.0.2', '127.0.0.1:1,127.0.0.2:9092'],
        ['kafka://127.0.0.1:1,kafka://127.0.0.2:2', '127.0.0.1:1,127.0.0.2:2'],
        ['127.0.0.1:1;127.0.0.2:2', '127.0.0.1:1,127.0.0.2:2'],
      ])
        await assert.rejects(
          openLog(broker, { settings: { connectTimeoutMs, transport } }),
          (error: Error) => {
            rejectsWith('BROKER_UNREACHABLE')(error)
            return error.message.includes(named)
          },
        )
})

test('the embedded log opens in a directory relative to the working one, without kafkajs', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'euphorion-open-'))
  const program = `
    import { createRequire } from 'node:module'
    import { openLog } from ${JSON.stringify(new URL('../../src/log/open.js', import.meta.url).href)}
    const log = await openLog('embedded:./data')
    await log.createTopic('t', { partitions: 1 })
    await log.close()
    const loaded = Object.keys(createRequire(import.meta.url).cache).filter((file) => file.includes('kafkajs'))
    console.log(JSON.stringify({ driver: log.capabilities.driver, loaded }))`
  try {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '-e', program],
      { cwd: directory },
    )
    assert.deepEqual(JSON.parse(stdout), { driver: 'embedded', loaded: [] })
    const again = await openLog(`embedded:${join(directory, 'data')}`)
    assert.deepEqual(await namesOf(again), ['t'])
    await again.close()
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})

test('an embedded log that this process has open is shared; the last close() closes it', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'euphorion-open-'))
  const broker = `embedded:${directory}`
  try {
    const logs = await Promise.all([openLog(broker), openLog(broker)])
    const third = await openLog(broker, { settings: { fsync: 'interval' } })
    await assert.rejects(
      openLog(broker, { settings: { fsync: 'always' } }),
      rejectsWith('SETTING_INVALID'),
    )
    await logs[0].createTopic('t', { partitions: 1 })
    await Promise.all(logs.map((log) => log.close()))
    assert.deepEqual(await namesOf(third), ['t'])
    const closing = third.close()
    const next = await openLog(broker, { settings: { fsync: 'always' } })
    await closing
    await assert.rejects(third.topics(), rejectsWith('LOG_FAILED'))
    assert.deepEqual(await namesOf(next), ['t'])
    await next.close()
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})

const namesOf = async (log: Log) => (await log.topics()).map(({ name }) => name)

// Topics of changelogs: made as tables need them, refused where they are somebody else's.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EuphorionError } from '../../src/errors.ts'
import type { Log, TopicConfig } from '../../src/log/log.ts'
import { resolveSettings } from '../../src/settings.ts'
import { checkShapes } from '../../src/table/changelog_shapes.ts'
import {
  changelogTopic,
  checkChangelogs,
  ensureChangelogs,
} from '../../src/table/changelog_topics.ts'
import { inDirectory, withLog } from '../support/embedded.ts'

const settings = resolveSettings({})
const window = { sizeMs: 60_000, graceMs: 10_000, retentionMs: 5000 }

const coded =
  (code: string, ...parts: readonly string[]) =>
  (error: unknown) =>
    error instanceof EuphorionError &&
    error.code === code &&
    parts.every((part) => error.message.includes(part))

test('missing topics are created with the partitions of their sources, once', async () => {
  await inDirectory((directory) =>
    withLog(directory, {}, async (log) => {
      const made: [string, TopicConfig | undefined][] = []
      const watched = {
        topics: () => log.topics(),
        topic: (name: string) => log.topic(name),
        createTopic: (name: string, options: { partitions: number; config?: TopicConfig }) => {
          made.push([name, options.config])
          return log.createTopic(name, options)
        },
      } as Log
      const tables = [
        { name: 'plain', partitions: 3 },
        { name: 'windowed', partitions: 2, window },
      ]
      const found = await ensureChangelogs(watched, 'app', tables, settings)
      assert.deepEqual(
        [...found].map(([name, info]) => [name, info.name, info.partitions]),
        [
          ['plain', 'app-plain-changelog', 3],
          ['windowed', 'app-windowed-changelog', 2],
        ],
      )
      assert.equal(made[0][1]?.cleanup, 'compact')
      assert.equal(made[1][1]?.cleanup, 'compact,delete')
      assert.equal(made[1][1]?.retentionMs, 75_000 + 86_400_000)
      assert.deepEqual(await ensureChangelogs(watched, 'app', tables, settings), found)
      assert.equal(made.length, 2)
    }),
  )
})

test('another number of partitions is refused, with the ways out', async () => {
  await inDirectory((directory) =>
    withLog(directory, {}, async (log) => {
      await log.createTopic(changelogTopic('app', 'visits'), { partitions: 4 })
      await assert.rejects(
        ensureChangelogs(log, 'app', [{ name: 'visits', partitions: 8 }], settings),
        coded('PARTITIONS_MISMATCH', 'visits', '4', '8', 'another program', 'euphorion reset'),
      )
    }),
  )
})

test('a changelog that loses what a table needs is refused, and says what has to change', async () => {
  const table = { name: 'visits', partitions: 1 }
  const config = { cleanup: 'compact', maxMessageBytes: 1 << 20 } as const
  const kept = 75_000
  const cases: [Omit<TopicConfig, 'maxMessageBytes'>, boolean, string | undefined][] = [
    [{}, false, undefined],
    [{}, true, undefined],
    [{ cleanup: 'delete' }, false, 'cleanup.policy is delete'],
    [{ cleanup: 'delete' }, true, 'cleanup.policy is delete'],
    [{ cleanup: 'compact,delete' }, false, 'cleanup.policy is compact,delete'],
    [{ cleanup: 'compact,delete', retentionMs: kept }, true, undefined],
    [{ cleanup: 'compact,delete', retentionMs: -1 }, true, undefined],
    [{ cleanup: 'compact,delete', retentionMs: kept - 1 }, true, `to be ${kept} at least`],
  ]
  for (const [changed, isWindowed, says] of cases)
    await inDirectory((directory) =>
      withLog(directory, {}, async (log) => {
        const name = changelogTopic('app', 'visits')
        await log.createTopic(name, { partitions: 1, config: { ...config, ...changed } })
        const tables = [isWindowed ? { ...table, window } : table]
        const checked = checkChangelogs(log, 'app', tables)
        if (says === undefined) await checked
        else await assert.rejects(checked, coded('TOPIC_UNFIT', name, says))
      }),
    )
})

test('too small a bound of batches is refused; a log that does not say is believed', async () => {
  await inDirectory((directory) =>
    withLog(directory, {}, async (log) => {
      const tables = [{ name: 'visits', partitions: 1 }]
      await log.createTopic(changelogTopic('app', 'visits'), {
        partitions: 1,
        config: { cleanup: 'compact', maxMessageBytes: 100_000 },
      })
      const small = coded('TOPIC_UNFIT', 'max.message.bytes')
      await assert.rejects(checkChangelogs(log, 'app', tables), small)
      const refuses = async () => {
        throw new EuphorionError('REQUEST_REFUSED', 'not allowed')
      }
      for (const topicConfigs of [undefined, refuses]) {
        const silent = { topics: () => log.topics(), topicConfigs } as unknown as Log
        await checkChangelogs(silent, 'app', tables)
      }
    }),
  )
})

test('without createTopics a missing changelog is an error', async () => {
  await inDirectory((directory) =>
    withLog(directory, {}, async (log) => {
      const off = { ...settings, createTopics: false }
      await assert.rejects(
        ensureChangelogs(log, 'app', [{ name: 'visits', partitions: 1 }], off),
        coded('TOPIC_UNKNOWN', 'app-visits-changelog', 'createTopics'),
      )
    }),
  )
})

test('a changelog of another shape is refused before anybody reads it', async () => {
  await inDirectory((directory) =>
    withLog(directory, {}, async (log) => {
      const changelog = changelogTopic('app', 'visits')
      await log.createTopic(changelog, { partitions: 2, config: { cleanup: 'compact' } })
      const table = { name: 'visits', changelog, shape: '{"key":["url string"],"fields":[]}' }
      await checkShapes(log, [table])
      const value = Buffer.from(JSON.stringify({ version: 1, shape: table.shape }))
      const producer = await log.producer()
      await producer.append(changelog, 1, [
        { key: Buffer.from([0, 1, 65]), value: Buffer.from('a'), timestamp: 1 },
        { key: Buffer.from('\0\0cut'), value, timestamp: 1 },
      ])
      await producer.close()
      await checkShapes(log, [table])
      const other = { ...table, shape: '{"key":["url string","user string"],"fields":[]}' }
      await assert.rejects(
        checkShapes(log, [other]),
        (error) => error instanceof EuphorionError && error.code === 'TABLE_CHANGED',
      )
    }),
  )
})

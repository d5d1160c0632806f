// A topic that is deleted and made anew begins afresh for every group.
import assert from 'node:assert/strict'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { Log } from '../../src/log/log.ts'
import { inDirectory, openOwned, withLog } from '../support/embedded.ts'
import { appendTo, numbered, rejectsWith } from '../support/log.ts'

const commitAt = async (log: Log, offset: number) => {
  const consumer = await log.consumer({
    groupId: 'g',
    topics: ['t'],
    onAssigned: async () => [],
    onRevoked: async () => {},
  })
  await consumer.commit([{ topic: 't', partition: 0, offset }])
  return consumer
}

describe('embedded log, deleted topics', () => {
  it('a reader of the deleted topic cannot commit for the one made anew', () =>
    inDirectory((directory) =>
      withLog(directory, {}, async (log) => {
        await log.createTopic('t', { partitions: 1 })
        await log.createTopic('other', { partitions: 1 })
        await appendTo(log, 't', 0, numbered(3))
        const consumer = await commitAt(log, 1)
        const target = new Uint8Array(4096)
        assert.equal((await consumer.fetch(target, () => true)).kind, 'batches')
        await log.deleteTopic('t')
        const fetching = consumer.fetch(target, () => true)
        await assert.rejects(fetching, rejectsWith('TOPIC_DELETED'))
        await consumer.commit([
          { topic: 't', partition: 0, offset: 3 },
          { topic: 'other', partition: 0, offset: 5 },
        ])
        await log.createTopic('t', { partitions: 1 })
        assert.deepEqual([...(await log.committed('g', 't'))], [])
        assert.deepEqual([...(await log.committed('g', 'other'))], [[0, 5]])
        await consumer.close()
      }),
    ))

  it('offsets of a topic that is gone when the log is opened are forgotten', () =>
    inDirectory(async (directory) => {
      const live = join(directory, 'live')
      const crashed = join(directory, 'crashed')
      await withLog(live, {}, async (log) => {
        await log.createTopic('t', { partitions: 1 })
        await (await commitAt(log, 7)).close()
      })
      // As killed in deleteTopic, between the removal of the topic and that of its offsets.
      await cp(live, crashed, {
        recursive: true,
        filter: (path) => !/log\.sock$|lock\.\d+$|topic-t/.test(path),
      })
      const log = await openOwned(crashed)
      await log.createTopic('t', { partitions: 1 })
      assert.deepEqual([...(await log.committed('g', 't'))], [])
      await log.close()
    }))
})

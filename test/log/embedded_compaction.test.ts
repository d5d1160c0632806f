// Compaction that fails half-way, here at a damaged batch, leaves nothing behind.
import assert from 'node:assert/strict'
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { it } from 'node:test'
import { inDirectory, withLog } from '../support/embedded.ts'
import { appendTo, numbered, rejectsWith } from '../support/log.ts'

it('compaction that fails leaves no file behind', () =>
  inDirectory((directory) =>
    withLog(directory, {}, async (log) => {
      const config = { cleanup: 'compact', segmentBytes: 1024 } as const
      await log.createTopic('t', { partitions: 1, config })
      const fill = async () => {
        for (let i = 0; i < 20; i++) await appendTo(log, 't', 0, numbered(20, 'v', i * 20))
      }
      await fill()
      await log.clean('t')
      await fill()
      const partition = join(directory, 'topics', 'topic-t', '0')
      const segments = (await readdir(partition)).filter((name) => name.endsWith('.log')).sort()
      const first = await open(join(partition, segments[0]), 'r+')
      await first.write(Uint8Array.of(0xff), 0, 1, 200)
      await first.close()
      await assert.rejects(log.clean('t'), rejectsWith('LOG_CORRUPT'))
      assert.deepEqual(
        (await readdir(partition)).filter((name) => name.endsWith('.cleaned')),
        [],
      )
    }),
  ))

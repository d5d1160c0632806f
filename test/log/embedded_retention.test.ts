// Two that clean a partition at once (the log's own maintenance and a caller) remove nothing twice.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { systemClock } from '../../src/clock.ts'
import { FileCache } from '../../src/log/embedded/file_cache.ts'
import { resolveOptions, resolveTopicConfig } from '../../src/log/embedded/options.ts'
import { Partition } from '../../src/log/embedded/partition.ts'
import { applyRetention } from '../../src/log/embedded/retention.ts'
import { encodeBatch } from '../../src/wire/record_batch.ts'
import { inDirectory } from '../support/embedded.ts'
import { numbered } from '../support/log.ts'

it('retention that runs twice at once keeps what it has to keep', () =>
  inDirectory(async (directory) => {
    await Partition.create(directory)
    const options = resolveOptions({})
    const config = resolveTopicConfig({ segmentBytes: 1024, retentionBytes: 3000 }, options)
    const files = new FileCache(8)
    const place = { topic: 't', partition: 0, directory }
    const partition = await Partition.open({ ...place, config, options, files })
    for (let from = 0; from < 200; from += 10)
      await partition.append(() => encodeBatch(numbered(10, 'v', from)))
    await Promise.all([1, 2, 3].map(() => applyRetention(partition, systemClock)))
    assert.ok(partition.startOffset > 0)
    assert.ok(partition.bytes >= 3000, `${partition.bytes} bytes are left`)
    assert.equal(partition.nextOffset, 200)
    await partition.close()
    await files.close()
  }))

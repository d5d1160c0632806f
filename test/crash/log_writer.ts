// Forked by log.test.ts and killed: two producers, each with transactions over all partitions of a
// topic and one offset of its group's; every third is aborted. What one says it has committed must
// be there, and all of what is there as a whole.
import { openEmbeddedLog } from '../../src/log/embedded/embedded_log.ts'
import type { EmbeddedLogOptions } from '../../src/log/embedded/options.ts'
import { openConsumer, Watch } from '../support/log.ts'

const [directory, fsync] = process.argv.slice(2) as [string, EmbeddedLogOptions['fsync']]
const log = await openEmbeddedLog(directory, { fsync, maintenanceIntervalMs: 20 })
const { partitions } = await log.topic('out')

async function write(writer: number): Promise<void> {
  const [topic, watch] = [`source-${writer}`, new Watch()]
  let number: number | undefined
  const consumer = await openConsumer(log, [topic], {
    groupId: `group-${writer}`,
    onAssigned: async ([{ committed }]) => {
      number = committed ?? 0
      watch.changed()
      return []
    },
  })
  await watch.until(() => number !== undefined)
  const transactionalId = `writer-${writer}`
  const producer = await log.transactionalProducer({
    transactionalId,
    transactionTimeoutMs: 60_000,
  })
  for (;;) {
    number!++
    // Keys that come again, so that compaction has something to do.
    const record = { key: Buffer.from(`${writer}-${number! % 7}`), timestamp: number! }
    const value = Buffer.from(`${writer} ${number}`)
    for (let partition = 0; partition < partitions; partition++)
      for (const out of ['out', 'compacted'])
        await producer.append(out, partition, [{ ...record, value }])
    await producer.commitOffsets(consumer, [{ topic, partition: 0, offset: number! }])
    if (number! % 3 === 0) await producer.abort()
    else {
      await producer.commit()
      process.send?.([writer, number])
    }
  }
}

await Promise.all([write(0), write(1)])

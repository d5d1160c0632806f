// Gives up what is left of the state of a partition, so that it can be counted anew: the rows in
// the store and, by tombstones, those in the changelogs, which would come back with the next
// restore. Called by Recovery under onStateLost: 'rebuild'.
import { eachRow } from '../batch/rows.ts'
import type { Clock } from '../clock.ts'
import { CHANGELOG_TABLE } from '../kernel/changelog/encode.ts'
import { CUT_KEY } from '../kernel/changelog/kernels.ts'
import type { Log, LogProducer, LogRecord } from '../log/log.ts'
import { forgetSources } from '../table/meta.ts'
import { dropTable, tableRange } from '../table/recovery.ts'
import type { PartitionCopy, RecoveredTable } from './recovery_partition.ts'

/**
 * The store has all that the changelogs have. The record that says how far a table has come goes
 * last, so that whatever is interrupted is begun anew.
 */
export async function giveUpState(
  { place, store, tables }: PartitionCopy,
  { log, clock }: { readonly log: Log; readonly clock: Clock },
): Promise<void> {
  const producer = await log.producer()
  try {
    const ends: number[] = []
    for (const table of tables) {
      const send = (keys: readonly Uint8Array[]): Promise<number> =>
        sendTombstones(producer, { table, partition: place.partition, keys, now: clock.now() })
      for await (const rows of store.scanRows(tableRange(table.number))) await send(keysOf(rows))
      ends.push((await send([CUT_KEY])) + 1)
    }
    for (const [index, table] of tables.entries()) {
      const { id: topicId } = await log.topic(table.changelog)
      const from = { nextOffset: ends[index], topicId, atMs: clock.now() }
      await dropTable(store, table.number, from)
    }
    await forgetSources(store)
  } finally {
    await producer.close()
  }
}

function keysOf(rows: Uint8Array): Uint8Array[] {
  const keys: Uint8Array[] = []
  eachRow(rows, (_op, keyStart, keyEnd) => {
    const key = Buffer.from(rows.subarray(keyStart, keyEnd))
    key.writeUInt16BE(CHANGELOG_TABLE)
    keys.push(key)
  })
  return keys
}

function sendTombstones(
  producer: LogProducer,
  {
    table,
    partition,
    keys,
    now,
  }: {
    readonly table: RecoveredTable
    readonly partition: number
    readonly keys: readonly Uint8Array[]
    readonly now: number
  },
): Promise<number> {
  const records = keys.map((key): LogRecord => ({ key, value: null, timestamp: now }))
  return producer.append(table.changelog, partition, records)
}

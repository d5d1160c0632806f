// Reads records of a partition as plain objects, without a group: for tools and tests. Called by
// KafkaLog.read.
import { EuphorionError } from '../../errors.ts'
import { BatchCursor } from '../../wire/batch_header.ts'
import { batchRecords, damagedBatch, verifyCrc } from '../../wire/record_batch.ts'
import { type FetchAnswer, type FetchedPartition, fetchRequest } from '../../wire/requests/fetch.ts'
import { emptyAborted } from '../aborted.ts'
import type { StoredRecord, TopicPartition } from '../log.ts'
import { BrokerRefusal } from './broker_refusal.ts'
import type { Cluster } from './cluster.ts'

const readCommitted = 1
const noAnswer = 'an answer to Fetch is not about what was asked for'

/**
 * Records from `offset` on, up to about `maxBytes`, at least one; none at the end of the log.
 * TOPIC_UNKNOWN, OFFSET_OUT_OF_RANGE, BATCH_CORRUPT.
 */
export async function readRecords(
  cluster: Cluster,
  lane: TopicPartition,
  offset: number,
  maxBytes: number,
): Promise<StoredRecord[]> {
  for (let from = offset; ; ) {
    const fetched = await fetch(cluster, lane, from, maxBytes)
    const records: StoredRecord[] = []
    const next = decode(fetched, records)
    const wanted = records.filter((record) => record.offset >= offset)
    if (wanted.length > 0 || next === undefined || next <= from) return wanted
    // Nothing but marks, aborted transactions and what lies before the offset: go on behind them.
    from = next
  }
}

function fetch(
  cluster: Cluster,
  { topic, partition }: TopicPartition,
  offset: number,
  maxBytes: number,
): Promise<FetchedPartition> {
  const place = { topic, partition, offset }
  const ask = async () => {
    const leader = await cluster.leaderConnection(topic, partition, 'control')
    const asked = {
      partition,
      currentLeaderEpoch: leader.epoch,
      fetchOffset: offset,
      lastFetchedEpoch: -1,
      partitionMaxBytes: maxBytes,
    }
    const answer: FetchAnswer = await leader.connection.request(fetchRequest, {
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes,
      isolationLevel: readCommitted,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [{ topic, partitions: [asked] }],
      forgottenTopics: [],
      rackId: '',
    })
    BrokerRefusal.check(answer.errorCode, 'reading', place)
    const fetched = answer.topics[0]?.partitions[0]
    if (fetched === undefined) throw new EuphorionError('PROTOCOL_VIOLATED', noAnswer, { place })
    BrokerRefusal.check(fetched.errorCode, 'reading', place)
    return fetched
  }
  return cluster.retry(ask, { topics: [topic] })
}

/** Appends what is visible; the offset behind the last batch, undefined where there is none. */
function decode(fetched: FetchedPartition, into: StoredRecord[]): number | undefined {
  const { records: bytes, abortedTransactions } = fetched
  const batch = new BatchCursor(
    bytes,
    0,
    emptyAborted(bytes, bytes.length, abortedTransactions ?? []),
  )
  let next: number | undefined
  while (batch.next()) {
    verifyCrc(batch)
    for (const record of batchRecords(batch)) into.push(record)
    next = batch.lastOffset + 1
  }
  if (batch.broken) throw damagedBatch(batch, 'no batch of version 2 follows')
  return next
}

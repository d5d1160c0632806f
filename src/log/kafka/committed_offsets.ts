// How far a group has come by its coordinator. Called by the log for tools, and by GroupOffsets for
// a member.
import { offsetFetchRequest } from '../../wire/requests/offset_fetch.ts'
import { byTopic } from '../by_topic.ts'
import type { TopicPartition } from '../log.ts'
import { transactionBackoff } from './backoff.ts'
import { BrokerRefusal } from './broker_refusal.ts'
import type { Cluster } from './cluster.ts'

/** By topic and partition; those without a committed offset are left out. */
export async function committedOffsets(
  cluster: Cluster,
  groupId: string,
  partitions: readonly TopicPartition[],
): Promise<ReadonlyMap<string, ReadonlyMap<number, number>>> {
  if (partitions.length === 0) return new Map()
  const topics = byTopic(partitions, ({ partition }) => partition)
  const what = `asking for the offsets of group '${groupId}'`
  const ask = async () => {
    const coordinator = await cluster.coordinator('group', groupId)
    const body = { groupId, topics, requireStable: true }
    const answer = await coordinator.request(offsetFetchRequest, body)
    BrokerRefusal.check(answer.errorCode, what)
    for (const { topic, partitions: found } of answer.topics)
      for (const { partition, errorCode } of found)
        BrokerRefusal.check(errorCode, what, { topic, partition })
    return answer.topics
  }
  const found = await cluster.retry(ask, {
    coordinator: { kind: 'group', id: groupId },
    // most often for the end of a transaction
    backoff: transactionBackoff,
  })
  return new Map(
    found.map(({ topic, partitions: all }) => [
      topic,
      new Map(
        all
          .filter(({ committedOffset }) => isOffset(committedOffset))
          .map(({ partition, committedOffset }) => [partition, committedOffset]),
      ),
    ]),
  )
}

/** -1 is none; kafkajs commits -1 or -2 for "latest" or "earliest" when it is out of range. */
function isOffset(committed: number): boolean {
  return committed >= 0
}

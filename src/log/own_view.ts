// The view of a group that a member has where drivers tell members nothing of each other. Used by
// the kafkajs driver.
import type { GroupView, MemberFacts, TopicPartition } from './log.ts'

export function ownView(
  member: MemberFacts | undefined,
  owned: readonly TopicPartition[],
): GroupView {
  const actives = owned.map(({ topic, partition }) => ({ topic, partition }))
  const address = member?.address ?? ''
  const hosts = address === '' ? [] : [{ address, actives, standbys: [] }]
  return { actives, warmups: [], hosts, departed: [] }
}

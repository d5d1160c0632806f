// The assignor of kafkajs groups: partition n of every topic goes to the same member, so that
// topics with equal keys stay together. Also the gate before a (re)join. Used by Membership.
import kafkajs, { type PartitionAssigner } from 'kafkajs'

const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol

const name = 'euphorion-copartitioned'
const version = 0

/**
 * kafkajs has no hook that it awaits before it gives partitions up, but it asks its assignor for
 * its protocol before each JoinGroup. While `mayJoin` says no, the answer is the error that makes
 * kafkajs ask again a little later: so nothing is given up before it was revoked.
 */
export function gatedAssignor(mayJoin: () => boolean): PartitionAssigner {
  return ({ cluster }) => ({
    name,
    version,
    protocol({ topics }) {
      if (!mayJoin())
        throw Object.assign(new Error('partitions are still being revoked'), {
          type: 'REBALANCE_IN_PROGRESS',
        })
      return {
        name,
        metadata: MemberMetadata.encode({ version, topics, userData: Buffer.alloc(0) }),
      }
    },
    async assign({ members }) {
      const subscriptions = members
        .map(({ memberId, memberMetadata }) => ({
          memberId,
          topics: MemberMetadata.decode(memberMetadata)?.topics ?? [],
        }))
        .sort((a, b) => (a.memberId < b.memberId ? -1 : 1))
      const shares = share(subscriptions, (topic) =>
        cluster.findTopicPartitionMetadata(topic).map((partition) => partition.partitionId),
      )
      return [...shares].map(([memberId, assignment]) => ({
        memberId,
        memberAssignment: MemberAssignment.encode({
          version,
          assignment,
          userData: Buffer.alloc(0),
        }),
      }))
    },
  })
}

/** Members in a fixed order → partitions by topic. */
export function share(
  members: readonly { readonly memberId: string; readonly topics: readonly string[] }[],
  partitionsOf: (topic: string) => readonly number[],
): Map<string, Record<string, number[]>> {
  const shares = new Map(members.map(({ memberId }) => [memberId, {} as Record<string, number[]>]))
  const topics = new Set(members.flatMap((member) => member.topics))
  for (const topic of topics) {
    const takers = members.filter((member) => member.topics.includes(topic))
    for (const partition of partitionsOf(topic)) {
      const own = shares.get(takers[partition % takers.length].memberId)!
      own[topic] ??= []
      own[topic].push(partition)
    }
  }
  return shares
}

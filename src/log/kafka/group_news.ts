// What a round says to a member beside its own partitions, read from the leader's notes. Made by
// GroupMember, taken over to the main thread by the membership.
import type { GroupView, TopicPartition } from '../log.ts'
import type { ShareNotes } from '../member_state.ts'
import { eachOf } from './holdings.ts'

export interface GroupNews {
  readonly view: GroupView
  readonly standbys: readonly TopicPartition[]
}

export function groupNews(notes: ShareNotes, actives: readonly TopicPartition[]): GroupNews {
  const hosts = notes.hosts.map(({ address, ...share }) => ({
    address,
    actives: eachOf(share.actives),
    standbys: eachOf(share.standbys),
  }))
  const departed = notes.departed.map(({ id }) => id)
  const view = { actives, warmups: eachOf(notes.warmups), hosts, departed }
  return { view, standbys: eachOf(notes.standbys) }
}

// What a round says to a member beside its own partitions, read from the leader's notes. Made by
// GroupMember, taken over to the main thread by the membership, and told on by the consumer.
import type { ConsumerOptions, GroupView, TopicPartition } from '../log.ts'
import type { ShareNotes } from '../member_state.ts'
import { partitionKey } from '../partition_key.ts'
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

/** Tells those who opened a consumer: each round, and standbys when they are others than before. */
export class GroupListener {
  readonly #options: Pick<ConsumerOptions, 'onGroup' | 'onStandbys'>
  #standbys = ''

  constructor(options: Pick<ConsumerOptions, 'onGroup' | 'onStandbys'>) {
    this.#options = options
  }

  tell({ view, standbys }: GroupNews): void {
    this.#options.onGroup?.(view)
    const keys = standbys.map(partitionKey).join()
    if (keys === this.#standbys) return
    this.#standbys = keys
    this.#options.onStandbys?.(standbys)
  }
}

// Offsets of the groups of a simulated cluster: committed ones, and those of transactions that are
// not decided yet. Asked by the group coordinator's requests and by the transaction coordinator.
import type { StartPosition, TopicPartition } from '../log/log.ts'
import { partitionKey } from '../log/partition_key.ts'

interface Committed {
  readonly offset: number
  /** Of all commits; the later one counts. */
  readonly number: number
}

export class GroupOffsetStore {
  readonly #committed = new Map<string, Map<string, Committed>>()
  /** By group, then by producer. */
  readonly #pending = new Map<string, Map<number, Map<string, Committed>>>()
  readonly #furthest = new Map<string, Map<string, number>>()
  #commits = 0

  commit(groupId: string, offsets: readonly StartPosition[]): void {
    const group = submap(this.#committed, groupId)
    for (const each of offsets) {
      group.set(partitionKey(each), { offset: each.offset, number: ++this.#commits })
      this.#reached(groupId, partitionKey(each), each.offset)
    }
  }

  #reached(groupId: string, key: string, offset: number): void {
    const furthest = submap(this.#furthest, groupId)
    furthest.set(key, Math.max(furthest.get(key) ?? 0, offset))
  }

  /** The largest offset that was ever committed: a commit that is long under way may be older. */
  furthest(groupId: string, place: TopicPartition): number {
    return this.#furthest.get(groupId)?.get(partitionKey(place)) ?? 0
  }

  /** Counts once the transaction of that producer is committed. */
  hold(groupId: string, producerId: number, offsets: readonly StartPosition[]): void {
    const pending = submap(submap(this.#pending, groupId), producerId)
    for (const each of offsets)
      pending.set(partitionKey(each), { offset: each.offset, number: ++this.#commits })
  }

  /** The transaction of that producer is decided. */
  mark(groupId: string, producerId: number, isCommit: boolean): void {
    const pending = this.#pending.get(groupId)?.get(producerId)
    this.#pending.get(groupId)?.delete(producerId)
    if (pending === undefined || !isCommit) return
    const group = submap(this.#committed, groupId)
    for (const [key, held] of pending) {
      this.#reached(groupId, key, held.offset)
      if ((group.get(key)?.number ?? 0) < held.number) group.set(key, held)
    }
  }

  /** Undefined while a transaction is about to change one of them (requireStable of KIP-447). */
  committed(
    groupId: string,
    topic: string,
    partitions: readonly number[],
  ): Map<number, number> | undefined {
    const keys = partitions.map((partition) => partitionKey({ topic, partition }))
    for (const pending of this.#pending.get(groupId)?.values() ?? [])
      if (keys.some((key) => pending.has(key))) return undefined
    const group = this.#committed.get(groupId)
    return new Map(
      partitions.flatMap((partition, index) => {
        const found = group?.get(keys[index])
        return found === undefined ? [] : [[partition, found.offset] as const]
      }),
    )
  }

  forget(groupId: string): void {
    this.#committed.delete(groupId)
  }

  topicDeleted(topic: string): void {
    const forget = (offsets: Map<string, Committed>): void => {
      for (const key of [...offsets.keys()])
        if (key.slice(0, key.lastIndexOf('/')) === topic) offsets.delete(key)
    }
    for (const group of this.#committed.values()) forget(group)
    for (const group of this.#pending.values()) for (const each of group.values()) forget(each)
  }
}

function submap<K, L, V>(maps: Map<K, Map<L, V>>, key: K): Map<L, V> {
  let map = maps.get(key)
  if (map === undefined) {
    map = new Map()
    maps.set(key, map)
  }
  return map
}

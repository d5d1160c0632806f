// Which worker has which partition, as the group's last round told. Kept by the engine, asked by
// queries.
import type { GroupView, TopicPartition } from '../log/log.ts'
import { partitionKey } from '../log/partition_key.ts'

export class TableHosts {
  #owners = new Map<string, string>()
  #copies = new Map<string, string[]>()
  /** No worker says where it is. Before the first round nobody knows. */
  isSilent = false

  update({ hosts }: GroupView): void {
    this.#owners = new Map()
    this.#copies = new Map()
    this.isSilent = hosts.every(({ address }) => address === '')
    for (const { address, actives, standbys } of hosts) {
      if (address === '') continue
      for (const place of actives) this.#owners.set(partitionKey(place), address)
      for (const place of standbys) {
        const key = partitionKey(place)
        this.#copies.set(key, [...(this.#copies.get(key) ?? []), address])
      }
    }
  }

  /** Where to ask, the best first: its owner, and with `stale` those that have copies. */
  addresses(place: TopicPartition, stale: boolean): string[] {
    const key = partitionKey(place)
    const owner = this.#owners.get(key)
    const copies = stale ? (this.#copies.get(key) ?? []) : []
    return owner === undefined ? copies : [owner, ...copies]
  }
}

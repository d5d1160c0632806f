// State on this disk that nobody has open: what was there at the start, and what was given up
// since. The group is told of it, because a partition is best given to whoever has most of its
// state. Called by Recovery.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import type { HeldState, TopicPartition } from '../log/log.ts'
import { partitionKey } from '../log/partition_key.ts'
import type { Settings } from '../settings.ts'
import { readChangelogPosition, storedTables } from '../table/meta.ts'
import type { Store } from '../table/store.ts'
import { tablesPath } from './data_dir.ts'
import type { ChangelogEnds } from './recovery_ends.ts'
import type { CopiedTable } from './recovery_partition.ts'
import type { ChangelogExtent } from './recovery_plan.ts'

export interface StoreShelfOptions {
  readonly appId: string
  readonly settings: Settings
  readonly clock: Clock
  readonly tables: readonly CopiedTable[]
  readonly openStore: (place: TopicPartition) => Promise<Store>
  readonly ends: ChangelogEnds
}

/** How far the tables of one store are copied. */
interface Shelved extends TopicPartition {
  /** By changelog. */
  readonly positions: ReadonlyMap<string, { nextOffset: number; topicId: string | undefined }>
}

/** A start does not wait longer for stores to be looked into, whatever is not known then. */
const SCAN_MS_MAX = 2000
const OPEN_AT_ONCE = 8
const ASK_EVERY_MS = 5000

export class StoreShelf {
  readonly #options: StoreShelfOptions
  readonly #shelved = new Map<string, Shelved>()
  #ends: ReadonlyMap<string, readonly ChangelogExtent[]> = new Map()
  #askedMs = Number.NEGATIVE_INFINITY

  constructor(options: StoreShelfOptions) {
    this.#options = options
  }

  /** Reads where each store of the directory stands. Never rejects: what cannot be read is left. */
  async scan(): Promise<void> {
    const { clock, openStore, settings } = this.#options
    if (settings.store === 'memory') return
    const places = await this.#stores()
    if (places.length === 0) return
    const endMs = clock.monotonic() + SCAN_MS_MAX
    const look = async (): Promise<void> => {
      for (let place = places.pop(); place !== undefined; place = places.pop()) {
        if (clock.monotonic() >= endMs) return
        const store = await openStore(place).catch(() => undefined)
        if (store === undefined) continue
        await this.add(place, store).catch(() => undefined)
        await store.close().catch(() => undefined)
      }
    }
    await Promise.all(Array.from({ length: OPEN_AT_ONCE }, look))
    await this.#ask().catch(() => undefined)
  }

  /** A store that is about to be closed. */
  async add(place: TopicPartition, store: Store): Promise<void> {
    if (this.#options.settings.store === 'memory') return
    const positions = new Map<string, { nextOffset: number; topicId: string | undefined }>()
    const stored = await storedTables(store)
    for (const { name, shape, changelog } of this.#tables(place.topic)) {
      const table = stored.find((each) => each.name === name && each.shape === shape)
      const found = table && (await readChangelogPosition(store, table.number))
      // it would be copied from the beginning
      if (found === undefined || found.state === 'stale') return
      positions.set(changelog, { nextOffset: found.nextOffset, topicId: found.topicId })
    }
    const { topic, partition } = place
    this.#shelved.set(partitionKey(place), { topic, partition, positions })
  }

  forget(place: TopicPartition): void {
    this.#shelved.delete(partitionKey(place))
  }

  /** As far as the ends of the changelogs are known; asks for newer ones behind the call. */
  held(): HeldState[] {
    if (this.#shelved.size === 0) return []
    if (this.#options.clock.monotonic() - this.#askedMs >= ASK_EVERY_MS)
      void this.#ask().catch(() => undefined)
    const held: HeldState[] = []
    for (const shelved of this.#shelved.values()) {
      const lag = this.#lagOf(shelved)
      if (lag !== undefined) held.push({ topic: shelved.topic, partition: shelved.partition, lag })
    }
    return held
  }

  #lagOf({ partition, positions }: Shelved): number | undefined {
    let lag = 0
    for (const [changelog, { nextOffset, topicId }] of positions) {
      const end = this.#ends.get(changelog)?.[partition]
      const isOther = topicId !== undefined && end?.topicId !== undefined && topicId !== end.topicId
      if (end === undefined || isOther || nextOffset < end.earliest || nextOffset > end.latest)
        return undefined
      lag += end.latest - nextOffset
    }
    return lag
  }

  async #ask(): Promise<void> {
    const { clock, ends } = this.#options
    this.#askedMs = clock.monotonic()
    const topics = new Set(
      [...this.#shelved.values()].flatMap(({ positions }) => [...positions.keys()]),
    )
    const asked = [...topics].map(async (topic) => [topic, await ends.of(topic)] as const)
    this.#ends = new Map(await Promise.all(asked))
  }

  #tables(topic: string): CopiedTable[] {
    return this.#options.tables.filter((table) => table.topic === topic)
  }

  /** Partitions of the topics of tables that have a directory. */
  async #stores(): Promise<TopicPartition[]> {
    const { settings, appId, tables } = this.#options
    const places: TopicPartition[] = []
    for (const topic of new Set(tables.map((table) => table.topic))) {
      const path = join(tablesPath(settings.dataDir, appId), topic)
      for (const name of await readdir(path).catch(() => []))
        if (/^\d+$/.test(name)) places.push({ topic, partition: Number(name) })
    }
    return places
  }
}

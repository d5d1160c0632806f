// Copies of other members' state: for each partition that the group wants copied here, a store of
// its own that follows the changelogs, until the partition is given to this member or to another
// copy. Also tells what state is here that the member does not own. Called by Recovery.
//
//   wanted ─▶ open, copy ─▶ … ─▶ taken (promotion: the open store becomes the task's)
//                 ▲    │ fails: again in a while
//   left by a task ┘   └ not wanted: closed, after a while in which it may be taken
import type { Clock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { HeldState, TopicPartition } from '../log/log.ts'
import { partitionKey } from '../log/partition_key.ts'
import type { Logger } from '../logger.ts'
import { tableNumber } from '../table/meta.ts'
import type { Store } from '../table/store.ts'
import {
  type CopiedTable,
  type CopyServices,
  PartitionCopy,
  type RecoveredTable,
} from './recovery_partition.ts'

export interface StandbysOptions {
  readonly clock: Clock
  readonly logger: Logger
  /** All that have changelogs. */
  readonly tables: readonly CopiedTable[]
  readonly openStore: (place: TopicPartition) => Promise<Store>
  readonly services: CopyServices
  /** A copy lacks no more than that: it could take over. */
  readonly acceptableLag: number
  /** A copy has become good enough. */
  readonly warm: (place: TopicPartition) => void
}

/** A store that nobody wants is closed after that: the partition may be on its way here. */
const LINGER_MS = 5000
/** After the first failure; twice as long after each that follows. */
const RETRY_MS = 2000
const RETRY_MS_MAX = 60_000
/** Where copies end, as far as lag is concerned. */
const ASK_EVERY_MS = 1000

interface Standby {
  readonly place: TopicPartition
  isWanted: boolean
  isWarm: boolean
  /** Another worker of this data directory has the store itself open: nothing is to be copied. */
  isShared: boolean
  failures: number
  store: Store | undefined
  copy: PartitionCopy | undefined
  /** What is being done with it, one thing after the other. */
  last: Promise<void>
  cancel: (() => void) | undefined
}

export class Standbys {
  readonly #options: StandbysOptions
  readonly #standbys = new Map<string, Standby>()
  #cancel: (() => void) | undefined
  #closed = false

  constructor(options: StandbysOptions) {
    this.#options = options
  }

  /**
   * All partitions that are to be copied, from now on; those of `actives` are about to be taken.
   * Resolves when their copies have begun.
   */
  async set(places: readonly TopicPartition[], actives: readonly TopicPartition[]): Promise<void> {
    if (this.#closed) return
    const wanted = new Map(places.map((place) => [partitionKey(place), place]))
    const taken = new Set(actives.map(partitionKey))
    for (const [key, standby] of this.#standbys) {
      if (wanted.has(key)) continue
      standby.isWanted = false
      if (!taken.has(key)) this.#linger(standby)
    }
    const begun: Promise<void>[] = []
    for (const [key, place] of wanted) {
      const standby = this.#standbys.get(key) ?? this.#add(place)
      standby.isWanted = true
      begun.push(this.#begin(standby))
    }
    this.#watch()
    await Promise.all(begun)
  }

  /** The open store of a partition that comes to this member; it is no standby any more. */
  async take(place: TopicPartition): Promise<Store | undefined> {
    const standby = this.#standbys.get(partitionKey(place))
    if (standby === undefined) return undefined
    this.#forget(standby)
    await standby.last
    await standby.copy?.close()
    return standby.store
  }

  /**
   * The store of a partition that has left this member: kept open for a while, because it is likely
   * to be wanted as a copy. False where it is the caller's still.
   */
  keep(place: TopicPartition, store: Store): boolean {
    const standby = this.#standbys.get(partitionKey(place))
    if (this.#closed || standby?.store !== undefined) return false
    const kept = standby ?? this.#add(place)
    kept.store = store
    if (!kept.isWanted) this.#linger(kept)
    return true
  }

  /** A copy of a table that can be read. */
  part(name: string, partition: number): { store: Store; number: number } | undefined {
    for (const { place, copy } of this.#standbys.values()) {
      if (place.partition !== partition || copy === undefined || copy.isBroken) continue
      const table = copy.tables.find((each) => each.name === name)
      if (table !== undefined) return { store: copy.store, number: table.number }
    }
    return undefined
  }

  /** It lacks little enough for the partition to move here. */
  isWarm(place: TopicPartition): boolean {
    const { copy, isShared = false } = this.#standbys.get(partitionKey(place)) ?? {}
    if (isShared) return true
    return copy !== undefined && !copy.isBroken && copy.lag <= this.#options.acceptableLag
  }

  held(): HeldState[] {
    const held: HeldState[] = []
    for (const { place, copy, isShared } of this.#standbys.values())
      if (isShared) held.push({ ...place, lag: 0 })
      else if (copy !== undefined && !copy.isBroken) held.push({ ...place, lag: copy.lag })
    return held
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancel?.()
    const standbys = [...this.#standbys.values()]
    for (const standby of standbys) this.#forget(standby)
    await Promise.all(standbys.map((standby) => this.#shut(standby)))
  }

  #add(place: TopicPartition): Standby {
    const standby: Standby = {
      place: { topic: place.topic, partition: place.partition },
      isWanted: false,
      isWarm: false,
      isShared: false,
      failures: 0,
      store: undefined,
      copy: undefined,
      last: Promise.resolve(),
      cancel: undefined,
    }
    this.#standbys.set(partitionKey(place), standby)
    return standby
  }

  #forget(standby: Standby): void {
    this.#standbys.delete(partitionKey(standby.place))
    standby.cancel?.()
    standby.cancel = undefined
  }

  #linger(standby: Standby): void {
    standby.cancel?.()
    standby.cancel = this.#options.clock.after(LINGER_MS, () => {
      this.#forget(standby)
      void this.#shut(standby)
    })
  }

  async #shut(standby: Standby): Promise<void> {
    await standby.last
    try {
      await standby.copy?.close()
      await standby.store?.close()
    } catch (error) {
      this.#options.logger.warn({ ...standby.place, err: error }, 'a copy could not be closed')
    }
  }

  /** Never rejects: what fails is tried again. */
  #begin(standby: Standby): Promise<void> {
    standby.cancel?.()
    standby.cancel = undefined
    standby.last = standby.last
      .then(() => this.#copy(standby))
      .catch((error: unknown) => {
        this.#failed(standby, error)
      })
    return standby.last
  }

  async #copy(standby: Standby): Promise<void> {
    const { place } = standby
    if (!this.#isWanted(standby) || standby.copy?.isBroken === false) return
    await standby.copy?.close()
    standby.copy = undefined
    standby.store ??= await this.#options.openStore(place)
    standby.isShared = false
    const copy = new PartitionCopy({
      place,
      store: standby.store,
      tables: await this.#tablesOf(place, standby.store),
      services: this.#options.services,
      failed: (error) => this.#failed(standby, error),
      copied: () => this.#look(standby),
    })
    standby.copy = copy
    await Promise.all(copy.tables.map((table) => copy.begin(table)))
    this.#look(standby)
  }

  async #tablesOf(place: TopicPartition, store: Store): Promise<RecoveredTable[]> {
    const tables: RecoveredTable[] = []
    for (const table of this.#options.tables)
      if (table.topic === place.topic)
        tables.push({ ...table, number: await tableNumber(store, table.name, table.shape) })
    return tables
  }

  #isWanted(standby: Standby): boolean {
    return standby.isWanted && this.#standbys.get(partitionKey(standby.place)) === standby
  }

  #failed(standby: Standby, error: unknown): void {
    if (!this.#isWanted(standby) || standby.cancel !== undefined) return
    const { clock, logger } = this.#options
    const isLocked = error instanceof EuphorionError && error.code === 'STORE_LOCKED'
    if (!isLocked) logger.warn({ ...standby.place, err: error }, 'a copy cannot go on; again soon')
    else if (!standby.isShared) this.#share(standby)
    const ms = Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** Math.min(standby.failures++, 10))
    standby.cancel = clock.after(ms, () => void this.#begin(standby))
  }

  /** The partition can move here at once: its state is on this disk. */
  #share(standby: Standby): void {
    standby.isShared = true
    if (!standby.isWarm) this.#options.warm(standby.place)
    standby.isWarm = true
  }

  /** For the first time as good as is asked for? */
  #look(standby: Standby): void {
    const { acceptableLag, warm } = this.#options
    const { copy } = standby
    if (standby.isWarm || copy === undefined || copy.lag > acceptableLag) return
    standby.isWarm = true
    warm(standby.place)
  }

  /** Keeps asking where the changelogs end while there are copies. */
  #watch(): void {
    if (this.#cancel !== undefined || this.#standbys.size === 0 || this.#closed) return
    this.#cancel = this.#options.clock.after(ASK_EVERY_MS, () => {
      const copies = [...this.#standbys.values()].flatMap(({ copy }) => copy ?? [])
      void Promise.all(copies.map((copy) => copy.look().catch(() => undefined))).then(() => {
        this.#cancel = undefined
        this.#watch()
      })
    })
  }
}

// Brings the state of partitions that come to this worker up to the end of their changelogs, from
// whatever the disk has of it, and keeps copies of other members' state (standbys.ts). Called by
// the engine and by the tasks that it opens.
//
//   fence members that are gone ─▶ end of the changelog ─▶ store: copy on from where it stands,
//   or drop it and copy all ─▶ shape agrees? not behind the group's offset? ─▶ lanes may open
import type { SharedMemory } from '../batch/memory.ts'
import type { Clock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { GroupView, HeldState, Log, TopicPartition } from '../log/log.ts'
import { partitionKey } from '../log/partition_key.ts'
import type { Logger } from '../logger.ts'
import type { Plant } from '../plants.ts'
import type { Settings } from '../settings.ts'
import { allSettled } from '../settled.ts'
import type { ChangelogReader } from '../table/changelog.ts'
import { readChangelogPosition, readPosition, readSources } from '../table/meta.ts'
import { retainWindows } from '../table/recovery.ts'
import type { Store } from '../table/store.ts'
import { ChangelogEnds, orAborted } from './recovery_ends.ts'
import { Fences } from './recovery_fences.ts'
import {
  type CopiedTable,
  type CopyServices,
  PartitionCopy,
  type RecoveredTable,
} from './recovery_partition.ts'
import { type RecoveryFacts, RecoveryProgress } from './recovery_progress.ts'
import { RecoveryReader } from './recovery_reader.ts'
import { giveUpState } from './recovery_rebuild.ts'
import type { Replica } from './recovery_replica.ts'
import { Standbys } from './standbys.ts'
import { StoreShelf } from './store_shelf.ts'

export interface RecoveryOptions {
  readonly log: Log
  readonly appId: string
  readonly settings: Settings
  readonly clock: Clock
  readonly logger: Logger
  readonly memory: SharedMemory
  /** For a table's number in the store that it is copied to. */
  readonly makeReader: (table: number) => ChangelogReader
  /** Of this worker. */
  readonly transactionalId: string
  /** All tables that have changelogs. */
  readonly tables: readonly CopiedTable[]
  /** Opens the store of a partition. */
  readonly openStore: (place: TopicPartition) => Promise<Store>
  /** Makes the group share its partitions anew. */
  readonly rejoin: (reason: string) => void
  readonly plants?: ReadonlySet<Plant> | undefined
}

/** A changelog's batches are smaller (changelogs.ts). */
const FETCH_BYTES_MAX = 1 << 20

export class Recovery {
  readonly #options: RecoveryOptions
  /** Of copies, whose fetches wait for what comes. */
  readonly #reader: RecoveryReader
  /** Of restores, which are not to wait for such a fetch. */
  readonly #restores: RecoveryReader
  readonly #fences: Fences
  readonly #progress: RecoveryProgress
  readonly #services: CopyServices
  readonly #standbys: Standbys
  readonly #shelf: StoreShelf
  /** Own partitions that are being restored. */
  readonly #opening = new Set<PartitionCopy>()
  /** Partitions that wait for a copy here: true once the group was asked to move them. */
  #warmups = new Map<string, boolean>()
  #actives: readonly TopicPartition[] = []
  #closed = false

  constructor(options: RecoveryOptions) {
    const { settings, clock, logger, makeReader, plants } = options
    this.#options = options
    const reading = {
      ...options,
      batchBytes: Math.min(settings.batchBytes, FETCH_BYTES_MAX),
      largestBatchBytes: settings.maxRecordBytes,
    }
    this.#restores = new RecoveryReader(reading)
    this.#reader = settings.standbyReplicas > 0 ? new RecoveryReader(reading) : this.#restores
    this.#fences = new Fences(options)
    this.#progress = new RecoveryProgress(clock, logger)
    const ends = new ChangelogEnds({ ...options, mayWait: () => !this.#closed })
    this.#services = { clock, logger, ends, reader: this.#restores, makeReader, plants }
    this.#standbys = new Standbys({
      ...options,
      services: { ...this.#services, reader: this.#reader },
      acceptableLag: settings.acceptableLag,
      warm: (place) => this.#warm(place),
    })
    this.#shelf = new StoreShelf({ ...options, ends })
  }

  /** Looks for state on disk that nobody has open; to be awaited before the group is joined. */
  async start(): Promise<void> {
    await this.#shelf.scan()
  }

  /** Each round of the group, before its partitions come and go. */
  group({ departed, actives, warmups }: GroupView): void {
    if (!this.#options.plants?.has('fence-ignored')) this.#fences.add(departed)
    this.#actives = actives
    const asked = this.#warmups
    this.#warmups = new Map(warmups.map(partitionKey).map((key) => [key, asked.get(key) === true]))
    // a copy may have become good enough while the round was made, of which it knows nothing
    this.#options.clock.after(0, () => {
      for (const place of warmups) if (this.#standbys.isWarm(place)) this.#warm(place)
    })
  }

  /** All partitions that are to be copied here. */
  standbys(places: readonly TopicPartition[]): Promise<void> {
    return this.#standbys.set(places, this.#actives)
  }

  /** What the group is told: from what is known, without asking anybody. */
  held(): HeldState[] {
    const open = [...this.#opening].map(({ place, lag }) => ({ ...place, lag }))
    const copied = this.#standbys.held()
    const known = new Set([...open, ...copied, ...this.#actives].map(partitionKey))
    const shelved = this.#shelf.held().filter((place) => !known.has(partitionKey(place)))
    return [...open, ...copied, ...shelved]
  }

  /** Copies of other members' state, and what they lack. */
  copies(): HeldState[] {
    return this.#standbys.held()
  }

  /** A copy of another member's table, if there is one here. */
  copy(table: string, partition: number): { store: Store; number: number } | undefined {
    return this.#standbys.part(table, partition)
  }

  /** The open store of a partition that comes to this member, if it has been copied here. */
  async take(place: TopicPartition): Promise<Store | undefined> {
    this.#shelf.forget(place)
    return this.#standbys.take(place)
  }

  /** The store of a partition that leaves this member: it may be wanted as a copy. */
  async leave(place: TopicPartition, store: Store): Promise<void> {
    if (this.#options.settings.standbyReplicas > 0 && this.#standbys.keep(place, store)) return
    await this.#shelf.add(place, store)
    await store.close()
  }

  /** Restores under way. */
  recoveries(): RecoveryFacts[] {
    return this.#progress.facts()
  }

  /** The changelog of a restore that gets nothing is read by a new connection. */
  reconnect({ table, partition }: RecoveryFacts): void {
    const topic = this.#options.tables.find(({ name }) => name === table)?.changelog
    if (topic !== undefined) void this.#restores.reconnect({ topic, partition })
  }

  /**
   * Resolves when the store has everything that was committed to the changelogs of these tables;
   * with false where it was given up, and the partition is to be read from its beginning.
   * `committed` is the group's offset. Rejects with STATE_LOST, TABLE_CHANGED, or the signal's
   * reason; then the store can be opened again, and goes on from where it is.
   */
  async open(
    place: TopicPartition,
    store: Store,
    tables: readonly RecoveredTable[],
    committed: number | undefined,
    signal?: AbortSignal,
  ): Promise<boolean> {
    await orAborted(this.#fences.settled(), signal)
    const copy = new PartitionCopy({ place, store, tables, services: this.#services, isOnce: true })
    this.#opening.add(copy)
    try {
      await allSettled(tables.map((table) => this.#restore(copy, table, signal)))
      await copy.finish()
      for (const table of tables) await this.#check(copy, table, committed)
      for (const { window, number } of tables) {
        const position = window && (await readPosition(store, number))
        if (position) await retainWindows(store, number, window, position.streamTimeMs)
      }
      return true
    } catch (error) {
      const isLost = error instanceof EuphorionError && error.code === 'STATE_LOST'
      if (!isLost || this.#options.settings.onStateLost === 'stop') throw error
      this.#options.logger.warn({ ...error.place, err: error }, 'state is counted anew')
      await copy.close()
      await giveUpState(copy, this.#options)
      return false
    } finally {
      this.#opening.delete(copy)
      await copy.close()
    }
  }

  /** Nothing is copied any more; everything that was opened here is closed. */
  async close(): Promise<void> {
    this.#closed = true
    this.#fences.close()
    this.#progress.close()
    await this.#standbys.close()
    const readers = new Set([this.#reader, this.#restores])
    await Promise.all([...readers].map((reader) => reader.close()))
  }

  /** A copy has become good enough; the group is told where it waits for that. */
  #warm(place: TopicPartition): void {
    const key = partitionKey(place)
    if (this.#closed || this.#warmups.get(key) !== false) return
    this.#warmups.set(key, true)
    this.#options.rejoin('a copy is warm')
  }

  async #restore(copy: PartitionCopy, table: RecoveredTable, signal?: AbortSignal): Promise<void> {
    let end: ((succeeded: boolean) => void) | undefined
    const began = (replica: Replica, latest: number): void => {
      const of = latest - replica.nextOffset
      if (of === 0 || end !== undefined) return
      const before = replica.records
      const rows = (): number => replica.records - before
      end = this.#progress.begin({ ...copy.place, table: table.name, rows, of })
    }
    try {
      await copy.reach(table, began, signal)
      end?.(true)
    } catch (error) {
      end?.(false)
      throw error
    }
  }

  /** STATE_LOST where the changelog has less than the group's offset says was in it. */
  async #check(
    { place, store, dropped }: PartitionCopy,
    table: RecoveredTable,
    committed: number | undefined,
  ): Promise<void> {
    if (committed === undefined || committed === 0) return
    const { name, number, writer, changelog } = table
    const lost = (message: string): EuphorionError =>
      new EuphorionError('STATE_LOST', message, { place: { ...place, table: name } })
    const offset =
      writer === 'lane'
        ? (await readPosition(store, number))?.nextOffset
        : (await readSources(store))?.[place.topic]
    if (offset === undefined) {
      const { earliest } = (await this.#services.ends.of(changelog))[place.partition]
      if (earliest === 0 && !dropped.has(table)) return
      throw lost(`the changelog of table ${name} has nothing left of it`)
    }
    const isYounger = (await readChangelogPosition(store, number))?.isBehind
    if (writer === 'lane' && !table.hasAgents && offset < committed && !isYounger) {
      const until = `the changelog of table ${name} has it up to offset ${offset} of ${place.topic}`
      throw lost(`${until}, but the group has read to ${committed}`)
    }
  }
}

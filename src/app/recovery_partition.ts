// The tables of one partition that are copied from their changelogs to its store: what recovery
// does once and standbys do for ever. Owned by one of them at a time.
import type { Clock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { WindowPlan } from '../kernel/plan.ts'
import type { TopicPartition } from '../log/log.ts'
import type { Logger } from '../logger.ts'
import type { Plant } from '../plants.ts'
import type { ChangelogReader } from '../table/changelog.ts'
import { readChangelogPosition, readPosition } from '../table/meta.ts'
import { CopiedSources, dropTable, hasRows, markStale, TableCopy } from '../table/recovery.ts'
import type { Store } from '../table/store.ts'
import { type ChangelogEnds, orAborted } from './recovery_ends.ts'
import { type ChangelogExtent, type CopyPlan, planCopy } from './recovery_plan.ts'
import type { RecoveryReader } from './recovery_reader.ts'
import { Replica } from './recovery_replica.ts'

/** A table that has a changelog, with as many partitions as the topic. */
export interface CopiedTable {
  readonly name: string
  readonly topic: string
  readonly changelog: string
  readonly shape: string
  /** Who writes it: a lane has a position, agents have offsets of all their topics. */
  readonly writer: 'lane' | 'agents'
  readonly window?: WindowPlan | undefined
}

export interface RecoveredTable extends CopiedTable {
  /** In the store. */
  readonly number: number
  /** The group's offsets of its topic are those of agents: a lane may be behind them. */
  readonly hasAgents?: boolean
}

export interface CopyServices {
  readonly clock: Clock
  readonly logger: Logger
  readonly ends: ChangelogEnds
  readonly reader: RecoveryReader
  readonly makeReader: (table: number) => ChangelogReader
  readonly plants?: ReadonlySet<Plant> | undefined
}

/** A changelog may lose its beginning again and again while it is read; not for ever. */
const TRIES_MAX = 10

export interface PartitionCopyOptions {
  readonly place: TopicPartition
  readonly store: Store
  readonly tables: readonly RecoveredTable[]
  readonly services: CopyServices
  /** Up to the ends that are to be reached, and no further. */
  readonly isOnce?: boolean
  /** A copy cannot go on, while nobody waits for it. */
  readonly failed?: (error: unknown) => void
  readonly copied?: () => void
}

export class PartitionCopy {
  readonly place: TopicPartition
  readonly store: Store
  readonly tables: readonly RecoveredTable[]
  /** Tables whose rows were dropped because they did not belong to the changelog. */
  readonly dropped = new Set<RecoveredTable>()
  readonly #options: PartitionCopyOptions
  readonly #replicas = new Map<RecoveredTable, Replica>()
  #sources: CopiedSources | undefined
  #closed = false

  constructor(options: PartitionCopyOptions) {
    this.#options = options
    this.place = options.place
    this.store = options.store
    this.tables = options.tables
  }

  /** Records that the store lacks. */
  get lag(): number {
    let lag = 0
    for (const replica of this.#replicas.values()) lag += replica.lag
    return lag
  }

  /** Some table is not copied, or not any more. */
  get isBroken(): boolean {
    return this.tables.some((table) => this.#replicas.get(table)?.error !== undefined)
  }

  /**
   * Where the changelog of a table begins and ends now; TOPIC_DELETED where there is none.
   */
  async extent(table: RecoveredTable): Promise<ChangelogExtent> {
    const { partition } = this.place
    const extent = (await this.#options.services.ends.of(table.changelog))[partition]
    if (extent !== undefined) return extent
    const message = `the changelog of table ${table.name} is gone`
    const place = { topic: table.changelog, partition, table: table.name }
    throw new EuphorionError('TOPIC_DELETED', message, { place })
  }

  /** Begins to copy a table, if that is not so already. */
  async begin(table: RecoveredTable, extent?: ChangelogExtent): Promise<Replica> {
    const running = this.#replicas.get(table)
    if (running !== undefined && running.error === undefined) return running
    if (running !== undefined) await this.#end(table, running)
    return this.#begin(table, extent ?? (await this.extent(table)))
  }

  /**
   * Resolves when the store has all of the table that the changelog has now, and can be read.
   */
  async reach(
    table: RecoveredTable,
    began: (replica: Replica, latest: number) => void,
    signal?: AbortSignal,
  ): Promise<Replica> {
    for (let tries = 1; ; tries++) {
      const extent = await orAborted(this.extent(table), signal)
      const replica = await this.begin(table, extent)
      began(replica, extent.latest)
      try {
        const isBehind = this.#options.services.plants?.has('promoted-behind') === true
        await replica.reach(isBehind ? replica.nextOffset : extent.latest, signal)
        return replica
      } catch (error) {
        const code = error instanceof EuphorionError ? error.code : undefined
        if (code === 'OFFSET_OUT_OF_RANGE' && tries < TRIES_MAX) continue
        // rows of the other shape are among those that were copied
        if (code === 'TABLE_CHANGED') await markStale(this.store, table.number)
        throw error
      }
    }
  }

  /** Asks where the changelogs end now, for the lag. */
  async look(): Promise<void> {
    for (const [table, replica] of [...this.#replicas]) {
      const { latest } = await this.extent(table)
      replica.end = Math.max(replica.end, latest)
    }
  }

  /** After reach() of all: nothing more is copied; the store is as a cut leaves it. */
  async finish(): Promise<void> {
    for (const [table, replica] of this.#replicas) {
      await this.#options.services.reader.remove(replica)
      await replica.settled()
      if (replica.error !== undefined) throw replica.error
      await replica.finish()
      await this.#end(table, replica)
    }
  }

  /** Nothing more is copied. The store stays open. */
  async close(): Promise<void> {
    this.#closed = true
    for (const [table, replica] of [...this.#replicas]) await this.#end(table, replica)
  }

  async #end(table: RecoveredTable, replica: Replica): Promise<void> {
    this.#replicas.delete(table)
    await this.#options.services.reader.remove(replica)
    await replica.close()
  }

  async #begin(table: RecoveredTable, extent: ChangelogExtent): Promise<Replica> {
    const { place, store } = this
    const { services, copied, isOnce } = this.#options
    const { number, name, shape, changelog } = table
    const plan = await this.#plan(table, extent)
    const { topicId } = extent
    const now = (): number => services.clock.now()
    const from = { nextOffset: plan.from, topicId, atMs: now(), state: 'between' } as const
    if (plan.drop !== undefined) await this.#drop(table, from, plan.drop, extent)
    this.#sources ??= await CopiedSources.of(store)
    const copy = new TableCopy({
      store,
      table: number,
      sources: this.#sources,
      topicId,
      isBehind: plan.isBehind,
      now,
    })
    const replica: Replica = new Replica({
      place: { topic: changelog, partition: place.partition },
      name,
      shape,
      copy,
      reader: services.makeReader(number),
      from: plan.from,
      isOnce,
      roomMade: () => void services.reader.wake(),
      failed: (error) => this.#failed(replica, error),
      ...(copied && { copied }),
    })
    replica.end = extent.latest
    this.#replicas.set(table, replica)
    if (this.#closed) {
      await this.#end(table, replica)
      throw replica.error
    }
    await services.reader.add(replica, plan.from)
    return replica
  }

  #failed(replica: Replica, error: unknown): void {
    void this.#options.services.reader.remove(replica)
    if (!this.#closed) this.#options.failed?.(error)
  }

  async #plan({ name, number }: RecoveredTable, extent: ChangelogExtent): Promise<CopyPlan> {
    const { store, place } = this
    const stored = await readChangelogPosition(store, number)
    const position = await readPosition(store, number)
    const holds = position !== undefined || (await hasRows(store, number))
    const plan = planCopy(stored, holds, extent, this.#options.services.clock.now())
    if (plan.drop === undefined || !holds || stored?.state === 'stale') return plan
    const isEmpty = extent.earliest === extent.latest
    if (stored !== undefined && !isEmpty) return plan
    // nothing else may have it: not to be dropped before somebody says so
    const why = `table ${name} has state here that its changelog does not have: ${plan.drop}`
    const advice = 'changelog: false keeps it on this machine alone'
    const lost = { place: { ...place, table: name } }
    throw new EuphorionError('STATE_LOST', `${why} (${advice})`, lost)
  }

  async #drop(
    table: RecoveredTable,
    from: {
      readonly nextOffset: number
      readonly topicId: string | undefined
      readonly atMs: number
      readonly state: 'between'
    },
    reason: string,
    { earliest, latest }: ChangelogExtent,
  ): Promise<void> {
    const { number, name } = table
    const { logger } = this.#options.services
    this.dropped.add(table)
    const facts = { table: name, ...this.place, changelog: { earliest, latest }, reason }
    logger.warn(facts, 'state on disk is dropped and copied anew from the changelog')
    await dropTable(this.store, number, from)
  }
}

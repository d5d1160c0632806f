// The agents' tables of a running worker: which topic each is kept beside, its parts on the
// partitions that are here, and who may write them. Made by the engine; PartitionTask opens and
// closes the parts.

import type { Clock } from '../clock.ts'
import { type Deferred, deferred } from '../deferred.ts'
import { EuphorionError } from '../errors.ts'
import type { Effects } from '../ingest/effects.ts'
import type { EventSubscriber, PartitionSink } from '../ingest/subscriber.ts'
import type { TopicPartition } from '../log/log.ts'
import type { Logger } from '../logger.ts'
import type { Settings } from '../settings.ts'
import type { TableDeclaration } from '../table/agent_definition.ts'
import type { AgentTablePart } from '../table/agent_part.ts'
import type { RowTable } from '../table/agent_row_table.ts'
import type { TablePart } from '../table/cell.ts'
import { readSources, tableNumber } from '../table/meta.ts'
import type { Store } from '../table/store.ts'
import type { AgentSources } from './agent_sources.ts'

interface TopicSize {
  readonly topic: string
  readonly partitions: number
}

export interface AgentTablesOptions {
  readonly agentTables?: readonly TableDeclaration[]
  /** The agents, in the order of declaration. */
  readonly subscribers: readonly EventSubscriber[]
  readonly settings: Pick<Settings, 'tableCacheEntries' | 'maxFutureMs'>
  /** Counts what agents write. */
  readonly effects?: Effects | undefined
  readonly clock: Clock
  readonly logger: Logger
}

export interface AgentTablesPorts {
  /** Of topics. */
  readonly partitionsOf: ReadonlyMap<string, number>
  /** A cut of this partition should come soon. */
  readonly wantsCut: (place: TopicPartition) => void
  /** A table's partition that another worker has. */
  readonly elsewhere: (table: string, place: TopicPartition) => TablePart
}

export interface PlacedTable {
  /** The topic whose tasks keep the table. */
  readonly home: string
  readonly table: RowTable
}

export class AgentTables {
  readonly #tables: readonly PlacedTable[]
  readonly #topics: TopicSize[]
  readonly #effects: Effects | undefined
  /** By number of partitions and partition: agents of co-partitioned topics write together. */
  readonly #holders = new Map<string, PartitionSink[]>()
  /** Settled when the tables of a unit are here, or do not come. */
  readonly #coming = new Map<string, Deferred<void>>()
  /** Offsets by topic, as the stores that were opened had them. */
  readonly #sources = new Map<string, AgentSources>()

  /** Throws PARTITIONS_MISMATCH and APP_INVALID for tables that no agent could write. */
  constructor(
    { agentTables = [], subscribers, settings, effects, clock, logger }: AgentTablesOptions,
    { partitionsOf, wantsCut, elsewhere }: AgentTablesPorts,
  ) {
    this.#effects = effects
    const sizeOf = ({ topic }: EventSubscriber) => ({ topic, partitions: partitionsOf.get(topic)! })
    this.#topics = subscribers.map(sizeOf)
    // every worker has to choose the same
    const topics = subscribers.filter(({ mayGo }) => !mayGo).map(sizeOf)
    this.#tables = agentTables.map((definition) => {
      const { topic: home, partitions } = homeOf(definition, topics)
      const table = definition.open({
        partitions,
        cacheEntries: settings.tableCacheEntries,
        maxFutureMs: settings.maxFutureMs,
        clock,
        failed: (error) => logger.error({ ...error.place, err: error }, 'windows close no further'),
        wantsCut: ({ partition }) => wantsCut({ topic: home, partition }),
        elsewhere: (partition) => elsewhere(definition.name, { topic: home, partition }),
      })
      return { home, table }
    })
    for (const { table } of this.#tables) table.definition.running = table
  }

  /** Agents read one more topic; tables stay where they are. */
  addTopic(size: TopicSize): void {
    if (!this.#topics.some(({ topic }) => topic === size.topic)) this.#topics.push(size)
  }

  get isEmpty(): boolean {
    return this.#tables.length === 0
  }

  /** All of them, with the topics whose tasks keep them. */
  get placed(): readonly PlacedTable[] {
    return this.#tables
  }

  /** Names of those that every worker copies. */
  get globals(): string[] {
    return this.#tables.flatMap(({ table: { definition } }) =>
      definition.isGlobal ? [definition.name] : [],
    )
  }

  /** Those that are kept in the stores of a topic's tasks. */
  of(topic: string): RowTable[] {
    return this.#tables.flatMap(({ home, table }) => (home === topic ? [table] : []))
  }

  table(name: string): RowTable | undefined {
    return this.#tables.find(({ table }) => table.definition.name === name)?.table
  }

  /** Topics whose agents may write what is kept beside this one. */
  writers(topic: string): string[] {
    const size = this.#sizeOf(topic)
    return this.#topics.flatMap((each) => (each.partitions === size ? [each.topic] : []))
  }

  /** The offset that the tables have an agent's events up to; undefined: none is stored. */
  stored(place: TopicPartition): number | undefined {
    return this.sources(place)[place.topic]
  }

  /** What the last cut has noted beside the tables that agents of the partition write. */
  sources(place: TopicPartition): AgentSources {
    return this.#sources.get(this.#unitOf(place)) ?? {}
  }

  /** What is stored of a partition that is here. */
  part(name: string, partition: number): TablePart | undefined {
    return this.table(name)?.storedPart(partition)
  }

  /** Whether agents of the topic write tables that are kept beside another. */
  waits(topic: string): boolean {
    const size = this.#sizeOf(topic)
    return this.#tables.some(({ home }) => home !== topic && this.#sizeOf(home) === size)
  }

  /**
   * Resolves when the tables that agents of the partition write are here: at once where they are
   * kept beside it. Rejects with TABLE_MOVING, or the signal's reason.
   */
  async ready(place: TopicPartition, signal: AbortSignal | undefined): Promise<void> {
    const isHere = this.#tables.every(
      ({ home, table }) =>
        this.#sizeOf(home) !== this.#sizeOf(place.topic) ||
        table.storedPart(place.partition) !== undefined,
    )
    if (isHere || !this.waits(place.topic)) return
    const unit = this.#unitOf(place)
    const coming = this.#coming.get(unit) ?? deferred()
    this.#coming.set(unit, coming)
    // several may wait for it, and each may give up by itself
    const given = deferred<never>()
    const end = (): void => given.reject(signal?.reason)
    signal?.throwIfAborted()
    signal?.addEventListener('abort', end)
    await Promise.race([coming.promise, given.promise]).finally(() =>
      signal?.removeEventListener('abort', end),
    )
  }

  /** Whether agents of the partition write tables that go with one of these. */
  goesWith(place: TopicPartition, leaving: readonly TopicPartition[]): boolean {
    const unit = this.#unitOf(place)
    return leaving.some((each) => this.of(each.topic).length > 0 && this.#unitOf(each) === unit)
  }

  /** Whether the partition is to be opened again from its last cut. */
  goesBack({ topic, partition }: TopicPartition, isSo: boolean): void {
    for (const table of this.of(topic)) table.goesBack(partition, isSo)
  }

  /** The partition was given to this worker, and is not open yet. */
  expect({ topic, partition }: TopicPartition): void {
    for (const table of this.of(topic)) table.expect(partition, true)
  }

  /** Rejects with TABLE_CHANGED. */
  async open(place: TopicPartition, store: Store): Promise<AgentTablePart[]> {
    const { topic, partition } = place
    const parts: AgentTablePart[] = []
    this.#sources.set(this.#unitOf(place), (await readSources(store)) ?? {})
    for (const table of this.of(topic)) {
      const { name, shape } = table.definition
      const number = await tableNumber(store, name, shape)
      const holders = this.#holdersOf(place)
      parts.push(
        await table.openPart({ partition, store, number, holders, effects: this.#effects }),
      )
    }
    if (parts.length > 0) this.#arrived(place, (coming) => coming.resolve())
    return parts
  }

  /** Also of a partition that could not be opened. */
  close(place: TopicPartition, parts: readonly AgentTablePart[]): void {
    const tables = this.of(place.topic)
    for (const table of tables) table.expect(place.partition, false)
    for (const part of parts) this.table(part.name)?.closePart(part)
    if (tables.length === 0) return
    const message = 'the tables that are written with it are not here'
    this.#arrived(place, ({ reject }) =>
      reject(new EuphorionError('TABLE_MOVING', message, { place })),
    )
  }

  /** Tells who waits for the tables of the partition. */
  #arrived(place: TopicPartition, tell: (coming: Deferred<void>) => void): void {
    const unit = this.#unitOf(place)
    const coming = this.#coming.get(unit)
    this.#coming.delete(unit)
    if (coming !== undefined) tell(coming)
  }

  /** An agent reads the partition, and may write. */
  addHolder(place: TopicPartition, sink: PartitionSink): void {
    if (!this.isEmpty) this.#holdersOf(place).push(sink)
  }

  removeHolder(place: TopicPartition, sink: PartitionSink): void {
    const holders = this.#holdersOf(place)
    const at = holders.indexOf(sink)
    if (at >= 0) holders.splice(at, 1)
  }

  /** The handles of the program have nothing to read any more. */
  end(): void {
    for (const { table } of this.#tables)
      if (table.definition.running === table) table.definition.running = undefined
  }

  #sizeOf(topic: string): number | undefined {
    return this.#topics.find((each) => each.topic === topic)?.partitions
  }

  /** Partitions of topics that go together. */
  #unitOf({ topic, partition }: TopicPartition): string {
    return `${this.#sizeOf(topic)}/${partition}`
  }

  #holdersOf(place: TopicPartition): PartitionSink[] {
    const key = this.#unitOf(place)
    let holders = this.#holders.get(key)
    if (holders === undefined) this.#holders.set(key, (holders = []))
    return holders
  }
}

/** The first topic that has the table's number of partitions. */
function homeOf({ name, partitions }: TableDeclaration, topics: readonly TopicSize[]): TopicSize {
  const place = { table: name }
  const sizes = [...new Set(topics.map((each) => each.partitions))]
  if (sizes.length === 0) {
    const message = `table ${name}: no agent reads a topic, so that nobody could write it`
    throw new EuphorionError('APP_INVALID', message, { place })
  }
  if (partitions === undefined && sizes.length > 1) {
    const message = `table ${name}: agents read topics of ${sizes.join(' and ')} partitions`
    throw new EuphorionError('PARTITIONS_MISMATCH', `${message}: give { partitions }`, { place })
  }
  const home = topics.find((each) => each.partitions === (partitions ?? sizes[0]))
  if (home !== undefined) return home
  const message = `table ${name} has ${partitions} partitions, topics of agents ${sizes.join(', ')}`
  throw new EuphorionError('PARTITIONS_MISMATCH', message, { place })
}

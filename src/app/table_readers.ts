// Readers of tables over all partitions: those that are open here, and those of other workers,
// which are asked over HTTP. Owned by the engine.
import type { Clock } from '../clock.ts'
import { EuphorionError } from '../errors.ts'
import type { AggregationDefinition, TableReader } from '../ingest/aggregation.ts'
import { stateLayout } from '../kernel/state.ts'
import type { TopicPartition } from '../log/log.ts'
import { partitionOfKey } from '../log/partitioner.ts'
import type { Settings } from '../settings.ts'
import type { TablePart } from '../table/cell.ts'
import { openTable } from '../table/table.ts'
import type { AgentTables } from './agent_tables.ts'
import { PORTABLE_TABLE } from './part_reads.ts'
import type { PartitionTask } from './partition_task.ts'
import { RemotePart } from './remote_part.ts'
import type { TableHosts } from './table_hosts.ts'

export interface TableReadersOptions {
  readonly aggregations: readonly AggregationDefinition[]
  readonly settings: Settings
  readonly clock: Clock
  readonly hosts: TableHosts
  readonly tasks: () => Iterable<PartitionTask>
  /** Undefined before the engine has started. */
  readonly agentTables: () => AgentTables | undefined
  /** Of a topic; undefined: not known yet. */
  readonly partitions: (topic: string) => number | undefined
  /** A copy of another worker's partition that is kept here. */
  readonly copy: (table: string, partition: number) => TablePart | undefined
}

export class TableReaders {
  readonly #options: TableReadersOptions

  constructor(options: TableReadersOptions) {
    this.#options = options
  }

  /**
   * Undefined for an unknown name. 'here': only the partitions of this worker. Reads see the last
   * cut; with `stale` copies that may lag behind are asked too.
   */
  reader(name: string, scope: 'here' | 'everywhere'): TableReader | undefined {
    const agents = this.#options.agentTables()?.table(name)
    if (agents !== undefined) return agents.reader(scope)
    const definition = this.#options.aggregations.find(({ plan }) => plan.name === name)
    if (definition === undefined) return undefined
    const table = (stale: boolean) => this.#open(definition, scope, stale)
    return {
      get: (key, { stale = false } = {}) => table(stale).get(key),
      windows: (key, { at, stale = false }) => table(stale).windows(key, { at }),
      range: ({ stale = false, ...query }) => table(stale).range(query),
    } as TableReader
  }

  /**
   * Where a key is read without asking further: 'here', at one of these addresses, or 'unknown'
   * while its partition is on its way.
   */
  route(name: string, key: Uint8Array): 'here' | 'unknown' | readonly string[] {
    const placed = this.#options
      .agentTables()
      ?.placed.find(({ table }) => table.definition.name === name)
    const definition = this.#options.aggregations.find(({ plan }) => plan.name === name)
    const topic = placed?.home ?? definition?.topic
    const partitions = topic === undefined ? undefined : this.#options.partitions(topic)
    if (topic === undefined || partitions === undefined) return 'unknown'
    const partition = partitionOfKey(key, partitions)
    if (this.part(name, partition, false) !== undefined) return 'here'
    const addresses = this.#options.hosts.addresses({ topic, partition }, false)
    return addresses.length === 0 ? 'unknown' : addresses
  }

  /** A partition that is open here. */
  part(name: string, partition: number, stale: boolean): TablePart | undefined {
    const agents = this.#options.agentTables()?.part(name, partition)
    if (agents !== undefined) return agents
    const definition = this.#options.aggregations.find(({ plan }) => plan.name === name)
    const own = definition && this.#parts(definition).get(partition)
    return own ?? (stale ? this.#options.copy(name, partition) : undefined)
  }

  #open(definition: AggregationDefinition, scope: 'here' | 'everywhere', stale: boolean) {
    const { plan, keys, topic } = definition
    const { name, window } = plan
    const partitions = this.#options.partitions(topic)
    const isWhole = scope === 'everywhere'
    if (isWhole && partitions === undefined)
      throw new EuphorionError('QUERY_UNAVAILABLE', 'the app is starting', {
        place: { table: name },
      })
    const parts = isWhole
      ? this.#everywhere(definition, partitions!, stale)
      : this.#parts(definition)
    return openTable<unknown>({
      name,
      parts,
      layout: stateLayout(plan),
      window,
      encodeKey: keys.encode,
      decodeKey: keys.decode,
      ...(isWhole && { likelyPartitionOf: (key: Uint8Array) => partitionOfKey(key, partitions!) }),
    })
  }

  #parts({ topic, plan }: AggregationDefinition): Map<number, TablePart> {
    const parts = new Map<number, TablePart>()
    for (const { intake, store, lanes } of this.#options.tasks()) {
      const lane = lanes.find(({ aggregation }) => aggregation.plan.name === plan.name)
      if (intake.topic !== topic || store === undefined || lane === undefined) continue
      parts.set(intake.partition, { store, number: lane.table })
    }
    return parts
  }

  #everywhere(
    definition: AggregationDefinition,
    partitions: number,
    stale: boolean,
  ): Map<number, TablePart> {
    const { copy } = this.#options
    const { topic, plan } = definition
    const parts = this.#parts(definition)
    for (let partition = 0; partition < partitions; partition++) {
      if (parts.has(partition)) continue
      const own = stale ? copy(plan.name, partition) : undefined
      parts.set(partition, own ?? this.elsewhere(plan.name, { topic, partition }, stale))
    }
    return parts
  }

  /** A partition of another worker; `place` is that of the task which has it. */
  elsewhere(table: string, place: TopicPartition, stale: boolean): TablePart {
    const { settings, clock, hosts } = this.#options
    const store = new RemotePart({
      addresses: () => hosts.addresses(place, stale),
      mayAsk: !hosts.isSilent,
      table,
      partition: place.partition,
      stale,
      secret: settings.querySecret,
      timeoutMs: settings.queryTimeoutMs,
      clock,
    })
    return { store, number: PORTABLE_TABLE }
  }
}

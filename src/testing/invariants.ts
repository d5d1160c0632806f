// What must hold when a simulation has settled: each partition has one owner, its tables hold what
// the reference says, and stores and changelogs agree. Called by Simulation; each breach is a line.
import { join } from 'node:path'
import { tablesPath } from '../app/data_dir.ts'
import type { AggregationDefinition } from '../ingest/aggregation.ts'
import { finishState } from '../kernel/aggregates.ts'
import type { LaneCounters } from '../kernel/lane.ts'
import { stateLayout } from '../kernel/state.ts'
import { changelogTopic } from '../table/changelog_topics.ts'
import {
  readChangelogPosition,
  readPosition,
  readRetained,
  type StoredTable,
  storedTables,
} from '../table/meta.ts'
import { resultJson } from '../table/result.ts'
import type { Store } from '../table/store.ts'
import { decodeBatches } from '../wire/record_batch.ts'
import type { SimulatedCluster } from './simulated_cluster.ts'
import type { SimulatedMachine } from './simulated_machine.ts'
import { modelOf } from './simulated_model.ts'
import type { SimulatedPartition } from './simulated_partition.ts'

export interface Settled {
  readonly appId: string
  readonly dataDir: string
  readonly aggregations: readonly AggregationDefinition[]
  readonly cluster: SimulatedCluster
  readonly machines: readonly SimulatedMachine[]
}

type Rows = ReadonlyMap<string, Buffer>

const NUMBER_BYTES = 2
/** Of rows that differ, so many are shown. */
const SHOWN_MAX = 3

export async function breaches(settled: Settled): Promise<string[]> {
  const found: string[] = []
  for (const definition of settled.aggregations) {
    const { partitions } = settled.cluster.topic(definition.topic)
    for (const partition of partitions)
      found.push(...(await aggregationBreaches(settled, definition, partition)))
  }
  for (const machine of settled.machines)
    for (const path of machine.disk.paths)
      found.push(...(await copyBreaches(settled, machine, path)))
  return found
}

/** The owner's table against the reference. */
async function aggregationBreaches(
  { appId, dataDir, cluster, machines }: Settled,
  definition: AggregationDefinition,
  partition: SimulatedPartition,
): Promise<string[]> {
  const { name } = definition.plan
  const what = `${name} of ${partition.topic}/${partition.partition}`
  const owners = machines.filter(({ app }) =>
    app?.statistics().some((each) => each.table === name && each.partition === partition.partition),
  )
  if (owners.length !== 1) return [`${what} has ${owners.length} owners`]
  const [owner] = owners
  const path = join(tablesPath(dataDir, appId), partition.topic, String(partition.partition))
  const rows = owner.disk.rows(path)
  if (rows === undefined) return [`${what}: ${owner.name} has no store`]
  const table = (await storedTables(rows)).find((each) => each.name === name)
  const model = await modelOf(definition, partition, cluster.clock)
  if (table === undefined) {
    const isEmpty = model.counters.counted === 0
    return isEmpty ? [] : [`${what}: ${owner.name} has no table`]
  }
  const retained = await readRetained(rows, table.number)
  const isKept = (key: string): boolean =>
    definition.plan.window === undefined || sliceOf(key) >= retained
  const kept = new Map([...model.rows].filter(([key]) => isKept(key)))
  const stored = await rowsOf(rows, table)
  return [
    ...differences(
      `${what} at ${owner.name}`,
      stored,
      kept,
      'the reference',
      (a, b) => resultOf(definition, a) === resultOf(definition, b),
    ),
    ...counterBreaches(what, await readPosition(rows, table.number), model.counters),
  ]
}

/** Sums of floats may be put together in other ways; what they come to is the same. */
function resultOf({ plan }: AggregationDefinition, state: Buffer): string {
  const view = new DataView(state.buffer, state.byteOffset, state.byteLength)
  return resultJson(finishState(stateLayout(plan), view, 0, {}))
}

function counterBreaches(
  what: string,
  stored: LaneCounters | undefined,
  model: LaneCounters,
): string[] {
  const shown = ({ counted, late, bad, filtered, streamTimeMs }: LaneCounters): string =>
    JSON.stringify({ counted, late, bad, filtered, streamTimeMs })
  if (stored === undefined) return model.nextOffset === 0 ? [] : [`${what} has no position`]
  if (shown(stored) === shown(model)) return []
  return [`${what} counted ${shown(stored)}, the reference ${shown(model)}`]
}

/** A store that says it has all of its changelog, against that changelog. */
async function copyBreaches(
  { appId, cluster }: Settled,
  machine: SimulatedMachine,
  path: string,
): Promise<string[]> {
  const store = machine.disk.rows(path)!
  const partition = Number(path.slice(path.lastIndexOf('/') + 1))
  const found: string[] = []
  const topics = new Set(cluster.topics().map(({ name }) => name))
  for (const table of await storedTables(store)) {
    const topic = changelogTopic(appId, table.name)
    const position = await readChangelogPosition(store, table.number)
    if (!topics.has(topic) || position === undefined) continue
    const changelog = cluster.partition({ topic, partition })
    const what = `${table.name}/${partition} at ${machine.name}`
    if (position.nextOffset > changelog.nextOffset)
      found.push(`${what} says that it has its changelog up to ${position.nextOffset}`)
    const copied = replayed(changelog, position.nextOffset)
    const retained = await readRetained(store, table.number)
    const isKept = (key: string): boolean =>
      retained === Number.NEGATIVE_INFINITY || sliceOf(key) >= retained
    const kept = (rows: Rows): Rows => new Map([...rows].filter(([key]) => isKept(key)))
    const where = `its changelog up to ${position.nextOffset}`
    found.push(...differences(what, kept(await rowsOf(store, table)), kept(copied), where))
  }
  return found
}

/** Rows of committed records below an offset, without those of the changelog itself. */
function replayed(changelog: SimulatedPartition, nextOffset: number): Rows {
  const rows = new Map<string, Buffer>()
  for (const { key, value, offset } of decodeBatches(changelog.history())) {
    if (offset >= nextOffset || key === null) continue
    if (key[0] === 0 && key[1] === 0) continue
    const name = Buffer.from(key.subarray(NUMBER_BYTES)).toString('latin1')
    if (value === null) rows.delete(name)
    else rows.set(name, Buffer.from(value))
  }
  return rows
}

async function rowsOf(store: Store, { number }: StoredTable): Promise<Rows> {
  const [gte, lt] = [Buffer.alloc(NUMBER_BYTES), Buffer.alloc(NUMBER_BYTES)]
  gte.writeUInt16BE(number)
  lt.writeUInt16BE(number + 1)
  const rows = new Map<string, Buffer>()
  for await (const [key, value] of store.scan({ gte, lt }))
    rows.set(key.toString('latin1', NUMBER_BYTES), value)
  return rows
}

/** Start of the slice in a key of a windowed table, which comes first. */
function sliceOf(key: string): number {
  const bytes = Buffer.from(key, 'latin1')
  if (bytes.length < 8) return Number.POSITIVE_INFINITY
  return Number(BigInt.asIntN(64, bytes.readBigUInt64BE(0) ^ (1n << 63n)))
}

function differences(
  what: string,
  rows: Rows,
  expected: Rows,
  where: string,
  isSame = (left: Buffer, right: Buffer): boolean => left.equals(right),
): string[] {
  const shown: string[] = []
  let count = 0
  for (const key of new Set([...rows.keys(), ...expected.keys()])) {
    const [left, right] = [rows.get(key), expected.get(key)]
    if (left !== undefined && right !== undefined && isSame(left, right)) continue
    if (count++ >= SHOWN_MAX) continue
    const text = (value: Buffer | undefined): string => value?.toString('hex') ?? 'nothing'
    const name = Buffer.from(key, 'latin1').toString('hex')
    shown.push(`key ${name}: ${text(left)}, in ${where} ${text(right)}`)
  }
  if (count === 0) return []
  const sizes = `${rows.size} and ${expected.size}`
  return [`${what}: ${count} rows differ from ${where} (${sizes}): ${shown.join('; ')}`]
}

// One partition's part of a cut: what its agents have acknowledged and its tables hold at one
// moment, on the way to the log and then to the store. Made by worker_cut.ts.
import type { RowSink } from '../ingest/rows.ts'
import type { LogProducer } from '../log/log.ts'
import type { ChangelogMeta, ChangelogWriter } from '../table/changelog.ts'
import { PartitionCut } from '../table/cut.ts'
import { writeChangelogPosition, writeSources } from '../table/meta.ts'
import { recordCountOf } from '../wire/batch_header.ts'
import { type AgentSources, isSkewed } from './agent_sources.ts'
import type { Changelogs } from './changelogs.ts'
import type { PartitionTask, TaskTable } from './partition_task.ts'
import type { TaskLane } from './task_lane.ts'

interface TakenRows {
  readonly table: TaskTable
  readonly rows: Uint8Array
}

/** A table whose changes go to its changelog. */
interface Changed {
  readonly name: string
  /** In the store. */
  readonly table: number
  readonly changelog: ChangelogWriter | undefined
  readonly meta: ChangelogMeta
}

export interface AppendOptions {
  readonly changelogs: Changelogs
  readonly nowMs: number
  /** Planted: 'changelog-position-ahead'. */
  readonly isAhead: boolean
}

const AHEAD_RECORDS = 100

export class TaskCut {
  readonly task: PartitionTask
  /** Offset below which the agents of the partition have acknowledged; Infinity without. */
  readonly #acknowledged: number
  readonly #taken: readonly TakenRows[]
  /** Tables whose changelogs are told where agents stand. */
  readonly #notes: readonly TaskTable[]
  readonly #sources: AgentSources
  #part: PartitionCut<TaskLane> | undefined
  #isWritten = false

  /**
   * Takes what agents have written and acknowledged. Where they write tables, none of them may
   * have an event in hand. `sources` are the acknowledged offsets of all topics whose agents write
   * these tables.
   */
  constructor(task: PartitionTask, sources: AgentSources) {
    this.task = task
    this.#acknowledged = task.intake.acknowledged()
    this.#sources = sources
    const dirty = task.tables.filter(({ state }) => state.dirty)
    this.#taken = dirty.map((table) => ({ table, rows: table.state.take() }))
    // the group's offset alone does not say where each agent stands
    this.#notes = dirty.length === 0 && isSkewed(sources) ? task.tables.slice(0, 1) : dirty
  }

  /** When it rejects, nothing of the partition may be committed. */
  async drain(): Promise<void> {
    const { store, lanes } = this.task
    if (store === undefined) return
    const running = lanes.filter((lane) => !lane.feed.spoiled)
    const part = await PartitionCut.drain(store, running, this.#notes.length > 0)
    this.#part = part
    if (part === undefined || this.#notes.length === 0) return
    for (const { table, rows } of this.#taken)
      await Promise.all([part.batch.putRows(rows), table.changelog?.add(rows)])
    writeSources(part.batch, this.#sources)
  }

  /** There is something that the store has not. */
  get hasState(): boolean {
    return this.#part !== undefined
  }

  /**
   * Offset for the group: what agents have acknowledged, because what they have sent below it must
   * not come again; lanes have positions of their own. Without agents, what every lane has.
   */
  get offset(): number {
    if (Number.isFinite(this.#acknowledged)) return this.#acknowledged
    const after = new Map(this.#part?.lanes.map(({ lane, after }) => [lane, after]))
    const lanes = this.task.lanes.map((lane) => (after.get(lane) ?? lane.committed).nextOffset)
    return Math.min(...lanes)
  }

  /** Sends results, late and bad records that are due; resolves when they are stored. */
  async sendDue(to: RowSink | undefined): Promise<void> {
    for (const drained of this.#part?.lanes ?? []) await drained.lane.sendDue(drained, to)
  }

  /** Appends to the changelogs, and notes in the store's batch how far it has them then. */
  async append(
    producer: LogProducer,
    { changelogs, nowMs, isAhead }: AppendOptions,
  ): Promise<void> {
    const part = this.#part
    if (part === undefined) return
    const { partition } = this.task.place
    const append = async ({ name, table, changelog, meta }: Changed) => {
      if (changelog === undefined) return
      const batches = await changelog.finish(meta, nowMs)
      const topic = changelogs.topic(name)
      const stored = batches.map((batch) => producer.appendBatch(topic, partition, batch))
      const last = (await Promise.all(stored)).at(-1)
      // forgotten by the log, as it was stored long ago: what is read again does no harm
      if (last === undefined || last.offset < 0) return
      const records = recordCountOf(batches[batches.length - 1])
      const nextOffset = last.offset + records + (isAhead ? AHEAD_RECORDS : 0)
      const topicId = changelogs.topicId(name)
      const { isBehind } = meta
      writeChangelogPosition(part.batch, table, { nextOffset, topicId, atMs: nowMs, isBehind })
    }
    await Promise.all(this.#changed(part).map(append))
  }

  #changed(part: PartitionCut<TaskLane>): Changed[] {
    const lanes = part.lanes.map(({ lane, after }) => {
      const { table, changelog, shape } = lane
      const isBehind = after.nextOffset < this.task.committed
      return {
        name: lane.aggregation.plan.name,
        table,
        changelog,
        meta: { shape, position: after, ...(isBehind && { isBehind }) },
      }
    })
    const sources = this.#sources
    const tables = this.#notes.map(({ name, state, changelog }) => {
      return { name, table: state.table, changelog, meta: { shape: state.shape, sources } }
    })
    return [...lanes, ...tables]
  }

  /** One atomic batch. When it rejects nothing of it is in the store. */
  async write(options: { readonly sync: boolean }): Promise<void> {
    await this.#part?.write(options)
    this.#isWritten = true
    for (const { table } of this.#taken) table.state.written()
  }

  /** Nothing of it counts. */
  drop(): void {
    if (!this.#isWritten) this.#part?.drop()
    this.#part = undefined
  }
}

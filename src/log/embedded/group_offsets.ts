// Offsets that groups committed: in memory, and in one small file per group that is replaced as a
// whole. Commits that arrive during a write share the next one.
import * as fs from 'node:fs'
import { join } from 'node:path'
import { EuphorionError } from '../../errors.ts'
import type { StartPosition } from '../log.ts'
import { fileError, replaceFile } from './files.ts'
import { fileName } from './names.ts'

type Offsets = Map<string, Map<number, number>>

interface GroupFile {
  readonly group: string
  /** Number of the last decision of a transaction that the offsets hold. */
  readonly decision?: number
  readonly topics: Record<string, Record<string, number>>
}

interface Group {
  readonly offsets: Offsets
  decision: number
  /** A decision was applied that the file does not hold; the journal does. */
  dirty: boolean
  /** The write under way. */
  writing: Promise<void> | undefined
  /** The write after it, which will hold everything committed by now. */
  next: Promise<void> | undefined
}

export class GroupOffsets {
  readonly #directory: string
  readonly #sync: boolean
  readonly #groups = new Map<string, Group>()

  private constructor(directory: string, sync: boolean) {
    this.#directory = directory
    this.#sync = sync
  }

  static async open(directory: string, sync: boolean): Promise<GroupOffsets> {
    const all = new GroupOffsets(directory, sync)
    await fs.promises.mkdir(directory, { recursive: true })
    for (const name of await fs.promises.readdir(directory)) {
      const path = join(directory, name)
      if (name.endsWith('.json')) all.#load(path, await fs.promises.readFile(path, 'utf8'))
      else if (name.endsWith('.tmp')) await fs.promises.rm(path, { force: true })
    }
    return all
  }

  #load(path: string, text: string): void {
    try {
      const { group, decision = 0, topics } = JSON.parse(text) as GroupFile
      const known = this.#group(group)
      known.decision = decision
      for (const [topic, byPartition] of Object.entries(topics))
        known.offsets.set(
          topic,
          new Map(Object.entries(byPartition).map(([partition, at]) => [Number(partition), at])),
        )
    } catch (cause) {
      throw new EuphorionError('LOG_CORRUPT', `${path} cannot be read`, { cause, place: { path } })
    }
  }

  #group(groupId: string): Group {
    let group = this.#groups.get(groupId)
    if (group === undefined) {
      group = {
        offsets: new Map(),
        decision: 0,
        dirty: false,
        writing: undefined,
        next: undefined,
      }
      this.#groups.set(groupId, group)
    }
    return group
  }

  /** Offsets by partition. */
  of(groupId: string, topic: string): ReadonlyMap<number, number> {
    return this.#groups.get(groupId)?.offsets.get(topic) ?? new Map()
  }

  /** Resolves when the offsets are stored. */
  async commit(groupId: string, positions: readonly StartPosition[]): Promise<void> {
    if (positions.length === 0) return
    const group = this.#group(groupId)
    set(group.offsets, positions)
    await this.#store(groupId, group)
  }

  /**
   * Takes in what a decision of the journal says, unless the offsets hold it already; stored with
   * the next commit, or by `flush`.
   */
  apply(decision: number, groupId: string, positions: readonly StartPosition[]): void {
    const group = this.#group(groupId)
    if (decision <= group.decision) return
    set(group.offsets, positions)
    group.decision = decision
    group.dirty = true
  }

  /** Number of the last decision that any group holds. */
  get lastDecision(): number {
    return Math.max(0, ...[...this.#groups.values()].map(({ decision }) => decision))
  }

  /** Stores what decisions have changed. */
  async flush(): Promise<void> {
    for (const [groupId, group] of this.#groups) if (group.dirty) await this.#store(groupId, group)
  }

  #store(groupId: string, group: Group): Promise<void> {
    if (group.next) return group.next
    const write = async (): Promise<void> => {
      await group.writing?.catch(() => {})
      group.next = undefined
      group.writing = this.#write(groupId, group)
      try {
        await group.writing
      } finally {
        group.writing = undefined
      }
    }
    group.next = write()
    return group.next
  }

  async #write(groupId: string, group: Group): Promise<void> {
    const { offsets, decision } = group
    group.dirty = false
    const file: GroupFile = {
      group: groupId,
      decision,
      topics: Object.fromEntries(
        [...offsets].map(([topic, byPartition]) => [topic, Object.fromEntries(byPartition)]),
      ),
    }
    const path = join(this.#directory, `${fileName('group-', groupId)}.json`)
    try {
      await replaceFile(path, JSON.stringify(file), this.#sync)
    } catch (error) {
      group.dirty = true
      throw fileError(error, path)
    }
  }

  /** The file stays, for what it says of decisions. */
  async forget(groupId: string): Promise<void> {
    const group = this.#groups.get(groupId)
    if (group === undefined) return
    group.offsets.clear()
    await this.#store(groupId, group)
  }

  /** Forgets a deleted topic, so that one with the same name begins afresh. */
  async forgetTopic(topic: string): Promise<void> {
    for (const [groupId, group] of this.#groups)
      if (group.offsets.delete(topic)) await this.#store(groupId, group)
  }

  /** Forgets the topics whose deletion a crash has interrupted. */
  async forgetAllBut(existing: ReadonlySet<string>): Promise<void> {
    const known = new Set([...this.#groups.values()].flatMap(({ offsets }) => [...offsets.keys()]))
    for (const topic of known) if (!existing.has(topic)) await this.forgetTopic(topic)
  }

  async close(): Promise<void> {
    for (const group of this.#groups.values()) await (group.next ?? group.writing)?.catch(() => {})
    await this.flush()
  }
}

function set(offsets: Offsets, positions: readonly StartPosition[]): void {
  for (const { topic, partition, offset } of positions) {
    const byPartition = offsets.get(topic) ?? new Map<number, number>()
    offsets.set(topic, byPartition.set(partition, offset))
  }
}

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
  readonly topics: Record<string, Record<string, number>>
}

interface Group {
  readonly offsets: Offsets
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
      const { group, topics } = JSON.parse(text) as GroupFile
      const { offsets } = this.#group(group)
      for (const [topic, byPartition] of Object.entries(topics))
        offsets.set(
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
      group = { offsets: new Map(), writing: undefined, next: undefined }
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
    for (const { topic, partition, offset } of positions) {
      const byPartition = group.offsets.get(topic) ?? new Map<number, number>()
      group.offsets.set(topic, byPartition.set(partition, offset))
    }
    await this.#store(groupId, group)
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

  async #write(groupId: string, { offsets }: Group): Promise<void> {
    const file: GroupFile = {
      group: groupId,
      topics: Object.fromEntries(
        [...offsets].map(([topic, byPartition]) => [topic, Object.fromEntries(byPartition)]),
      ),
    }
    const path = join(this.#directory, `${fileName('group-', groupId)}.json`)
    try {
      await replaceFile(path, JSON.stringify(file), this.#sync)
    } catch (error) {
      throw fileError(error, path)
    }
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
  }
}

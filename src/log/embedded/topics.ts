// The topics of an embedded log: a directory each, with a description and one directory per
// partition. Creates, deletes and looks them up for the log, its consumers and its cleaner.
import { randomUUID } from 'node:crypto'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { EuphorionError } from '../../errors.ts'
import type { TopicConfig } from '../log.ts'
import type { FileCache } from './file_cache.ts'
import { fileError, readIfThere, replaceFile } from './files.ts'
import { checkTopicName, fileName } from './names.ts'
import {
  type ResolvedOptions,
  type ResolvedTopicConfig,
  requireWithin,
  resolveTopicConfig,
} from './options.ts'
import { Partition } from './partition.ts'

export interface Topic {
  readonly name: string
  /** Another one when a topic of that name is made anew. */
  readonly id: string
  readonly directory: string
  readonly config: ResolvedTopicConfig
  readonly partitions: readonly Partition[]
}

interface TopicFile {
  readonly name: string
  /** Topics of earlier versions get one when they are opened. */
  readonly id?: string
  readonly partitions: number
  readonly config: TopicConfig
}

const partitionsMax = 10_000
const topicPrefix = 'topic-'
const creatingPrefix = 'creating-'
const deletedPrefix = 'deleted-'

export class Topics {
  readonly #root: string
  readonly #options: ResolvedOptions
  readonly #files: FileCache
  readonly #topics = new Map<string, Topic>()
  /** Creations and deletions, one after the other. */
  #changes: Promise<unknown> = Promise.resolve()

  private constructor(root: string, options: ResolvedOptions, files: FileCache) {
    this.#root = root
    this.#options = options
    this.#files = files
  }

  static async open(root: string, options: ResolvedOptions, files: FileCache): Promise<Topics> {
    const topics = new Topics(root, options, files)
    await fs.promises.mkdir(root, { recursive: true })
    for (const name of await fs.promises.readdir(root)) {
      const directory = join(root, name)
      if (name.startsWith(topicPrefix)) await topics.#load(directory)
      else if (name.startsWith(creatingPrefix) || name.startsWith(deletedPrefix))
        await fs.promises.rm(directory, { recursive: true, force: true })
    }
    return topics
  }

  async #load(directory: string): Promise<Topic> {
    const { name, id, partitions, config } = await readTopicFile(directory)
    const resolved = resolveTopicConfig(config, this.#options)
    const open = Array.from({ length: partitions }, (_, partition) =>
      Partition.open({
        topic: name,
        partition,
        directory: join(directory, String(partition)),
        config: resolved,
        options: this.#options,
        files: this.#files,
      }),
    )
    const topic = { name, id, directory, config: resolved, partitions: await Promise.all(open) }
    this.#topics.set(name, topic)
    return topic
  }

  /** By name. */
  all(): readonly Topic[] {
    return [...this.#topics.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  find(name: string): Topic | undefined {
    return this.#topics.get(name)
  }

  findById(id: string): Topic | undefined {
    return [...this.#topics.values()].find((topic) => topic.id === id)
  }

  /** TOPIC_UNKNOWN when it does not exist. */
  get(name: string): Topic {
    const topic = this.#topics.get(name)
    if (topic) return topic
    throw new EuphorionError('TOPIC_UNKNOWN', `there is no topic ${name}`, {
      place: { topic: name },
    })
  }

  partition(name: string, partition: number): Partition {
    const { partitions } = this.get(name)
    if (Number.isInteger(partition) && partition >= 0 && partition < partitions.length)
      return partitions[partition]
    throw new EuphorionError(
      'TOPIC_UNKNOWN',
      `topic ${name} has partitions 0 to ${partitions.length - 1}, not ${partition}`,
      { place: { topic: name, partition } },
    )
  }

  create(name: string, partitions: number, config: TopicConfig | undefined): Promise<boolean> {
    checkTopicName(name)
    requireWithin('partitions', partitions, 1, partitionsMax)
    resolveTopicConfig(config, this.#options)
    return this.#inTurn(async () => {
      if (this.#topics.has(name)) return false
      const creating = join(this.#root, fileName(creatingPrefix, name))
      const directory = join(this.#root, fileName(topicPrefix, name))
      try {
        await fs.promises.rm(creating, { recursive: true, force: true })
        for (let partition = 0; partition < partitions; partition++)
          await Partition.create(join(creating, String(partition)))
        const file: TopicFile = { name, id: randomUUID(), partitions, config: config ?? {} }
        await fs.promises.writeFile(join(creating, 'topic.json'), JSON.stringify(file))
        await fs.promises.rename(creating, directory)
      } catch (error) {
        throw fileError(error, directory)
      }
      await this.#load(directory)
      return true
    })
  }

  delete(name: string): Promise<void> {
    return this.#inTurn(async () => {
      const topic = this.get(name)
      this.#topics.delete(name)
      await Promise.all(topic.partitions.map((partition) => partition.delete()))
      const deleted = join(this.#root, fileName(deletedPrefix, name))
      try {
        await fs.promises.rm(deleted, { recursive: true, force: true })
        await fs.promises.rename(topic.directory, deleted)
        await fs.promises.rm(deleted, { recursive: true, force: true, maxRetries: 3 })
      } catch (error) {
        throw fileError(error, topic.directory)
      }
    })
  }

  async close(): Promise<void> {
    await this.#changes
    const partitions = this.all().flatMap((topic) => topic.partitions)
    const closed = await Promise.allSettled(partitions.map((partition) => partition.close()))
    for (const result of closed)
      if (result.status === 'rejected') throw fileError(result.reason, this.#root)
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#changes.then(work)
    this.#changes = done.catch(() => {})
    return done
  }
}

async function readTopicFile(directory: string): Promise<TopicFile & { readonly id: string }> {
  const path = join(directory, 'topic.json')
  const bytes = await readIfThere(path)
  try {
    if (bytes === undefined) throw new Error('the file is missing')
    const file = JSON.parse(bytes.toString('utf8')) as TopicFile
    if (file.id !== undefined) return { ...file, id: file.id }
    const named = { ...file, id: randomUUID() }
    await replaceFile(path, JSON.stringify(named), true)
    return named
  } catch (cause) {
    if (cause instanceof EuphorionError) throw cause
    throw new EuphorionError('LOG_CORRUPT', `${path} cannot be read`, { cause, place: { path } })
  }
}

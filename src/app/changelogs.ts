// The changelog topics of an app, as its tasks see them. Made by the engine when it starts.
import { eachRow, ROW_DELETE, ROW_HEADER_BYTES } from '../batch/rows.ts'
import type { ChangelogKernels } from '../kernel/changelog/kernels.ts'
import type { TopicInfo } from '../log/log.ts'
import type { Plant } from '../plants.ts'
import type { Settings } from '../settings.ts'
import { type ChangelogWriter, changelogWriter } from '../table/changelog.ts'
import { CHANGELOG_BATCH_BYTES_MAX } from '../table/changelog_topics.ts'

export interface ChangelogsOptions {
  readonly settings: Settings
  readonly kernels: ChangelogKernels
  /** By table. */
  readonly topics: ReadonlyMap<string, TopicInfo>
  readonly plants?: ReadonlySet<Plant> | undefined
}

export class Changelogs {
  readonly #options: ChangelogsOptions

  constructor(options: ChangelogsOptions) {
    this.#options = options
  }

  topic(table: string): string {
    return this.#options.topics.get(table)!.name
  }

  /** Undefined where the log has no ids. */
  topicId(table: string): string | undefined {
    return this.#options.topics.get(table)?.id
  }

  /** `number`: that of the table in the store. */
  writer(number: number): ChangelogWriter {
    const { settings, kernels } = this.#options
    const writer = changelogWriter({
      table: number,
      compression: settings.changelogCompression,
      batchBytesMax: CHANGELOG_BATCH_BYTES_MAX,
      kernels,
    })
    return this.has('tombstones-lost') ? withoutDeletes(writer) : writer
  }

  has(plant: Plant): boolean {
    return this.#options.plants?.has(plant) === true
  }
}

/** As a planted bug would have it. */
function withoutDeletes(writer: ChangelogWriter): ChangelogWriter {
  return {
    async add(rows) {
      const puts: Uint8Array[] = []
      eachRow(rows, (op, keyStart, _keyEnd, valueEnd) => {
        if (op !== ROW_DELETE) puts.push(rows.slice(keyStart - ROW_HEADER_BYTES, valueEnd))
      })
      for (const put of puts) await writer.add(put)
    },
    finish: (meta, nowMs) => writer.finish(meta, nowMs),
    drop: () => writer.drop(),
    close: () => writer.close(),
  }
}

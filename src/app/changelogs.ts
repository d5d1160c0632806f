// The changelog topics of an app's tables, as its tasks see them. Made by the engine when it starts.
import type { ChangelogKernels } from '../kernel/changelog/kernels.ts'
import type { TopicInfo } from '../log/log.ts'
import type { Settings } from '../settings.ts'
import { type ChangelogWriter, changelogWriter } from '../table/changelog.ts'

export interface ChangelogsOptions {
  readonly settings: Settings
  readonly kernels: ChangelogKernels
  /** By table. */
  readonly topics: ReadonlyMap<string, TopicInfo>
}

/** What brokers take by default is 1 MiB, and a batch is little slower than many. */
const BATCH_BYTES_MAX = 512 * 1024

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
    return changelogWriter({
      table: number,
      compression: settings.changelogCompression,
      batchBytesMax: BATCH_BYTES_MAX,
      kernels,
    })
  }
}

// Several topics with the same types, by their names or by a pattern: what an agent reads that is
// to read them all. Made by app.topic([…]) and app.topic(/…/).
import { EuphorionError } from '../errors.ts'
import type { ManyStored, RecordMetadata } from '../ingest/receipt.ts'
import type { FieldMap } from '../record/fields.ts'
import { Topic, type TopicOptions, type TopicPort } from './topic.ts'

/** Names of topics, or a regular expression that a name has to match somewhere. */
export type TopicNames = readonly string[] | RegExp

/** For agents only: nothing can be sent to several topics, nor aggregated of them. */
export class TopicSet<K, V, Fields extends FieldMap = FieldMap> extends Topic<K, V, Fields> {
  /** Undefined: whichever match. */
  readonly names: readonly string[] | undefined
  readonly #pattern: RegExp | undefined

  /** Throws APP_INVALID for no names, or one that comes twice. */
  constructor(names: TopicNames, options: TopicOptions<K, V>, port: TopicPort) {
    super(labelOf(names), options, port, 'of many')
    if (names instanceof RegExp) {
      // with these it would remember where it found the last one
      this.#pattern = new RegExp(names.source, names.flags.replace(/[gy]/g, ''))
      return
    }
    if (names.length === 0 || new Set(names).size < names.length)
      throw new EuphorionError('APP_INVALID', 'a list of topics has no name, or one of them twice')
    this.names = names
  }

  /** Whether a topic that is there, or comes, is one of them. */
  matches(name: string): boolean {
    return this.#pattern?.test(name) ?? this.names?.includes(name) ?? false
  }

  override send(): Promise<RecordMetadata> {
    return Promise.reject(this.#many())
  }

  override sendMany(): Promise<ManyStored> {
    return Promise.reject(this.#many())
  }

  override sendBytes(): Promise<RecordMetadata> {
    return Promise.reject(this.#many())
  }

  #many(): EuphorionError {
    const message = `${this.name} is several topics: send to one of them by its name`
    return new EuphorionError('APP_INVALID', message, { place: { topic: this.name } })
  }
}

function labelOf(names: TopicNames): string {
  return names instanceof RegExp ? String(names) : names.join(',')
}

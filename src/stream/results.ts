// What a declared aggregation gives the program: its table to read, and its results as streams to
// topics. Made by app.stream(…)…aggregate(…); the engine fills the tables and calls the outputs.
import type {
  LateOutput,
  RangeQuery,
  ReadOptions,
  ResultOutput,
  ResultRow,
  TableReader,
} from '../ingest/aggregation.ts'
import { rejectedRecord } from '../ingest/dead_letter.ts'
import { resultJson } from '../table/result.ts'
import type { HandleOf } from './aggregation.ts'
import type { Topic } from './topic.ts'

/** Lets `aggregate` return a ResultTable of its key and row. */
export interface ResultHandle extends HandleOf {
  readonly handle: ResultTable<this['key'], this['row'], this['windowed']>
}

/**
 * Key of a result's message: with windows the bounds are part of it, so that compaction keeps each.
 */
export type ResultKey<Key, Windowed> = Windowed extends true
  ? { key: Key; start: number; end: number }
  : Key

export interface ResultTableOptions {
  readonly name: string
  /** The table while the app runs; throws QUERY_UNAVAILABLE. */
  readonly reader: () => TableReader
  readonly outputs: ResultOutput[]
  readonly late: LateOutput[]
}

/**
 * The table of an aggregation. Reads see the last cut and reject with QUERY_UNAVAILABLE unless the
 * app runs.
 */
export class ResultTable<Key, Row, Windowed> {
  readonly name: string
  readonly #options: ResultTableOptions

  /** Made by aggregate(). */
  constructor(options: ResultTableOptions) {
    this.name = options.name
    this.#options = options
  }

  /**
   * The row of the key, with windows that of its newest window; undefined where there is none.
   * Where another worker has the key's partition it is asked; rejects with TABLE_MOVING while
   * nobody has it, with QUERY_UNAVAILABLE where workers do not answer each other (setting web).
   */
  async get(key: Key, options?: ReadOptions): Promise<Row | undefined> {
    return (await this.#options.reader().get(key, options)) as Row | undefined
  }

  /** The rows of all windows of the key that hold the time `at` (ms), oldest first. As get(). */
  async windows(key: Key, options: ReadOptions & { readonly at: number }): Promise<Row[]> {
    return (await this.#options.reader().windows(key, options)) as Row[]
  }

  /** Rows of all partitions in the order of windows and then of keys; streamed. As get(). */
  range(query: RangeQuery<Key> = {}): AsyncIterable<Row> {
    return this.#options.reader().range(query) as AsyncIterable<Row>
  }

  [Symbol.asyncIterator](): AsyncIterator<Row> {
    return this.range()[Symbol.asyncIterator]()
  }

  /** Each changed row, once a cut. */
  changes(): ResultStream<Key, Row, Windowed> {
    return new ResultStream(this.#options.outputs, 'changes')
  }

  /** Each row once, when its window (and grace) is over; without windows there is none. */
  final(): ResultStream<Key, Row, Windowed> {
    return new ResultStream(this.#options.outputs, 'final')
  }

  /** The records that came after the end and grace of all of their windows. */
  late(): LateStream {
    return new LateStream(this.#options.late)
  }
}

/** Late records on their way to topics. They are counted whether somebody takes them or not. */
export class LateStream {
  readonly #outputs: LateOutput[]

  constructor(outputs: LateOutput[]) {
    this.#outputs = outputs
  }

  /**
   * Sends key, value, timestamp and headers as they are, with where the record was in the headers
   * of a dead letter (euphorion.topic, .partition, .offset). At least once.
   */
  to<K, V>(topic: Topic<K, V>): void {
    this.#outputs.push({
      topic: topic.name,
      send: (late, to) => {
        const { key, value, timestamp, headers } = rejectedRecord(late)
        return topic.sendBytes(key, value, { timestamp, headers }, to)
      },
    })
  }
}

/** Results on their way to topics. */
export class ResultStream<Key, Row, Windowed> {
  readonly #outputs: ResultOutput[]
  readonly #mode: 'changes' | 'final'

  constructor(outputs: ResultOutput[], mode: 'changes' | 'final') {
    this.#outputs = outputs
    this.#mode = mode
  }

  /**
   * Sends the rows to a topic, keyed by the row's key and window: as the topic's types write them,
   * or as JSON where it has none.
   */
  to(topic: Topic<Uint8Array | null, unknown>): void
  to(topic: Topic<ResultKey<Key, Windowed>, Row>): void
  to(topic: unknown): void {
    const target = topic as Topic<unknown, unknown>
    const { options, key, value } = target
    this.#outputs.push({
      mode: this.#mode,
      topic: target.name,
      send: (row, to) => {
        const rowKey = resultKey(row)
        return target.sendBytes(
          options.key === undefined ? jsonBytes(rowKey) : key.encode(rowKey),
          options.value === undefined ? jsonBytes(row) : value.encode(row),
          {},
          to,
        )
      },
    })
  }
}

function resultKey({ key, start, end }: ResultRow): unknown {
  return start === undefined ? key : { key, start, end }
}

function jsonBytes(value: unknown): Uint8Array {
  return Buffer.from(resultJson(value))
}

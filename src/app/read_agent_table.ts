// Reads an agents' table as rows { key, value }: of a running worker, or of the stores on disk
// without the program. Called by the engine and by whoever answers the command line.
import type { KeyCodec, RangeQuery, ResultRow, TableReader } from '../ingest/aggregation.ts'
import type { AggregationPlan } from '../kernel/plan.ts'
import { Bad } from '../record/bad.ts'
import { type Codec, codecOf, json, text } from '../record/codec.ts'
import type { TableDeclaration } from '../table/agent_definition.ts'
import type { AgentShape, TypeShape } from '../table/agent_shape.ts'
import { plainKey, type TablePart, tableEnd, tableStart } from '../table/cell.ts'
import { plainReader } from '../table/plain_reader.ts'
import { type StoredSet, setRange, setsOf } from '../table/set_rows.ts'
import { inOrder, rowsOf, windowRange } from '../table/window_rows.ts'

/** What a query needs to know of a table. */
export interface QueriedTable {
  /** That an aggregation reads. */
  readonly topic?: string
  readonly plan: Pick<AggregationPlan, 'name' | 'key' | 'columns'>
  readonly keys: KeyCodec
}

/** Keys are typed as their bytes are: text as it is, numbers and records as JSON. */
function queriedTable(name: string, codec: Codec<unknown>): QueriedTable {
  return {
    plan: { name, key: { from: 'record' }, columns: [] },
    keys: {
      encode: (key) => codec.encode(key) ?? new Uint8Array(0),
      decode: (bytes) => codec.decode(bytes),
    },
  }
}

export function queriedAgentTable({ name, keys }: TableDeclaration): QueriedTable {
  return queriedTable(name, keys.codec)
}

/** A table as its shape tells how to read it; `parts` are its stores. */
export function readStoredAgentTable(
  name: string,
  shape: AgentShape,
  parts: ReadonlyMap<number, TablePart>,
): QueriedTable & { readonly reader: TableReader } {
  const keys = codecOfShape(shape.key)
  const values = codecOfShape(shape.value)
  if (shape.isSet) return { ...queriedTable(name, keys), reader: storedSets(keys, values, parts) }
  if (shape.window !== undefined) {
    const reader = storedWindows(keys, values, shape.window, parts)
    return { ...queriedTable(name, keys), reader }
  }
  const find = async (key: unknown): Promise<ResultRow | undefined> => {
    const bytes = keys.encode(key) ?? new Uint8Array(0)
    for (const { store, number } of parts.values()) {
      const value = await store.get(plainKey(number, bytes))
      if (value !== undefined) return { key, value: values.decode(value) }
    }
    return undefined
  }
  async function* all(): AsyncGenerator<ResultRow, void> {
    for (const { store, number } of parts.values()) {
      const start = tableStart(number)
      for await (const [key, value] of store.scan({ gte: start, lt: tableEnd(number) }))
        yield { key: keys.decode(key.subarray(start.length)), value: values.decode(value) }
    }
  }
  return { ...queriedTable(name, keys), reader: plainReader(find, all) }
}

function storedSets(
  keys: Codec<unknown>,
  members: Codec<unknown>,
  parts: ReadonlyMap<number, TablePart>,
): TableReader {
  const setOf = ([key, found]: StoredSet): ResultRow => {
    return { key: keys.decode(key), value: found.map((member) => members.decode(member)) }
  }
  async function* all(): AsyncGenerator<ResultRow, void> {
    for (const { store, number } of parts.values()) {
      const range = { gte: tableStart(number), lt: tableEnd(number) }
      for await (const set of setsOf(store.scan(range))) yield setOf(set)
    }
  }
  const find = async (key: unknown): Promise<ResultRow | undefined> => {
    const bytes = keys.encode(key) ?? new Uint8Array(0)
    for (const { store, number } of parts.values()) {
      const [gte, lt] = setRange(number, bytes)
      for await (const set of setsOf(store.scan({ gte, lt }))) return setOf(set)
    }
    return undefined
  }
  return plainReader(find, all)
}

function storedWindows(
  keys: Codec<unknown>,
  values: Codec<unknown>,
  window: NonNullable<AgentShape['window']>,
  parts: ReadonlyMap<number, TablePart>,
): TableReader {
  async function* range({ from, to, key }: RangeQuery<unknown>): AsyncGenerator<ResultRow, void> {
    const wanted = key === undefined ? undefined : (keys.encode(key) ?? new Uint8Array(0))
    const sources = [...parts.values()].map(({ store, number }) => {
      const [gte, lt] = windowRange(number, from, to)
      return rowsOf(store.scan({ gte, lt }), wanted)
    })
    for await (const [keyBytes, value, start] of inOrder(sources)) {
      const row = { key: keys.decode(keyBytes), start, end: start + window.sizeMs }
      yield { ...row, value: values.decode(value) }
    }
  }
  const last = async (key: unknown): Promise<ResultRow | undefined> => {
    let found: ResultRow | undefined
    for await (const row of range({ key })) found = row
    return found
  }
  const windows = async (key: unknown, { at }: { readonly at: number }): Promise<ResultRow[]> => {
    const found: ResultRow[] = []
    for await (const row of range({ key, from: at - window.sizeMs + 1, to: at + 1 }))
      found.push(row)
    return found
  }
  return { get: last, windows, range }
}

/** What a codec has written of which only the name is known is shown as text, if it is some. */
function codecOfShape(shape: TypeShape): Codec<unknown> {
  if (!('codec' in shape)) return codecOf({ schema: shape } as Parameters<typeof codecOf>[0])
  return shape.codec === 'json' ? json() : printable
}

/** Bytes that nobody told the type of: text, or base64 where they are none. */
export const printable: Codec<unknown> = {
  name: 'bytes',
  encode: (key) => text().encode(key as string),
  decode(bytes) {
    const decoded = text().decode(bytes)
    return decoded instanceof Bad ? Buffer.from(bytes ?? []).toString('base64') : decoded
  },
}

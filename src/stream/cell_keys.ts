// The keys of a table of results, between the bytes of its cells and what rows and queries show.
// Made by aggregation.ts, used by the app's tables.
import { inspect } from 'node:util'
import { EuphorionError } from '../errors.ts'
import type { AggregationPlan, ColumnType } from '../kernel/plan.ts'
import { decodeCellKey, encodeCellKey, type KeyValue } from '../record/cell_key.ts'
import type { Codec } from '../record/codec.ts'
import { fitsColumn } from './columns.ts'

/** Turns the keys of cells into what rows show, and back for queries. */
export interface CellKeys {
  /** Throws RECORD_INVALID for a key of another type. */
  encode(key: unknown): Uint8Array
  /** `Bad` if the key of a record cannot be decoded by its topic's codec. */
  decode(bytes: Uint8Array): unknown
}

function refuseKey(table: string, expected: string, value: unknown): never {
  const shown = inspect(value, { depth: 1, maxStringLength: 60, breakLength: Infinity })
  throw new EuphorionError(
    'RECORD_INVALID',
    `key of ${table}: expected ${expected}, got ${shown}`,
    {
      place: { table },
    },
  )
}

function keyValue(table: string, name: string, type: ColumnType, value: unknown): KeyValue {
  if (!fitsColumn(type, value)) return refuseKey(table, `${name} of type ${type}`, value)
  return type === 'float32' ? Math.fround(Number(value)) : (value as KeyValue)
}

/** Keys of a plan's cells: by its key columns, or by the codec of the topic's keys. */
export function cellKeys(plan: AggregationPlan, recordKey: Codec<unknown>): CellKeys {
  if (plan.key.from === 'record')
    return {
      encode: (key) => recordKey.encode(key) ?? refuseKey(plan.name, 'a key', key),
      decode: (bytes) => recordKey.decode(bytes),
    }
  const columns = plan.key.columns.map((index) => plan.columns[index])
  const names = columns.map(({ path }) => path[0])
  const types = columns.map(({ type }) => type)
  return {
    encode(key) {
      const parts = names.map((name) =>
        names.length === 1 ? key : (key as Record<string, unknown> | null | undefined)?.[name],
      )
      const values = parts.map((part, at) => keyValue(plan.name, names[at], types[at], part))
      return encodeCellKey(types, values)
    },
    decode(bytes) {
      const values = decodeCellKey(types, bytes)
      if (names.length === 1) return values[0]
      return Object.fromEntries(names.map((name, at) => [name, values[at]]))
    },
  }
}

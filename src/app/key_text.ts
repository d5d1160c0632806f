// Keys of tables as people type them: '/home', '42', '{"url":"/home","user":"u1"}'. Called by
// whoever answers queries of the command line.
import { EuphorionError } from '../errors.ts'
import type { KeyCodec } from '../ingest/aggregation.ts'
import type { AggregationPlan, ColumnType } from '../kernel/plan.ts'
import { Bad } from '../record/bad.ts'

type KeyPlan = Pick<AggregationPlan, 'name' | 'key' | 'columns'>

/**
 * The key that the text means: of one string field the text itself, of another type its JSON, of
 * several fields a JSON object (an int64 beyond 2^53 in quotes); a record's key as its topic reads
 * it. Throws USAGE.
 */
export function parseKey(plan: KeyPlan, keys: KeyCodec, text: string): unknown {
  if (plan.key.from === 'record') {
    const key = keys.decode(Buffer.from(text))
    return key instanceof Bad ? refuse(plan, text, key.reason) : key
  }
  const columns = plan.key.columns.map((index) => plan.columns[index])
  if (columns.length === 1) return parsePart(plan, columns[0].type, text)
  const parts = parseJson(plan, text)
  if (typeof parts !== 'object' || parts === null) return refuse(plan, text, 'it is no object')
  return Object.fromEntries(
    columns.map(({ path: [name], type }) => {
      const part = (parts as Record<string, unknown>)[name]
      if (part === undefined) return refuse(plan, text, `it has no ${name}`)
      return [name, type === 'int64' ? parsePart(plan, type, String(part)) : part]
    }),
  )
}

function parsePart(plan: KeyPlan, type: ColumnType, text: string): unknown {
  if (type === 'string') return text
  if (type !== 'int64') return parseJson(plan, text)
  return /^-?\d+$/.test(text) ? BigInt(text) : refuse(plan, text, 'it is no whole number')
}

function parseJson(plan: KeyPlan, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return refuse(plan, text, 'it is no JSON')
  }
}

function refuse(plan: KeyPlan, text: string, why: string): never {
  throw new EuphorionError('USAGE', `'${text}' is no key of ${plan.name}: ${why}`)
}

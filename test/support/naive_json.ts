// Reads the declared fields of a JSON value for the naive reference: JSON.parse decides what is
// JSON, and a small walk over the text keeps the digits of numbers. Shares nothing with src/record.
import type { Reason } from '../../src/kernel/plan.ts'
import type { FieldSchema } from '../../src/record/schema.ts'

/** Values as events hold them; records and maps as Map. */
export type Json = string | number | bigint | boolean | null | readonly Json[] | Map<string, Json>

class NumberToken {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

type Raw = string | NumberToken | boolean | null | readonly Raw[] | Map<string, Raw>

class Fault {
  readonly reason: Reason
  constructor(reason: Reason) {
    this.reason = reason
  }
}

const TOKEN = /\s*("(?:[^"\\]|\\.)*"|[-+.0-9eE]+|true|false|null|[[\]{},:])/y

/** `text` is JSON for certain. */
function readRaw(text: string): Raw {
  TOKEN.lastIndex = 0
  const next = (): string => TOKEN.exec(text)![1]
  const value = (token: string): Raw => {
    if (token === '{') {
      const members = new Map<string, Raw>()
      for (let name = next(); name !== '}'; name = next()) {
        if (name === ',') continue
        next()
        members.set(JSON.parse(name) as string, value(next()))
      }
      return members
    }
    if (token === '[') {
      const items: Raw[] = []
      for (let item = next(); item !== ']'; item = next()) if (item !== ',') items.push(value(item))
      return items
    }
    if (token[0] === '"' || 'tfn'.includes(token[0])) return JSON.parse(token)
    return new NumberToken(token)
  }
  return value(next())
}

function wholeNumber(token: string): bigint | undefined {
  const [mantissa, exponent = '0'] = token.toLowerCase().split('e')
  const [whole, fraction = ''] = mantissa.split('.')
  const digits = BigInt((whole + fraction).replace('-', ''))
  if (digits === 0n) return 0n
  const power = Number(exponent) - fraction.length
  if (power > 40 || power < -5000) return undefined
  const divisor = 10n ** BigInt(Math.max(0, -power))
  if (digits % divisor !== 0n) return undefined
  const size = (digits * 10n ** BigInt(Math.max(0, power))) / divisor
  const value = whole.startsWith('-') ? -size : size
  return BigInt.asIntN(64, value) === value ? value : undefined
}

const TIME =
  /^(\d{4})-(\d\d)-(\d\d)(?:T([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d+))?)?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)?)?$/

function milliseconds(text: string): number {
  const parts = TIME.exec(text)
  if (parts === null) return Number.NaN
  const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = ''] = parts
  const date = new Date(`${year}-${month}-01T00:00:00Z`)
  date.setUTCDate(Number(day))
  if (date.getUTCMonth() !== Number(month) - 1 || day === '00') return Number.NaN
  const time = `${hour}:${minute}:${second}.${fraction.padEnd(3, '0').slice(0, 3)}`
  return Date.parse(`${year}-${month}-${day}T${time}${parts[8] ?? 'Z'}`)
}

function scalar(type: FieldSchema['type'], raw: Raw): Json | undefined {
  const number = raw instanceof NumberToken ? Number(raw.text) : undefined
  const text = typeof raw === 'string' ? raw : undefined
  if (type === 'boolean') return typeof raw === 'boolean' ? raw : undefined
  if (type === 'string') return text
  if (type === 'float64') return number
  if (type === 'float32') return number === undefined ? undefined : Math.fround(number)
  if (type === 'integer') return Number.isSafeInteger(number) ? number : undefined
  if (type === 'int64') return raw instanceof NumberToken ? wholeNumber(raw.text) : undefined
  if (type === 'bytes')
    return text !== undefined && Buffer.from(text, 'base64').toString('base64') === text
      ? text
      : undefined
  if (type === 'decimal') {
    const digits = raw instanceof NumberToken ? raw.text : text
    return digits !== undefined && /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(digits)
      ? digits
      : undefined
  }
  const ms = text === undefined ? number : milliseconds(text)
  if (type === 'date')
    return ms !== undefined && !Number.isNaN(new Date(ms).getTime()) && Number.isInteger(ms)
      ? ms
      : undefined
  return Number.isSafeInteger(ms) ? ms : undefined
}

function convert(schema: FieldSchema, raw: Raw): Json {
  if (raw === null && schema.nullable) return null
  if (schema.type === 'record') return recordOf(schema.fields, raw)
  if (schema.type === 'array') {
    if (!Array.isArray(raw)) throw new Fault('wrong-type')
    return raw.map((item) => convert(schema.items, item))
  }
  if (schema.type === 'map') {
    if (!(raw instanceof Map)) throw new Fault('wrong-type')
    return new Map([...raw].map(([name, value]) => [name, convert(schema.values, value)]))
  }
  if (schema.type === 'literal') {
    const plain = raw instanceof NumberToken ? Number(raw.text) : raw
    if (!schema.values.includes(plain as string)) throw new Fault('wrong-type')
    return plain as Json
  }
  if (schema.type === 'union') {
    for (const member of schema.members) {
      try {
        return convert(member, raw)
      } catch (fault) {
        if (!(fault instanceof Fault)) throw fault
      }
    }
    throw new Fault('wrong-type')
  }
  const value = scalar(schema.type, raw)
  if (value === undefined) throw new Fault('wrong-type')
  return value
}

function recordOf(fields: readonly (readonly [string, FieldSchema])[], raw: Raw): Json {
  if (!(raw instanceof Map)) throw new Fault('wrong-type')
  const out = new Map<string, Json>()
  for (const [name, schema] of fields) {
    const value = raw.get(name)
    if (value !== undefined) out.set(name, convert(schema, value))
    else if (!schema.optional) throw new Fault('missing-field')
  }
  return out
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The value's declared fields, or as `{ reason }` why the record is bad. */
export function readJson(schema: FieldSchema, bytes: Uint8Array): Json | { reason: Reason } {
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    return { reason: 'invalid-utf8' }
  }
  try {
    JSON.parse(text)
  } catch {
    return { reason: 'invalid-json' }
  }
  const raw = readRaw(text)
  if (schema.type === 'record' && !(raw instanceof Map) && !(raw === null && schema.nullable))
    return { reason: 'not-an-object' }
  try {
    return convert(schema, raw)
  } catch (fault) {
    if (fault instanceof Fault) return { reason: fault.reason }
    throw fault
  }
}

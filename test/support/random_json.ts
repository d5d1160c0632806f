// Writes events as JSON text in every notation that JSON allows: escapes, exponents, spaces,
// shuffled and duplicate and undeclared fields. For tests of what reads JSON.
import type { Random } from '../../src/clock.ts'
import type { FieldSchema, RecordSchema } from '../../src/record/schema.ts'

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)]
}

export function below(random: Random, limit: number): number {
  return Math.floor(random() * limit)
}

const escapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '/': '\\/',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}

/** A JSON string; characters that need no escape get one now and then. */
export function stringText(text: string, random: Random): string {
  const escapeRate = pick(random, [0, 0, 0.2, 1])
  let out = '"'
  for (let at = 0; at < text.length; at++) {
    const unit = text[at]
    const code = text.charCodeAt(at)
    const surrogate = code >= 0xd800 && code <= 0xdfff
    const pair = surrogate && code < 0xdc00 && /^[\udc00-\udfff]/.test(text.slice(at + 1))
    const must = unit === '"' || unit === '\\' || code < 32 || (surrogate && !pair)
    if (must || random() < escapeRate) {
      const short = escapes[unit]
      const hex = code.toString(16).padStart(4, '0')
      out += short && random() < 0.7 ? short : `\\u${random() < 0.5 ? hex : hex.toUpperCase()}`
    } else if (pair) {
      out += unit + text[++at]
    } else out += unit
  }
  return `${out}"`
}

/** Other texts of the same decimal number. */
function notation(digits: string, power: number, random: Random): string {
  const sign = digits.startsWith('-') ? '-' : ''
  const plain = sign ? digits.slice(1) : digits
  const mark = pick(random, ['e', 'E'])
  const exponent = (value: number): string =>
    `${mark}${value < 0 ? '-' : pick(random, ['', '+'])}${pick(random, ['', '0'])}${Math.abs(value)}`
  if (random() < 0.3 || plain === '0') return `${sign}${plain}${exponent(power)}`
  const zeros = '0'.repeat(below(random, 3))
  return `${sign}${plain[0]}.${plain.slice(1)}${zeros}0${exponent(power + plain.length - 1)}`
}

/** A JSON number that JSON.parse makes the same double of. */
export function numberText(value: number, random: Random): string {
  if (!Number.isFinite(value)) return value > 0 ? '1e999' : '-1e999'
  if (Object.is(value, -0)) return pick(random, ['-0', '-0.0', '-0e5', '-0E-2', '-0.00e+1'])
  const plain = String(value)
  const form = random()
  if (form < 0.5) return plain
  if (form < 0.6) return value.toExponential()
  if (form < 0.7) return /[.e]/.test(plain) ? plain : `${plain}.0`
  if (form < 0.8 && Math.abs(value) < 1e20 && Number.isInteger(value)) return value.toFixed(3)
  if (form < 0.85) return value.toPrecision(21)
  if (value === 0) return plain
  const [mantissa, exponent = '0'] = value.toExponential().split('e')
  const [whole, fraction = ''] = mantissa.split('.')
  return notation(whole + fraction, Number(exponent) - fraction.length, random)
}

function int64Text(value: bigint, random: Random): string {
  const plain = String(value)
  if (random() < 0.6) return plain
  if (random() < 0.3) return `${plain}.00`
  const digits = plain.replace(/(?<=\d)0+$/, '')
  return notation(digits, plain.length - digits.length, random)
}

function timeText(value: number, random: Random): string {
  if (random() < 0.7 || Math.abs(value) > 8e15) return numberText(value, random)
  const iso = new Date(value).toISOString()
  if (!/^\d{4}-/.test(iso)) return String(value)
  return stringText(
    random() < 0.5 ? iso : iso.replace('Z', pick(random, ['+00:00', '', '456Z'])),
    random,
  )
}

const spaces = ['', '', '', ' ', '\n\t', '\r  ']

/** Any JSON value, of no meaning. */
export function junkText(random: Random, depth = 2): string {
  const kind = below(random, depth > 0 ? 8 : 5)
  if (kind === 0) return numberText(random() * 1e6, random)
  if (kind === 1) return pick(random, ['true', 'false', 'null'])
  if (kind < 5) return stringText(pick(random, ['', '{"', '}],:', '\\"\\', 'é😀', 'x']), random)
  const parts = Array.from({ length: below(random, 3) }, () => junkText(random, depth - 1))
  if (kind === 5) return `[${parts.join(pick(random, [',', ' , ']))}]`
  return `{${parts.map((part, at) => `"${'k'.repeat(at)}":${part}`).join(',')}}`
}

/** Another good value of the field, for a duplicate that must be forgotten. */
function staleText(field: FieldSchema): string {
  if (field.type === 'record') {
    const members = field.fields.map(
      ([name, inner]) => `${JSON.stringify(name)}:${staleText(inner)}`,
    )
    return `{${members.join(',')}}`
  }
  if (field.type === 'string') return '"stale"'
  if (field.type === 'array') return '[77]'
  if (field.type === 'map') return '{"stale":"stale"}'
  return field.type === 'boolean' ? 'true' : '77'
}

/** How the text of one record may be spoilt. */
export interface TextOverrides {
  /** Text instead of that of a field; null leaves the field out. */
  readonly fields?: ReadonlyMap<string, string | null>
  /** No undeclared and duplicate fields and no spaces. */
  readonly plain?: boolean
}

function recordText(
  schema: RecordSchema,
  event: Readonly<Record<string, unknown>>,
  random: Random,
  overrides: TextOverrides,
): string {
  const members: [name: string, value: string][] = []
  for (const [name, field] of schema.fields) {
    const given = overrides.fields?.get(name)
    if (given === null || (given === undefined && event[name] === undefined)) continue
    members.push([name, given ?? jsonText(field, event[name], random, { plain: overrides.plain })])
  }
  if (!overrides.plain) {
    if (random() < 0.3) members.sort(() => random() - 0.5)
    if (random() < 0.2) {
      const name = pick(random, ['extra', 'toString', '__proto__', '', 'é'])
      members.splice(below(random, members.length + 1), 0, [name, junkText(random)])
    }
    // The last of a name wins: whatever comes before it must not matter.
    if (random() < 0.1 && members.length > 0)
      members.unshift([pick(random, members)[0], junkText(random)])
    if (random() < 0.2) {
      const [name, field] = pick(random, schema.fields)
      if (members.some(([member]) => member === name)) members.unshift([name, staleText(field)])
    }
  }
  const gap = overrides.plain ? '' : pick(random, spaces)
  const parts = members.map(
    ([name, value]) =>
      `${gap}${overrides.plain ? JSON.stringify(name) : stringText(name, random)}${gap}:${gap}${value}${gap}`,
  )
  return `{${parts.join(',') || gap}}`
}

/** JSON text that decodes to `event` under the schema. Undefined fields are left out. */
export function jsonText(
  schema: FieldSchema,
  event: unknown,
  random: Random,
  overrides: TextOverrides = {},
): string {
  if (event === null) return 'null'
  switch (schema.type) {
    case 'record':
      return recordText(schema, event as Record<string, unknown>, random, overrides)
    case 'array':
      return `[${(event as unknown[]).map((item) => jsonText(schema.items, item, random)).join(',')}]`
    case 'map': {
      const members = Object.entries(event as Record<string, unknown>)
      const parts = members.map(
        ([name, value]) =>
          `${stringText(name, random)}:${jsonText(schema.values, value, random, overrides)}`,
      )
      return `{${parts.join(',')}}`
    }
    case 'int64':
      return int64Text(event as bigint, random)
    case 'timestamp':
      return timeText(event as number, random)
    case 'string':
      return stringText(event as string, random)
    default:
      return typeof event === 'number' ? numberText(event, random) : JSON.stringify(event)
  }
}

// Events of a declared record made from what a kernel has read: one compiled loop a record type,
// one literal an event. What the codec would have made of the same bytes. Used by chunks that were
// extracted.
import type { ExtractedRows } from '../kernel/extract/extracted_rows.ts'
import { noText, viewedFrom } from '../kernel/extract/rows_text.ts'
import type { FieldSchema, RecordSchema } from '../record/schema.ts'
import type { BatchColumn, BatchShape } from './batch_shape.ts'

/** The values of rows `from` up to `to`. */
export type MakeValues = (rows: ExtractedRows, from: number, to: number) => unknown[]

/** The whole events of rows that have text as keys, and no headers. */
export type MakeEvents = (
  rows: ExtractedRows,
  from: number,
  to: number,
  topic: string,
  partition: number,
) => unknown[]

export interface RowMakers {
  readonly values: MakeValues
  readonly events: MakeEvents
}

/** Undefined where columns do not say everything. */
export function compileRows({ schema, columns }: BatchShape): RowMakers | undefined {
  if (schema === undefined) return undefined
  const source = new RowSource(columns)
  const value = source.record(schema, [])
  if (value === undefined) return undefined
  const { reads, steps } = source
  const key = `keys[2 * row + 1] === ${noText} ? null : ${string('keys')}`
  const rest = 'topic, partition, offset: offsets[row], timestamp: timestamps[row], headers: none'
  const event = `{ key: ${key}, value, ${rest} }`
  const eventReads = ['const { keys, offsets, timestamps } = rows', ...reads]
  const values = loop('rows, from, to', reads, steps, value)
  const valueSteps = [...steps, `const value = ${value}`]
  const events = loop('rows, from, to, topic, partition', eventReads, valueSteps, event)
  return new Function('none', `return { values: ${values}, events: ${events} }`)(noHeaders)
}

const noHeaders: readonly never[] = []

function loop(
  parameters: string,
  reads: readonly string[],
  steps: readonly string[],
  made: string,
): string {
  return `(${parameters}) => {
    ${reads.join('\n    ')}
    const { text } = rows
    const base = rows.textAt(from)
    const whole = text.latin1(base, rows.textAt(to))
    const made = new Array(to - from)
    for (let row = from; row < to; row++) {
      ${steps.join('\n      ')}
      made[row - from] = ${made}
    }
    return made
  }`
}

/** Of the string that a row of spans names. */
function string(spans: string): string {
  const at = `${spans}[2 * row]`
  const length = `${spans}[2 * row + 1]`
  const short = `whole.substring(${at} - base, ${at} - base + ${length})`
  return `(${length} < ${viewedFrom} ? ${short} : text.read(${at}, ${length}))`
}

/** Collects the source of a row's value. */
class RowSource {
  readonly #columns: readonly BatchColumn[]
  /** Done once, before the rows. */
  readonly reads: string[] = []
  /** Done for each row, before its value is there. */
  steps: string[] = []
  #names = 0

  constructor(columns: readonly BatchColumn[]) {
    this.#columns = columns
  }

  /**
   * An expression: a literal up to the first optional field, and assignments behind it, so that
   * the declared order stays.
   */
  record(schema: RecordSchema, parent: readonly string[]): string | undefined {
    const fields: string[] = []
    let made: string | undefined
    for (const [name, field] of schema.fields) {
      const { optional, nullable } = field
      const path = [...parent, name]
      const mark = optional || nullable ? this.#mark(field, path) : ''
      const value = mark === undefined ? undefined : this.#value(field, path, mark)
      if (value === undefined) return undefined
      const key = JSON.stringify(name)
      if (optional && made === undefined) {
        made = `r${this.#names++}`
        this.steps.push(`const ${made} = { ${fields.join(', ')} }`)
      }
      if (made === undefined) fields.push(`${key}: ${value}`)
      else {
        const isThere = nullable ? `${mark} !== 0` : `${mark} === 1`
        this.steps.push(`${optional ? `if (${isThere}) ` : ''}${made}[${key}] = ${value}`)
      }
    }
    return made ?? `{ ${fields.join(', ')} }`
  }

  #value(field: FieldSchema, path: readonly string[], mark: string): string | undefined {
    if (field.type !== 'record') {
      const value = this.#column(path)
      return field.nullable && value !== undefined ? `(${mark} === 1 ? ${value} : null)` : value
    }
    if (mark === '') return this.record(field, path)
    const outer = this.steps
    this.steps = []
    const value = this.record(field, path)
    const inner = this.steps
    this.steps = outer
    const made = `r${this.#names++}`
    outer.push(`let ${made} = null`, `if (${mark} === 1) {`, ...inner, `${made} = ${value}`, '}')
    return value && made
  }

  /** What tells whether the field is there; undefined where nothing does. */
  #mark(field: FieldSchema, path: readonly string[]): string | undefined {
    if (field.type !== 'record') return this.#read(path, 'marks')
    // an absent one and one that is null look the same from inside
    if (field.optional && field.nullable) return undefined
    const needed = field.fields.find(([name, { optional, nullable, type }]) => {
      if (optional || nullable) return false
      return type === 'record' || this.#indexOf([...path, name]) >= 0
    })
    return needed && this.#mark(needed[1], [...path, needed[0]])
  }

  #column(path: readonly string[]): string | undefined {
    const type = this.#columns[this.#indexOf(path)]?.type
    const value = this.#read(path, 'stored')
    if (type === 'boolean') return `${value} !== 0`
    return type === 'string' ? string(`stored${this.#indexOf(path)}`) : value
  }

  /** The number that the row has there. */
  #read(path: readonly string[], what: 'stored' | 'marks'): string | undefined {
    const index = this.#indexOf(path)
    if (index < 0) return undefined
    const read = `const ${what}${index} = rows.${what}(${index})`
    if (!this.reads.includes(read)) this.reads.push(read)
    return `${what}${index}[row]`
  }

  #indexOf(path: readonly string[]): number {
    return this.#columns.findIndex(
      (column) =>
        column.path.length === path.length && column.path.every((part, i) => part === path[i]),
    )
  }
}

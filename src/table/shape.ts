// The shape of a table as one line of JSON: what its bytes in a store mean. Stored beside the
// table's number (meta.ts), compared when a program opens it, and all that is needed to read the
// store without the program. Grace and retention may change without changing what is stored, so
// they are not in it.
import type { AggregationPlan } from '../kernel/plan.ts'
import { type StateField, type StateLayout, stateKinds, stateLayout } from '../kernel/state.ts'

export interface TableShape {
  /** Types of the key's parts, in words of whoever encodes keys. */
  readonly key: readonly string[]
  /** Undefined for a table without windows. */
  readonly window: { readonly sizeMs: number; readonly stepMs: number } | undefined
  readonly layout: StateLayout
}

type StoredField = Pick<StateField, 'name' | 'kind' | 'type'>

interface StoredShape {
  readonly key: readonly string[]
  readonly window?: { readonly sizeMs: number; readonly stepMs: number }
  readonly fields: readonly StoredField[]
}

export function writeShape(key: readonly string[], plan: AggregationPlan): string {
  const { window } = plan
  const fields = stateLayout(plan).fields.map(({ name, kind, type }) => ({ name, kind, type }))
  const stored: StoredShape = {
    key,
    window: window && { sizeMs: window.sizeMs, stepMs: window.stepMs },
    fields,
  }
  return JSON.stringify(stored)
}

export function readShape(text: string): TableShape {
  const { key, window, fields } = JSON.parse(text) as StoredShape
  let offset = 0
  const laid = fields.map(({ name, kind, type }, column): StateField => {
    const field = { name, kind, type, column, offset }
    offset += stateKinds[kind].bytes
    return field
  })
  return { key, window, layout: { fields: laid, bytes: offset } }
}

// The record type of the events that benches make. Used by bench runs.
import { float64, string, timestamp } from '../record/fields.ts'
import { type RecordType, record } from '../record/record.ts'

export const PageView = record('PageView', {
  user: string(),
  url: string(),
  ms: float64(),
  ts: timestamp(),
})

type FieldsOf<R> = R extends RecordType<infer Fields> ? Fields : never

export type PageViewFields = FieldsOf<typeof PageView>

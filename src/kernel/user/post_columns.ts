// Columns on their way to a thread: shared ones go as they are, of others a copy is given away, so
// that the caller keeps his. Called by kernels that run in the pool.
import type { ColumnArray } from './column_types.ts'

export interface PostedColumns<C> {
  readonly columns: C
  /** For JobOptions. */
  readonly transfer: readonly ArrayBuffer[]
}

/** One copy, of the column's values only, whatever the buffer behind it holds besides. */
export function postColumns<C extends Readonly<Record<string, ColumnArray>>>(
  columns: C,
): PostedColumns<C> {
  const transfer: ArrayBuffer[] = []
  const posted = Object.entries(columns).map(([name, column]) => {
    if (isShared(column)) return [name, column] as const
    const copy = column.slice()
    transfer.push(copy.buffer as ArrayBuffer)
    return [name, copy] as const
  })
  return { columns: Object.fromEntries(posted) as unknown as C, transfer }
}

/** Do all threads see what is written into it? */
export function isShared(column: ColumnArray): boolean {
  return column.buffer instanceof SharedArrayBuffer
}

/** Buffers of results that can be given away with an answer: each once, none that is shared. */
export function transfersOf(values: readonly unknown[]): ArrayBuffer[] {
  const buffers = values.flatMap((value) => {
    return ArrayBuffer.isView(value) && value.buffer instanceof ArrayBuffer ? [value.buffer] : []
  })
  return [...new Set(buffers)]
}

// Packs rows of an agents' table (batch/rows.ts) one behind the other, keys and values straight
// into the buffer. Called by a cut, inside the barrier.
import { ROW_DELETE, ROW_HEADER_BYTES, ROW_PUT } from '../batch/rows.ts'
import { JsonBytes } from '../record/json_bytes.ts'
import type { RowKeys } from './agent_row_keys.ts'
import type { AgentRow } from './agent_rows.ts'
import type { ValueForm } from './agent_values.ts'
import { tableStart } from './cell.ts'

export class AgentRowPacker {
  readonly #keys: RowKeys
  readonly #values: ValueForm<unknown>
  readonly #head: Uint8Array
  readonly #rows: JsonBytes

  constructor(table: number, keys: RowKeys, values: ValueForm<unknown>, bytes: number) {
    this.#keys = keys
    this.#values = values
    this.#head = Buffer.concat([Buffer.alloc(ROW_HEADER_BYTES), tableStart(table)])
    this.#rows = new JsonBytes(bytes)
  }

  /** As it is now; without a value it is deleted. */
  add({ group, key, kept }: AgentRow): void {
    const rows = this.#rows
    const start = rows.at
    rows.raw(this.#head)
    this.#keys.write(rows, group, key)
    const keyEnd = rows.at
    if (kept !== undefined) this.#values.write(rows, kept)
    const keyBytes = keyEnd - start - ROW_HEADER_BYTES
    const valueBytes = rows.at - keyEnd
    const { bytes } = rows
    bytes[start] = kept === undefined ? ROW_DELETE : ROW_PUT
    bytes[start + 2] = keyBytes
    bytes[start + 3] = keyBytes >>> 8
    bytes[start + 4] = valueBytes
    bytes[start + 5] = valueBytes >>> 8
    bytes[start + 6] = valueBytes >>> 16
    bytes[start + 7] = valueBytes >>> 24
  }

  /** Appends rows that are packed. */
  addPacked(rows: Uint8Array): void {
    this.#rows.raw(rows)
  }

  get rows(): Uint8Array {
    return this.#rows.bytes.subarray(0, this.#rows.at)
  }
}

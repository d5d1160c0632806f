// What the kernels ask of the host: the rare cases for which the engine or record/ has the one
// answer. Every thread that instantiates the kernels makes its own.
import type { WasmImports, WasmMemory } from '../batch/wasm.ts'
import { Bad } from '../record/bad.ts'
import { decodeJson } from '../record/json.ts'
import { parseTimestamp } from '../record/scalar_text.ts'
import type { FieldSchema } from '../record/schema.ts'
import { reasons } from './plan.ts'
import { blockText } from './schema_block.ts'

/** Schemas of checked fields that are kept parsed; each plan has one entry. */
const schemasMax = 256

/** The imports of the kernels over `memory`. */
export function kernelImports(memory: WasmMemory): WasmImports {
  const schemas = new Map<number, readonly FieldSchema[]>()
  const bytes = (at: number, length: number) => Buffer.from(memory.buffer, at >>> 0, length)

  function schemasOf(block: number): readonly FieldSchema[] {
    const header = bytes(block, 32)
    const hash = header.readUIntLE(blockText.hash, blockText.hashBytes)
    const known = schemas.get(hash)
    if (known) return known
    const at = (block >>> 0) + header.readUInt32LE(blockText.at)
    const text = bytes(at, header.readUInt32LE(blockText.bytes)).toString()
    if (schemas.size >= schemasMax) schemas.clear()
    const parsed: readonly FieldSchema[] = JSON.parse(text)
    schemas.set(hash, parsed)
    return parsed
  }

  const env = {
    memory,
    abort(_message: number, _file: number, line: number, column: number): never {
      throw new Error(`kernel aborted at ${line}:${column}`)
    },
    /** The double nearest to a number token. */
    slowNumber: (at: number, length: number) => Number(bytes(at, length).toString('latin1')),
    /** Milliseconds of an ISO-8601 text, NaN if it is none. */
    slowTimestamp: (at: number, length: number) => parseTimestamp(bytes(at, length).toString()),
    /** Checks a JSON value against checked field `field` of the block; 0 or a reason. */
    checkField(block: number, field: number, at: number, length: number): number {
      const value = decodeJson(schemasOf(block)[field], bytes(at, length))
      return value instanceof Bad ? reasons[value.reason] : 0
    },
  }
  return { env }
}

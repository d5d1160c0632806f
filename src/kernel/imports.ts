// What the kernels ask of the host: the rare cases for which the engine or record/ has the one
// answer. Every thread that instantiates the kernels makes its own.
import type { WasmMemory } from '../batch/wasm.ts'
import type { FieldSchema } from '../record/schema.ts'
import { type Reason, reasons } from './plan.ts'
import { blockText } from './schema_block.ts'

/** Schemas of checked fields that are kept parsed; each plan has one entry. */
const schemasMax = 256

export interface FieldChecks {
  readonly checkJson: (schema: FieldSchema, value: unknown) => Reason | undefined
  readonly parseTimestamp: (text: string) => number
}

/** The `env` of the kernels' imports over `memory`, memory excepted. */
export function kernelImports(
  memory: WasmMemory,
  checks: FieldChecks,
): Readonly<Record<string, unknown>> {
  const schemas = new Map<number, readonly FieldSchema[]>()
  // The memory may have grown: its buffer is asked for each time.
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

  return {
    abort(_message: number, _file: number, line: number, column: number): never {
      throw new Error(`kernel aborted at ${line}:${column}`)
    },
    slowNumber: (at: number, length: number) => Number(bytes(at, length).toString('latin1')),
    slowTimestamp: (at: number, length: number) =>
      checks.parseTimestamp(bytes(at, length).toString()),
    checkField(block: number, field: number, at: number, length: number): number {
      // Invalid UTF-8 is replaced here; the kernel refuses the whole document later.
      const value: unknown = JSON.parse(bytes(at, length).toString())
      const reason = checks.checkJson(schemasOf(block)[field], value)
      return reason === undefined ? 0 : reasons[reason]
    },
  }
}

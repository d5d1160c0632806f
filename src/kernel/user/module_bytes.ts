// Reads from the bytes of a WebAssembly module what JavaScript's own reflection leaves out: how
// large the imported memory has to be, and where functions begin. Called for modules that were
// compiled here.

export interface ModuleImport {
  readonly module: string
  readonly name: string
  readonly kind: 'function' | 'table' | 'memory' | 'global' | 'tag'
  /** Pages that a memory needs to begin with. */
  readonly minimum?: number
}

const HEADER_BYTES = 8
const IMPORT_SECTION = 2
const CODE_SECTION = 10
const kinds = ['function', 'table', 'memory', 'global', 'tag'] as const

/** The imports of a valid module. */
export function moduleImports(bytes: Uint8Array): ModuleImport[] {
  const reader = section(bytes, IMPORT_SECTION)
  if (reader === undefined) return []
  return Array.from({ length: reader.number() }, () => readImport(reader))
}

/** From where to where the function goes whose code is at `offset`; nowhere if there is none. */
export function functionSpan(bytes: Uint8Array, offset: number): readonly [number, number] {
  const reader = section(bytes, CODE_SECTION)
  for (let left = reader?.number() ?? 0; left > 0 && reader !== undefined; left--) {
    const length = reader.number()
    const start = reader.at
    reader.at += length
    if (offset < reader.at) return offset < start ? [0, 0] : [start, reader.at]
  }
  return [0, 0]
}

/** At the beginning of the section's contents. */
function section(bytes: Uint8Array, wanted: number): Reader | undefined {
  const reader = new Reader(bytes, HEADER_BYTES)
  while (reader.at < bytes.length) {
    const id = reader.byte()
    const length = reader.number()
    if (id === wanted) return reader
    reader.at += length
  }
  return undefined
}

function readImport(reader: Reader): ModuleImport {
  const [module, name] = [reader.text(), reader.text()]
  const kind = kinds[reader.byte()]
  let minimum: number | undefined
  if (kind === 'function') reader.number()
  else if (kind === 'memory') minimum = readLimits(reader)
  else if (kind === 'table') {
    reader.byte()
    readLimits(reader)
  } else if (kind === 'global') reader.at += 2
  else {
    reader.byte()
    reader.number()
  }
  return { module, name, kind, minimum }
}

/** Skips them; the minimum. */
function readLimits(reader: Reader): number {
  const flags = reader.byte()
  const minimum = reader.number()
  if ((flags & 1) !== 0) reader.number()
  return minimum
}

class Reader {
  readonly #bytes: Uint8Array
  at: number

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    this.at = at
  }

  byte(): number {
    return this.#bytes[this.at++]
  }

  /** LEB128. */
  number(): number {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte()
      value += (byte & 127) * 2 ** shift
      if (byte < 128) return value
    }
  }

  text(): string {
    const length = this.number()
    this.at += length
    return Buffer.from(this.#bytes.subarray(this.at - length, this.at)).toString()
  }
}

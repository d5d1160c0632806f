// Writes the instructions of one WebAssembly function as bytes. Used by the emission.

const opcodes = {
  unreachable: [0x00],
  block: [0x02],
  loop: [0x03],
  if: [0x04],
  else: [0x05],
  end: [0x0b],
  br: [0x0c],
  br_if: [0x0d],
  br_table: [0x0e],
  return: [0x0f],
  call: [0x10],
  drop: [0x1a],
  select: [0x1b],
  'local.get': [0x20],
  'local.set': [0x21],
  'local.tee': [0x22],
  'global.get': [0x23],
  'global.set': [0x24],
  'i32.load': [0x28],
  'f32.load': [0x2a],
  'f64.load': [0x2b],
  'i32.load8_s': [0x2c],
  'i32.load8_u': [0x2d],
  'i32.load16_s': [0x2e],
  'i32.load16_u': [0x2f],
  'i64.load32_u': [0x35],
  'i32.store': [0x36],
  'f32.store': [0x38],
  'f64.store': [0x39],
  'i32.store8': [0x3a],
  'i32.store16': [0x3b],
  'memory.size': [0x3f, 0],
  'memory.grow': [0x40, 0],
  'i32.const': [0x41],
  'i64.const': [0x42],
  'f64.const': [0x44],
  'i32.eqz': [0x45],
  'i32.eq': [0x46],
  'i32.ne': [0x47],
  'i32.lt_s': [0x48],
  'i32.lt_u': [0x49],
  'i32.gt_s': [0x4a],
  'i32.gt_u': [0x4b],
  'i32.le_s': [0x4c],
  'i32.ge_s': [0x4e],
  'i32.ge_u': [0x4f],
  'i64.eqz': [0x50],
  'i64.eq': [0x51],
  'i64.ne': [0x52],
  'i64.lt_s': [0x53],
  'i64.gt_s': [0x55],
  'i64.gt_u': [0x56],
  'i64.le_s': [0x57],
  'i64.ge_s': [0x59],
  'i64.ge_u': [0x5a],
  'f64.eq': [0x61],
  'f64.ne': [0x62],
  'f64.lt': [0x63],
  'f64.gt': [0x64],
  'f64.le': [0x65],
  'f64.ge': [0x66],
  'i32.clz': [0x67],
  'i32.add': [0x6a],
  'i32.sub': [0x6b],
  'i32.mul': [0x6c],
  'i32.div_s': [0x6d],
  'i32.rem_s': [0x6f],
  'i32.and': [0x71],
  'i32.or': [0x72],
  'i32.xor': [0x73],
  'i32.shl': [0x74],
  'i32.shr_s': [0x75],
  'i32.shr_u': [0x76],
  'i64.add': [0x7c],
  'i64.sub': [0x7d],
  'i64.mul': [0x7e],
  'i64.div_s': [0x7f],
  'i64.rem_s': [0x81],
  'i64.and': [0x83],
  'i64.or': [0x84],
  'i64.xor': [0x85],
  'i64.shl': [0x86],
  'i64.shr_s': [0x87],
  'i64.shr_u': [0x88],
  'f64.abs': [0x99],
  'f64.neg': [0x9a],
  'f64.ceil': [0x9b],
  'f64.floor': [0x9c],
  'f64.trunc': [0x9d],
  'f64.nearest': [0x9e],
  'f64.sqrt': [0x9f],
  'f64.add': [0xa0],
  'f64.sub': [0xa1],
  'f64.mul': [0xa2],
  'f64.div': [0xa3],
  'f64.min': [0xa4],
  'f64.max': [0xa5],
  'f64.copysign': [0xa6],
  'i32.wrap_i64': [0xa7],
  'i64.extend_i32_s': [0xac],
  'i64.extend_i32_u': [0xad],
  'i64.trunc_f64_s': [0xb0],
  'f32.demote_f64': [0xb6],
  'f64.convert_i32_s': [0xb7],
  'f64.convert_i32_u': [0xb8],
  'f64.convert_i64_s': [0xb9],
  'f64.promote_f32': [0xbb],
  'i64.reinterpret_f64': [0xbd],
  'i64.extend32_s': [0xc4],
  'i32.trunc_sat_f64_s': [0xfc, 2],
  'i32.trunc_sat_f64_u': [0xfc, 3],
  'memory.copy': [0xfc, 10, 0, 0],
  'memory.fill': [0xfc, 11, 0],
} as const satisfies Record<string, readonly number[]>

export type Opcode = keyof typeof opcodes
export type WasmType = 'i32' | 'i64' | 'f64'

export const wasmTypes: Readonly<Record<WasmType, number>> = { i32: 0x7f, i64: 0x7e, f64: 0x7c }

/** Bytes that grow. */
export class ByteWriter {
  #bytes = new Uint8Array(256)
  #length = 0

  get length(): number {
    return this.#length
  }

  byte(value: number): this {
    if (this.#length === this.#bytes.length) this.#grow(1)
    this.#bytes[this.#length++] = value
    return this
  }

  bytes(values: ArrayLike<number>): this {
    if (this.#length + values.length > this.#bytes.length) this.#grow(values.length)
    this.#bytes.set(values, this.#length)
    this.#length += values.length
    return this
  }

  #grow(by: number): void {
    const larger = new Uint8Array(2 * this.#bytes.length + by)
    larger.set(this.#bytes)
    this.#bytes = larger
  }

  /** LEB128. */
  unsigned(value: number): this {
    let rest = value
    while (rest >= 0x80) {
      this.byte((rest % 0x80) | 0x80)
      rest = Math.floor(rest / 0x80)
    }
    return this.byte(rest)
  }

  signed(value: number | bigint): this {
    if (typeof value === 'number' && value === (value | 0)) return this.#signed32(value)
    let rest = BigInt(value)
    for (;;) {
      const low = Number(rest & 0x7fn)
      rest >>= 7n
      const isLast = rest === (low & 0x40 ? -1n : 0n)
      this.byte(isLast ? low : low | 0x80)
      if (isLast) return this
    }
  }

  #signed32(value: number): this {
    let rest = value
    for (;;) {
      const low = rest & 0x7f
      rest >>= 7
      const isLast = rest === (low & 0x40 ? -1 : 0)
      this.byte(isLast ? low : low | 0x80)
      if (isLast) return this
    }
  }

  text(value: string): this {
    const bytes = new TextEncoder().encode(value)
    return this.unsigned(bytes.length).bytes(bytes)
  }

  /** A part that is preceded by its own length. */
  sized(part: ByteWriter): this {
    return this.unsigned(part.length).bytes(part.finish())
  }

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }
}

export class Code {
  readonly #out = new ByteWriter()
  /** Blocks that are open. */
  depth = 0

  op(...names: readonly Opcode[]): this {
    for (const name of names) this.#out.bytes(opcodes[name])
    return this
  }

  i32(value: number): this {
    this.op('i32.const')
    this.#out.signed(value | 0)
    return this
  }

  i64(value: number | bigint): this {
    this.op('i64.const')
    this.#out.signed(value)
    return this
  }

  f64(value: number): this {
    this.op('f64.const')
    this.#out.bytes(new Uint8Array(Float64Array.of(value).buffer))
    return this
  }

  /** With a payload that JavaScript numbers do not keep. */
  f64Bits(bits: bigint): this {
    this.op('f64.const')
    this.#out.bytes(new Uint8Array(BigInt64Array.of(bits).buffer))
    return this
  }

  get(local: number): this {
    return this.#index('local.get', local)
  }

  set(local: number): this {
    return this.#index('local.set', local)
  }

  tee(local: number): this {
    return this.#index('local.tee', local)
  }

  globalGet(index: number): this {
    return this.#index('global.get', index)
  }

  globalSet(index: number): this {
    return this.#index('global.set', index)
  }

  call(index: number): this {
    return this.#index('call', index)
  }

  #index(name: Opcode, index: number): this {
    this.op(name)
    this.#out.unsigned(index)
    return this
  }

  /** A load or store at the address on the stack plus the offset. */
  access(name: Opcode, offset = 0): this {
    this.op(name)
    this.#out.byte(0).unsigned(offset)
    return this
  }

  /** @param type of its value; a number is the index of a function type with several results */
  open(name: 'block' | 'loop' | 'if', type?: WasmType | number): this {
    this.op(name)
    if (type === undefined) this.#out.byte(0x40)
    else if (typeof type === 'number') this.#out.signed(type)
    else this.#out.byte(wasmTypes[type])
    this.depth++
    return this
  }

  close(): this {
    this.depth--
    return this.op('end')
  }

  /** To the block that was opened at this depth. */
  branch(name: 'br' | 'br_if', depth: number): this {
    return this.#index(name, this.depth - depth)
  }

  branchTable(depths: readonly number[], otherwise: number): this {
    this.op('br_table')
    this.#out.unsigned(depths.length)
    for (const depth of [...depths, otherwise]) this.#out.unsigned(this.depth - depth)
    return this
  }

  get length(): number {
    return this.#out.length
  }

  finish(): Uint8Array {
    return this.#out.finish()
  }
}

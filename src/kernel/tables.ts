// Fills the constant tables of the kernels: powers for correctly rounded numbers and the CRC-32C
// tables. The host calls it once for each memory, before any kernel runs; the map is drawn in
// assembly/tables.ts.
import type { WasmMemory } from '../batch/wasm.ts'

const pow10F64At = 1024
const pow10U64At = 1280
const pow5At = 2048
const crcBytesAt = 16384
const crcLongAt = 24576
const crcShortAt = 28672
const longBytes = 2048
const shortBytes = 256

/** Writes every table below memoryBase. Filling a second time changes nothing. */
export function fillTables(memory: WasmMemory): void {
  const view = new DataView(memory.buffer)
  for (let i = 0; i <= 22; i++) view.setFloat64(pow10F64At + 8 * i, Number(`1e${i}`), true)
  for (let i = 0; i <= 19; i++) view.setBigUint64(pow10U64At + 8 * i, 10n ** BigInt(i), true)
  for (let q = -342; q <= 308; q++) {
    const power = pow5(q)
    const at = pow5At + 16 * (q + 342)
    view.setBigUint64(at, power >> 64n, true)
    view.setBigUint64(at + 8, power & 0xffffffffffffffffn, true)
  }
  fillCrc(view)
}

/** The 128 leading bits of 5^q: truncated for q ≥ 0, of the reciprocal rounded up for q < 0. */
function pow5(q: number): bigint {
  const power = 5n ** BigInt(Math.abs(q))
  const bits = BigInt(power.toString(2).length)
  if (q >= 0) return bits <= 128n ? power << (128n - bits) : power >> (bits - 128n)
  const z = power === 1n << (bits - 1n) ? bits - 1n : bits
  if (q >= -27) return (1n << (z + 127n)) / power + 1n
  const reciprocal = (1n << (2n * z + 128n)) / power + 1n
  const excess = BigInt(reciprocal.toString(2).length) - 128n
  return reciprocal >> excess
}

function fillCrc(view: DataView): void {
  const bytes = crcTables()
  bytes.forEach((table, k) => {
    table.forEach((value, i) => {
      view.setUint32(crcBytesAt + 1024 * k + 4 * i, value, true)
    })
  })
  for (const [at, length] of [
    [crcLongAt, longBytes],
    [crcShortAt, shortBytes],
  ]) {
    const shift = shiftOver(length, bytes[0])
    for (let k = 0; k < 4; k++)
      for (let i = 0; i < 256; i++)
        view.setUint32(at + 1024 * k + 4 * i, applyMatrix(shift, i * 2 ** (8 * k)), true)
  }
}

/** Table k holds the checksum of a byte followed by k zero bytes. */
function crcTables(): Uint32Array[] {
  const first = new Uint32Array(256)
  for (let i = 0; i < 256; i++) {
    let crc = i
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
    first[i] = crc
  }
  const tables = [first]
  for (let k = 1; k < 8; k++)
    tables.push(tables[k - 1].map((crc) => (crc >>> 8) ^ first[crc & 0xff]))
  return tables
}

/** The linear map, as 32 columns, that carries a checksum over `length` zero bytes. */
function shiftOver(length: number, table: Uint32Array): Uint32Array {
  const shift = new Uint32Array(32)
  for (let bit = 0; bit < 32; bit++) {
    let crc = (1 << bit) >>> 0
    for (let i = 0; i < length; i++) crc = (crc >>> 8) ^ table[crc & 0xff]
    shift[bit] = crc
  }
  return shift
}

function applyMatrix(matrix: Uint32Array, value: number): number {
  let sum = 0
  for (let bit = 0; bit < 32; bit++) if ((value >>> bit) & 1) sum ^= matrix[bit]
  return sum >>> 0
}

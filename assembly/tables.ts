// Where the constant tables lie below memoryBase. They belong to the memory, not to an instance:
// the host fills them once (src/kernel/tables.ts, which has the same map) before any kernel runs.
//
//     0 ..  1023  never used, so that a null pointer stays recognisable
//  1024 ..  1207  10^0 … 10^22 as f64
//  1280 ..  1439  10^0 … 10^19 as u64
//  2048 .. 12463  5^-342 … 5^308, 128 bits each, normalised: u64 high, u64 low
// 16384 .. 24575  CRC-32C, eight tables of 256 u32 for 8 bytes a step
// 24576 .. 28671  CRC-32C, four tables that shift a checksum over LONG zero bytes
// 28672 .. 32767  CRC-32C, four tables that shift a checksum over SHORT zero bytes
// 32768 .. 65535  free

export const POW10_F64: usize = 1024
export const POW10_U64: usize = 1280
export const POW5_128: usize = 2048
export const POW5_LOWEST: i32 = -342
export const POW5_HIGHEST: i32 = 308
export const CRC_BYTES: usize = 16384
export const CRC_LONG: usize = 24576
export const CRC_SHORT: usize = 28672
/** Bytes of one of the three interleaved streams. */
export const LONG: usize = 2048
export const SHORT: usize = 256

// The codecs of a RecordBatch, synchronous and bounded. Decoding needs no package but for zstd;
// encoding uses optional prebuilt packages. Called by the batch encoder and decoder.
import { createRequire } from 'node:module'
import * as zlib from 'node:zlib'
import { EuphorionError } from '../errors.ts'
import { lz4DecodeFrame } from './lz4.ts'
import { snappyDecode, xerialEncode } from './snappy.ts'

export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

/** The codec numbers in a batch's attributes. */
export const codecNumbers: Readonly<Record<Compression, number>> = {
  none: 0,
  gzip: 1,
  snappy: 2,
  lz4: 3,
  zstd: 4,
}

/** Codec by its number; undefined for numbers that Kafka does not define. */
export const codecNames: readonly (Compression | undefined)[] = [
  'none',
  'gzip',
  'snappy',
  'lz4',
  'zstd',
]

interface NodeZstd {
  zstdCompressSync?: (bytes: Uint8Array) => Buffer
  zstdDecompressSync?: (bytes: Uint8Array, options: { maxOutputLength: number }) => Buffer
}
interface ZstdWasm {
  init(): Promise<void>
  compress(bytes: Uint8Array, level?: number): Uint8Array
}
interface Fzstd {
  Decompress: new (
    ondata: (chunk: Uint8Array) => void,
  ) => { push(chunk: Uint8Array, final: boolean): void }
}

const require = createRequire(import.meta.url)
const nodeZstd = zlib as NodeZstd
let zstdWasm: ZstdWasm | undefined

function optional<T>(name: string, codec: Compression): T {
  try {
    return require(name) as T
  } catch (cause) {
    throw new EuphorionError(
      'CODEC_UNAVAILABLE',
      `${codec} needs the optional package ${name}, which does not load here`,
      { cause },
    )
  }
}

/**
 * Loads what `compress(codec)` needs; await it once before compressing. Rejects with
 * CODEC_UNAVAILABLE, naming the package, where that is not installed.
 */
export async function prepareCompression(codec: Compression): Promise<void> {
  if (codec === 'snappy') optional('snappy', codec)
  if (codec === 'lz4') optional('lz4-napi', codec)
  if (codec === 'zstd' && !nodeZstd.zstdCompressSync && !zstdWasm) {
    const wasm = optional<ZstdWasm>('@bokuweb/zstd-wasm', codec)
    await wasm.init()
    zstdWasm = wasm
  }
}

/** Compresses; lz4 as a frame, snappy in the framing of the Java client. */
export function compress(codec: Compression, bytes: Uint8Array): Uint8Array {
  switch (codec) {
    case 'none':
      return bytes
    case 'gzip':
      return zlib.gzipSync(bytes)
    case 'snappy': {
      const { compressSync } = optional<{ compressSync(b: Uint8Array): Buffer }>('snappy', codec)
      return xerialEncode(bytes, compressSync)
    }
    case 'lz4': {
      const lz4 = optional<{ compressFrameSync(b: Buffer): Buffer }>('lz4-napi', codec)
      return lz4.compressFrameSync(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
    }
    case 'zstd':
      if (nodeZstd.zstdCompressSync) return nodeZstd.zstdCompressSync(bytes)
      if (!zstdWasm) throw new Error("await prepareCompression('zstd') comes first")
      return zstdWasm.compress(bytes, 3)
  }
}

/**
 * Decompresses; never makes more than `maxBytes`: RECORD_TOO_LARGE. Damaged input is BATCH_CORRUPT.
 */
export function decompress(codec: Compression, bytes: Uint8Array, maxBytes: number): Uint8Array {
  try {
    switch (codec) {
      case 'none':
        return bytes
      case 'gzip':
        return zlib.gunzipSync(bytes, { maxOutputLength: maxBytes })
      case 'snappy':
        return snappyDecode(bytes, maxBytes)
      case 'lz4':
        return lz4DecodeFrame(bytes, maxBytes)
      case 'zstd':
        if (nodeZstd.zstdDecompressSync)
          return nodeZstd.zstdDecompressSync(bytes, { maxOutputLength: maxBytes })
        return zstdDecode(bytes, maxBytes)
    }
  } catch (cause) {
    if (cause instanceof EuphorionError) throw cause
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw tooLarge(codec, maxBytes)
    throw new EuphorionError('BATCH_CORRUPT', `${codec} data is damaged`, { cause })
  }
}

function tooLarge(codec: Compression, maxBytes: number): EuphorionError {
  return new EuphorionError(
    'RECORD_TOO_LARGE',
    `a ${codec} batch decompresses to more than ${maxBytes} bytes`,
  )
}

/** Block by block, so that a small bomb stops at the bound and not at its own size. */
function zstdDecode(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const { Decompress } = optional<Fzstd>('fzstd', 'zstd')
  const chunks: Uint8Array[] = []
  let size = 0
  const stream = new Decompress((chunk) => {
    size += chunk.length
    if (size > maxBytes) throw tooLarge('zstd', maxBytes)
    chunks.push(chunk)
  })
  stream.push(bytes, true)
  if (chunks.length === 1) return chunks[0]
  const whole = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}

// Codecs: of values, between bytes and what a program sees; of whole batches, the compression.
import assert from 'node:assert/strict'
import * as zlib from 'node:zlib'
import { EuphorionError } from '../../src/errors.ts'
import { type Codec, codecOf, json, raw, text } from '../../src/record/codec.ts'
import { PageView } from '../../src/tune/page_view.ts'
import { PageViews, type PageView as View } from '../../src/tune/workload.ts'
import { BatchCursor } from '../../src/wire/batch_header.ts'
import {
  type Compression,
  codecNumbers,
  compress,
  decompress,
  prepareCompression,
} from '../../src/wire/compression.ts'
import { recordBytes } from '../../src/wire/record_batch.ts'
import { inputAt, bytes as kernelBytes, kernels, outputAt } from '../../test/support/json_kernel.ts'
import type { BenchContext } from '../report/bench.ts'
import { addCases, equals, type MicroCase, type MicroPart } from './part.ts'
import { inflatedBytesMax, viewBatches } from './views.ts'

const VALUES = 1000
const RECORDS = 4000
/** The memory of the kernels has 4 MiB of room for what goes in. */
const PACKED_BYTES_MAX = 1 << 20

const hasZstd = 'zstdCompressSync' in zlib
/** What wire/compression.ts works with here. */
const libraries = {
  none: { encode: '', decode: '' },
  gzip: { encode: 'zlib', decode: 'zlib' },
  snappy: { encode: 'snappy', decode: 'plain JavaScript' },
  lz4: { encode: 'lz4-napi', decode: 'plain JavaScript' },
  zstd: hasZstd
    ? { encode: 'zlib', decode: 'zlib' }
    : { encode: '@bokuweb/zstd-wasm', decode: 'fzstd' },
} as const satisfies Record<Compression, unknown>

export const codecs: MicroPart = {
  name: 'codecs',
  async run(context) {
    await addValues(context)
    await addCompression(context)
  },
}

function viewsOf(seed: number): View[] {
  const views = new PageViews({ events: VALUES, seed })
  return Array.from({ length: VALUES }, () => views.nextEvent()!)
}

async function addValues(context: BenchContext): Promise<void> {
  const views = viewsOf(context.seed)
  const urls = views.map(({ url }) => url)
  const written = views.map((view) => Buffer.from(JSON.stringify(view)))
  const kinds = [
    valueCases('bytes', raw(), written),
    valueCases('text, a url', text(), urls),
    valueCases('a declared record, a page view', codecOf(PageView), views),
    valueCases('any JSON, a page view', json<View>(), views),
  ]
  const cases = (which: 'encode' | 'decode') => kinds.map((kind) => kind[which])
  await addCases(context, { group: 'values to bytes', per: 'value', cases: cases('encode') })
  await addCases(context, { group: 'bytes to values', per: 'value', cases: cases('decode') })
}

/** A call makes all of the values, and counts what it made: bytes, or those that are good. */
function valueCases<T>(name: string, codec: Codec<T>, values: readonly T[]) {
  const encoded = values.map((value) => codec.encode(value)!)
  assert.deepEqual(
    encoded.map((bytes) => codec.decode(bytes)),
    values,
    name,
  )
  const total = encoded.reduce((sum, { length }) => sum + length, 0)
  const encode: MicroCase = {
    name,
    per: values.length,
    work: () => {
      let bytes = 0
      for (const value of values) bytes += codec.encode(value)!.length
      return bytes
    },
    check: equals(total),
    facts: { 'bytes of a value': total / values.length },
  }
  const made = new Array<unknown>(values.length)
  const decode: MicroCase = {
    name,
    per: values.length,
    work: () => {
      for (let i = 0; i < encoded.length; i++) made[i] = codec.decode(encoded[i])
      return made
    },
    check: equals(values),
  }
  return { encode, decode }
}

async function addCompression(context: BenchContext): Promise<void> {
  const [batch] = viewBatches({ events: RECORDS, partitions: 1, seed: context.seed })
  const cursor = new BatchCursor(batch.bytes)
  assert(cursor.next())
  const plain = recordBytes(cursor)
  const [encoding, decoding]: [MicroCase[], MicroCase[]] = [[], []]
  for (const codec of Object.keys(codecNumbers) as Compression[]) {
    if (codec === 'none' || !(await isThere(context, codec))) continue
    const packed = Buffer.from(compress(codec, plain))
    const common = {
      per: plain.length / 1024,
      check: (answer: unknown) => assert.equal(Buffer.compare(answer as Uint8Array, plain), 0),
    }
    const unpacked = (bytes: Uint8Array) => decompress(codec, bytes, inflatedBytesMax)
    const by = libraries[codec]
    encoding.push({
      ...common,
      name: `${codec}, ${by.encode}`,
      work: () => compress(codec, plain),
      check: (answer) => common.check(unpacked(answer as Uint8Array)),
      facts: { '% of the bytes': (100 * packed.length) / plain.length },
    })
    decoding.push({ ...common, name: `${codec}, ${by.decode}`, work: () => unpacked(packed) })
    const kernel = kernelOf(codec, packed)
    if (kernel !== undefined)
      decoding.push({ ...common, name: `${codec}, WebAssembly`, work: kernel })
  }
  const of = `a batch of ${RECORDS} page views`
  await addCases(context, { group: `${of} compressed`, per: 'KiB', cases: encoding })
  await addCases(context, { group: `${of} decompressed`, per: 'KiB', cases: decoding })
}

/** Its packages are optional. */
async function isThere({ say }: BenchContext, codec: Compression): Promise<boolean> {
  try {
    await prepareCompression(codec)
    return true
  } catch (error) {
    if (!(error instanceof EuphorionError) || error.code !== 'CODEC_UNAVAILABLE') throw error
    say(`codecs: ${error.message}`)
    return false
  }
}

/** What lanes run instead, over the memory of the kernels. */
function kernelOf(codec: Compression, packed: Uint8Array): (() => Uint8Array) | undefined {
  if (codec !== 'lz4' && codec !== 'snappy') return undefined
  const decode = codec === 'lz4' ? kernels.lz4Decode : kernels.snappyDecode
  const at = inputAt + codecNumbers[codec] * PACKED_BYTES_MAX
  const room = kernelBytes.length - outputAt
  assert(packed.length <= PACKED_BYTES_MAX)
  kernelBytes.set(packed, at)
  return () => {
    const bytes = decode(at, packed.length, outputAt, room)
    return kernelBytes.subarray(outputAt, outputAt + Math.max(0, bytes))
  }
}

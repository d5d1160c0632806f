// RecordBatches that lie behind a correct checksum: what a broken or hostile producer can store in
// any log. Used by the tests of bad input.
import { gzipSync } from 'node:zlib'
import type { LogRecord } from '../../src/log/log.ts'
import { compress } from '../../src/wire/compression.ts'
import { encodeBatch } from '../../src/wire/record_batch.ts'
import { crc32c } from './record_batch.ts'

const HEADER_BYTES = 61
const codecs = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4, unknown: 6 } as const

export interface HostileBatch {
  readonly name: string
  readonly bytes: Uint8Array
  readonly code: 'BATCH_CORRUPT' | 'RECORD_TOO_LARGE'
}

/** The batch with this body, compressed or said to be. */
function withBody(
  batch: Uint8Array,
  body: Uint8Array,
  codec: keyof typeof codecs,
  recordCount?: number,
): Uint8Array {
  const made = Buffer.concat([batch.subarray(0, HEADER_BYTES), body])
  made.writeInt32BE(made.length - 12, 8)
  made.writeInt16BE(codecs[codec], 21)
  if (recordCount !== undefined) made.writeInt32BE(recordCount, 57)
  made.writeUInt32BE(crc32c(made.subarray(21)), 17)
  return new Uint8Array(made)
}

/** Says that there are more records than there are. */
export function boastfulBatch(records: readonly LogRecord[]): Uint8Array {
  const batch = encodeBatch(records)
  return withBody(batch, batch.subarray(HEADER_BYTES), 'none', records.length + 5)
}

/** Batches of `records`, which are good, in which something is not. */
export function hostileBatches(records: readonly LogRecord[]): HostileBatch[] {
  const batch = encodeBatch(records)
  const body = batch.subarray(HEADER_BYTES)
  const garbage = Buffer.alloc(200, 0xab)
  const cut = gzipSync(body)
  const long = new Uint8Array(body)
  // the length of the first record, a varint of two bytes as a rule, says more than there is
  long.set([0xfe, 0xff, 0xff, 0x0f], 0)
  const short = new Uint8Array(body)
  short[0] = 0x02
  const damaged = (name: string, bytes: Uint8Array): HostileBatch => {
    return { name, bytes, code: 'BATCH_CORRUPT' }
  }
  return [
    ...(['gzip', 'snappy', 'lz4', 'zstd'] as const).map((codec) =>
      damaged(`${codec} data that is none`, withBody(batch, garbage, codec)),
    ),
    damaged('gzip data cut short', withBody(batch, cut.subarray(0, cut.length - 9), 'gzip')),
    ...(['gzip', 'snappy', 'lz4'] as const).map((codec): HostileBatch => {
      const bytes = withBody(batch, compress(codec, new Uint8Array(1 << 24)), codec)
      return { name: `${codec} data that unfolds to 16 MiB`, bytes, code: 'RECORD_TOO_LARGE' }
    }),
    damaged('a codec that does not exist', withBody(batch, body, 'unknown')),
    damaged('more records than it says', withBody(batch, body, 'none', records.length - 5)),
    damaged('a first record longer than the batch', withBody(batch, long, 'none')),
    damaged('a first record that is too short', withBody(batch, short, 'none')),
    damaged('no record bytes', withBody(batch, new Uint8Array(0), 'none')),
  ]
}

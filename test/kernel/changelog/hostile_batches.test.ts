// Damaged changelogs whose checksums nobody checks: the kernel writes where it may, and comes to
// what the reference comes to, rows or error.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { SharedMemory } from '../../../src/batch/memory.ts'
import { seededRandom } from '../../../src/clock.ts'
import { EuphorionError } from '../../../src/errors.ts'
import type { ChangelogDecoder } from '../../../src/kernel/changelog/kernels.ts'
import { openChangelogKernels } from '../../../src/kernel/changelog/open.ts'
import { openExecutor } from '../../../src/kernel/executor.ts'
import type { Compression } from '../../../src/log/log.ts'
import { batchOf, concat } from '../../support/batches.ts'
import { randomChanges, recordsOf } from '../../support/changelogs.ts'

const MIB = 1 << 20
const GUARD_BYTES = 4096
const memory = new SharedMemory(64)
const executor = openExecutor({ memory, threads: 0, queueMax: 1, inflatedBytesMax: 2 * MIB })
const services = { memory, inflatedBytesMax: 2 * MIB, checkCrcs: false }
const wasm = openChangelogKernels({ ...services, executor })
const reference = openChangelogKernels({ ...services, executor: undefined })

/** What a decoder comes to: rows, or the code of its error. */
async function outcome(decoder: ChangelogDecoder, bytes: Uint8Array, from: number) {
  try {
    const { rows, cut, ...facts } = await decoder.decode(bytes, from)
    const sum = createHash('sha1').update(Buffer.from(rows)).digest('hex')
    return { ...facts, cut: cut && Buffer.from(cut).toString('latin1'), bytes: rows.length, sum }
  } catch (error) {
    if (!(error instanceof EuphorionError)) throw error
    return error.code
  }
}

/** Free memory has this byte everywhere, and is the same after a kernel has run. */
function guards(): () => void {
  const spans: number[] = []
  for (;;) {
    const address = memory.tryAllocate(GUARD_BYTES)
    if (address === undefined) break
    memory.span(address, GUARD_BYTES).fill(0xa5)
    // room for what the kernel is given, between guards
    if (spans.push(address) === 8) break
    memory.allocate(2 * MIB, 'room')
  }
  return () => {
    for (const address of spans)
      assert.ok(memory.span(address, GUARD_BYTES).every((byte) => byte === 0xa5))
  }
}

function original(random: () => number, compression: Compression): Buffer {
  const records = recordsOf(randomChanges(random, 1, 900), 1_700_000_000_000)
  const cut = { offset: 450, timestamp: 5, key: Buffer.from('\0\0cut'), value: Buffer.from('{}') }
  const some = records.slice(0, 450)
  const others = records.slice(451)
  return Buffer.from(concat([batchOf([...some, cut], compression), batchOf(others, compression)]))
}

function damaged(good: Buffer, random: () => number): Buffer {
  const bad = Buffer.from(good)
  const at = (limit: number) => Math.floor(random() * limit)
  const count = 1 + at(4)
  for (let i = 0; i < count; i++) {
    // behind the first offset: no log has offsets that are no exact numbers
    const place = 8 + (random() < 0.3 ? at(80) : at(bad.length - 8))
    bad[place] = [0, 1, 0x7f, 0x80, 0xff, bad[place] ^ (1 << at(8)), at(256)][at(7)]
  }
  return bad
}

for (const compression of ['none', 'lz4', 'snappy'] as const)
  test(`damaged batches come to what the reference comes to (${compression})`, async () => {
    const check = guards()
    const originals = [1, 2, 3].map((seed) => original(seededRandom(seed), compression))
    const decoders = [reference.decoder(1), wasm.decoder(1)]
    let refused = 0
    for (let seed = 1; seed <= 150; seed++) {
      const random = seededRandom(seed)
      const bad = damaged(originals[seed % 3], random)
      const from = random() < 0.5 ? 0 : Math.floor(random() * 900)
      const [wanted, found] = [
        await outcome(decoders[0], bad, from),
        await outcome(decoders[1], bad, from),
      ]
      if (typeof wanted === 'string') refused++
      assert.deepEqual(found, wanted, `seed ${seed}`)
    }
    assert.ok(refused > 5, `${refused} refused`)
    for (const decoder of decoders) decoder.close()
    check()
  })

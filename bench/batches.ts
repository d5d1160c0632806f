// Events a second that one partition of an agent reads of page views in memory: one by one, as
// batches whose records are decoded, and as batches that kernels extract, on the calling thread and
// on one of their own. Each adds up a column. Run by hand:
// `npm run compile && node dist/bench/batches.js`; with --smoke, once and short. Every round
// checks its sum.
import assert from 'node:assert/strict'
import { SharedMemory } from '../src/batch/memory.ts'
import { systemClock } from '../src/clock.ts'
import { DeadLetters } from '../src/ingest/dead_letter.ts'
import { Sender } from '../src/ingest/sender.ts'
import { type Executor, openExecutor } from '../src/kernel/executor.ts'
import { Turns } from '../src/kernel/extract/turns.ts'
import type { LogProducer } from '../src/log/log.ts'
import { codecOf, raw } from '../src/record/codec.ts'
import { float64, string, timestamp } from '../src/record/fields.ts'
import { record } from '../src/record/record.ts'
import type { AgentFunction } from '../src/stream/agent_definition.ts'
import { AgentPartition } from '../src/stream/agent_partition.ts'
import { PageViews } from '../src/tune/workload.ts'

const smoke = process.argv.includes('--smoke')
const EVENTS = smoke ? 20_000 : 600_000
const ROUNDS = smoke ? 1 : 7
const MIB = 1 << 20
const payloadBytes = 2 * MIB

const PageView = record('PageView', {
  user: string(),
  url: string(),
  ms: float64(),
  ts: timestamp(),
})
const value = codecOf(PageView)
type View = { readonly ms: number; readonly url: string }

/** Page views as fetches bring them. */
function payloads(): { payloads: Buffer[]; end: number } {
  const views = new PageViews({ events: EVENTS, partitions: 1 })
  const all: Buffer[] = []
  let parts: Buffer[] = []
  let bytes = 0
  let end = 0
  for (let batch = views.nextBatch(); batch !== undefined; batch = views.nextBatch()) {
    const copy = Buffer.from(batch.bytes)
    copy.writeBigInt64BE(BigInt(end), 0)
    end += batch.records
    if (bytes + copy.length > payloadBytes) {
      all.push(Buffer.concat(parts))
      parts = []
      bytes = 0
    }
    parts.push(copy)
    bytes += copy.length
  }
  return { payloads: [...all, Buffer.concat(parts)], end }
}

const memory = new SharedMemory(128)
const inflatedBytesMax = 64 * MIB
const open = (threads: number) => openExecutor({ memory, threads, queueMax: 8, inflatedBytesMax })

let sum = 0
let strings = 0
const events: AgentFunction<unknown, View, unknown> = async (stream) => {
  for await (const view of stream) sum += view.ms
}
const numbers: AgentFunction<unknown, View, unknown> = async (stream) => {
  for await (const batch of stream.batches()) {
    const ms = batch.column('ms' as never) as Float64Array
    for (const each of ms) sum += each
  }
}
const texts: AgentFunction<unknown, View, unknown> = async (stream) => {
  for await (const batch of stream.batches()) {
    const ms = batch.column('ms' as never) as Float64Array
    for (const each of ms) sum += each
    for (const url of batch.column('url' as never) as string[]) strings += url.length
  }
}

/** Seconds of one round. */
async function round(
  run: AgentFunction<unknown, View, unknown>,
  executor: Executor | undefined,
  { payloads: all, end }: ReturnType<typeof payloads>,
): Promise<number> {
  const turns = new Turns(2)
  const partition = new AgentPartition<unknown, View, unknown>(
    {
      name: 'measured',
      topic: 'views',
      key: raw(),
      value,
      schema: PageView.schema,
      onBadRecord: 'skip',
      concurrency: 1,
      sinks: [],
      run,
    },
    {
      clock: systemClock,
      reading: { decompressedBytesMax: inflatedBytesMax, checkCrcs: true },
      deadLetters: new DeadLetters({
        topic: 'dead',
        partitions: 1,
        sender: new Sender({} as LogProducer, { recordsMax: 1 }),
      }),
      onStopped: (error) => assert.fail(error),
      onBadRecord: () => assert.fail('none is bad'),
      ...(executor && { extraction: () => ({ memory, executor, inflatedBytesMax, turns }) }),
    },
    0,
    { startOffset: 0 },
  )
  sum = 0
  strings = 0
  const began = systemClock.monotonic()
  for (const payload of all) await partition.push(payload)
  while (partition.acknowledged() < end) await new Promise((resolve) => setImmediate(resolve))
  const seconds = (systemClock.monotonic() - began) / 1000
  await partition.close()
  return seconds
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1]

const source = payloads()
const inline = open(0)
const threads = open(1)
await threads.ready()
const kinds = [
  ['one by one', events, undefined],
  ['batches, decoded', numbers, undefined],
  ['batches, extracted on the calling thread', numbers, inline],
  ['batches, extracted on a thread', numbers, threads],
  ['the same, with a column of text', texts, threads],
] as const
const seconds = kinds.map((): number[] => [])
let expected: number | undefined
// one more than counts: code is compiled
for (let at = 0; at <= ROUNDS; at++)
  for (const [i, [, run, executor]] of kinds.entries()) {
    seconds[i].push(await round(run, executor, source))
    expected ??= sum
    assert.equal(sum, expected)
  }
assert.ok(strings > EVENTS)
const rates = seconds.map((all) => EVENTS / median(all.slice(1)) / 1e6)
for (const [i, [name]] of kinds.entries()) {
  const ratio = (rates[i] / rates[0]).toFixed(1)
  console.log(`${rates[i].toFixed(2).padStart(6)} M events/s  ${ratio.padStart(4)} ×  ${name}`)
}
await threads.close()

// Events a second that one partition of an agent reads of page views in memory: one by one, as
// batches whose records are decoded, and as batches that kernels extract, on the calling thread and
// on one of their own. Each adds up a column.
import assert from 'node:assert/strict'
import { SharedMemory } from '../../src/batch/memory.ts'
import { systemClock } from '../../src/clock.ts'
import { DeadLetters } from '../../src/ingest/dead_letter.ts'
import { Sender } from '../../src/ingest/sender.ts'
import { type Executor, openExecutor } from '../../src/kernel/executor.ts'
import { Turns } from '../../src/kernel/extract/turns.ts'
import type { LogProducer } from '../../src/log/log.ts'
import { codecOf, raw } from '../../src/record/codec.ts'
import type { AgentFunction } from '../../src/stream/agent_definition.ts'
import { AgentPartition } from '../../src/stream/agent_partition.ts'
import { PageView } from '../../src/tune/page_view.ts'
import { addRuns, type MicroPart } from './part.ts'
import { inflatedBytesMax, viewBatches } from './views.ts'

const EVENTS = 400_000
const EVENTS_SMOKE = 20_000
const MEMORY_MIB = 128
const QUEUE_MAX = 8
/** As a fetch brings. */
const PAYLOAD_BYTES = 2 << 20

const value = codecOf(PageView)
type View = { readonly ms: number; readonly url: string }
type Reader = AgentFunction<unknown, View, unknown>

interface Fetched {
  readonly payloads: readonly Buffer[]
  readonly end: number
}

export const agents: MicroPart = {
  name: 'agents',
  async run(context) {
    const events = context.isSmoke ? EVENTS_SMOKE : EVENTS
    const fetched = payloadsOf(events, context.seed)
    const memory = new SharedMemory(MEMORY_MIB)
    const open = (threads: number) =>
      openExecutor({ memory, threads, queueMax: QUEUE_MAX, inflatedBytesMax })
    const [here, thread] = [open(0), open(1)]
    await thread.ready()
    const kinds: readonly (readonly [string, () => Reading, Executor?])[] = [
      ['one by one', oneByOne],
      ['batches, decoded', columns],
      ['batches, extracted on the calling thread', columns, here],
      ['batches, extracted on a thread', columns, thread],
      ['the same, with a column of text', columnsAndText, thread],
    ]
    const sums = new Set<number>()
    await addRuns(context, {
      group: 'page views read by a function of an agent',
      unit: 'events/s',
      better: 'more',
      cases: kinds.map(([name, make, executor]) => ({
        name,
        facts: { events },
        run: async () => {
          const reading = make()
          const seconds = await secondsOf(reading.read, fetched, executor && { memory, executor })
          sums.add(reading.sum)
          assert.equal(sums.size, 1, `${name}: another sum`)
          assert.ok(make !== columnsAndText || reading.characters > events)
          return events / seconds
        },
      })),
    })
    await thread.close()
    await here.close()
  },
}

/** Page views as fetches bring them. */
function payloadsOf(events: number, seed: number): Fetched {
  const payloads: Buffer[] = []
  let parts: Uint8Array[] = []
  let [bytes, end] = [0, 0]
  for (const batch of viewBatches({ events, partitions: 1, seed })) {
    if (bytes + batch.bytes.length > PAYLOAD_BYTES) {
      payloads.push(Buffer.concat(parts))
      parts = []
      bytes = 0
    }
    parts.push(batch.bytes)
    bytes += batch.bytes.length
    end += batch.records
  }
  return { payloads: [...payloads, Buffer.concat(parts)], end }
}

/** A function of an agent, and what it has found. */
interface Reading {
  readonly read: Reader
  sum: number
  characters: number
}

function oneByOne(): Reading {
  const reading: Reading = {
    ...{ sum: 0, characters: 0 },
    read: async (stream) => {
      for await (const view of stream) reading.sum += view.ms
    },
  }
  return reading
}

function columns(): Reading {
  const reading: Reading = {
    ...{ sum: 0, characters: 0 },
    read: async (stream) => {
      for await (const batch of stream.batches())
        for (const ms of batch.column('ms' as never) as Float64Array) reading.sum += ms
    },
  }
  return reading
}

function columnsAndText(): Reading {
  const reading: Reading = {
    ...{ sum: 0, characters: 0 },
    read: async (stream) => {
      for await (const batch of stream.batches()) {
        for (const ms of batch.column('ms' as never) as Float64Array) reading.sum += ms
        for (const url of batch.column('url' as never) as string[]) reading.characters += url.length
      }
    },
  }
  return reading
}

/** From the first payload to the last acknowledgement. */
async function secondsOf(
  run: Reader,
  { payloads, end }: Fetched,
  kernels: { readonly memory: SharedMemory; readonly executor: Executor } | undefined,
): Promise<number> {
  const turns = new Turns(2)
  const sender = new Sender({} as LogProducer, { recordsMax: 1 })
  const partition = new AgentPartition<unknown, View, unknown>(
    {
      ...{ name: 'measured', topic: 'views', key: raw(), value, schema: PageView.schema },
      ...{ onBadRecord: 'skip', concurrency: 1, sinks: [], run },
    },
    {
      clock: systemClock,
      reading: { decompressedBytesMax: inflatedBytesMax, checkCrcs: true },
      deadLetters: new DeadLetters({ topic: 'dead', partitions: 1, sender }),
      onStopped: (error) => assert.fail(error),
      onBadRecord: () => assert.fail('none is bad'),
      ...(kernels && { extraction: () => ({ ...kernels, inflatedBytesMax, turns }) }),
    },
    0,
    { startOffset: 0 },
  )
  const began = systemClock.monotonic()
  for (const payload of payloads) await partition.push(payload)
  while (partition.acknowledged() < end) await new Promise((resolve) => setImmediate(resolve))
  const seconds = (systemClock.monotonic() - began) / 1000
  await partition.close()
  return seconds
}

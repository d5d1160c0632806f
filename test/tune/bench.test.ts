// `euphorion bench pageviews` at smoke size: what it prints for every workload and option, that its
// check of the answer sees what is wrong, and the batch that it dumps.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { ByteBuffer } from 'flatbuffers'
import { Batch } from '../../src/batch/batch_generated.ts'
import type { EmbeddedLog } from '../../src/log/embedded/embedded_log.ts'
import { partitionOfKey } from '../../src/log/partitioner.ts'
import { storeKind } from '../../src/table/open.ts'
import { workloads } from '../../src/tune/bench_spec.ts'
import { type PageViewOptions, PageViews } from '../../src/tune/workload.ts'
import { decodeBatches } from '../../src/wire/record_batch.ts'
import { withLog } from '../support/embedded.ts'
import { euphorion, newDirectory, runNode } from '../support/program.ts'

const limit = { timeout: 120_000 }

/** The lines of `bench pageviews --json` on the embedded log in `cwd`. */
async function bench(t: TestContext, cwd: string, options: string, exitCode = 0) {
  const broker = ['--broker', 'embedded:log', '--json']
  const args = [euphorion, 'bench', 'pageviews', ...broker, ...options.split(' ')]
  const { code, out, err } = await runNode(t, args, { cwd })
  assert.equal(code, exitCode, err)
  const lines = out.split('\n').slice(0, -1)
  return { err, lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

/** Pairs of url and time span of that length: each is a row of the store. */
function cellsOf(options: PageViewOptions, sliceMs: number): number {
  const views = new PageViews(options)
  const cells = new Set<string>()
  for (let view = views.nextEvent(); view !== undefined; view = views.nextEvent())
    cells.add(`${view.url} ${Math.floor(view.ts / sliceMs)}`)
  return cells.size
}

const EVENTS = 400_000
const forever = Number.MAX_SAFE_INTEGER
const slices = { w1: 10_000, w2: 10_000, w3: forever, 'agents-table': forever }

describe('bench pageviews', limit, () => {
  const runs = [
    ['w0', 'none', 2, '1MiB', 8057],
    ['w1', 'gzip', 1, '64KiB', 300],
    ['w1', 'lz4', 2, '4MiB', 20_000],
    ['w2', 'zstd', 4, '256KiB', 1000],
    ['w3', 'snappy', 2, '1MiB', 1],
    ['agents-table', 'none', 2, '1MiB', 500],
  ] as const
  for (const [workload, compression, threads, batchBytes, keys] of runs) {
    const options = `--workload ${workload} --compression ${compression} --threads ${threads} --batch-bytes ${batchBytes} --keys ${keys}`
    test(options, async (t) => {
      const cwd = await newDirectory()
      const { lines } = await bench(t, cwd, `--events ${EVENTS} --partitions 3 ${options}`)
      const [line] = lines
      assert.equal(lines.length, 1)
      const cells = workload === 'w0' ? 0 : cellsOf({ events: EVENTS, keys }, slices[workload])
      const expected = {
        workload,
        cells,
        keys,
        compression,
        events: EVENTS,
        partitions: 3,
        verified: true,
        late: 0,
        bad: 0,
        threads,
        batchBytes: Number.parseInt(batchBytes, 10) * (batchBytes.endsWith('KiB') ? 1024 : 1 << 20),
        broker: 'embedded:log',
        transport: 'embedded',
        store: storeKind('rocksdb'),
        backend: 'wasm',
        guarantee: 'at_least_once',
        runs: 1,
      }
      for (const [name, value] of Object.entries(expected))
        assert.deepEqual(line[name], value, name)
      for (const name of ['seconds', 'eventsPerSecond', 'cpuSecondsPerMillion', 'maxResidentMiB'])
        assert((line[name] as number) > 0, name)
      assert.equal(line.eventsPerSecond, line.slowest)
    })
  }

  test('side by side, several runs, the topic that is there is taken again', async (t) => {
    const cwd = await newDirectory()
    writeFileSync(join(cwd, 'euphorion.config.json'), '{ "backend": "js" }')
    assert.equal((await bench(t, cwd, '--events 30_000')).lines[0].backend, 'js')
    const { lines } = await bench(t, cwd, '--events 30_000 --backend all --runs 2')
    assert.deepEqual(
      lines.map(({ backend, threads, runs, verified }) => [backend, threads !== 0, runs, verified]),
      [
        ['wasm', true, 2, true],
        ['js', false, 2, true],
      ],
    )
    assert.equal(lines[0].cells, lines[1].cells)
    const agent = await bench(t, cwd, '--events 30_000 --backend all --workload w0')
    assert.deepEqual(
      agent.lines.map(({ backend, verified }) => [backend, verified]),
      [
        ['wasm', true],
        ['js', true],
      ],
    )
    for (const { slowest, fastest, eventsPerSecond } of lines)
      assert((slowest as number) <= (fastest as number) && eventsPerSecond === fastest)
    await withLog(join(cwd, 'log'), {}, async (log) => {
      const names = (await log.topics()).map(({ name }) => name)
      assert.deepEqual(names, ['bench-pageviews-30000-4-8057-none'])
    })
  })

  test('without --json it prints a table and the conditions', async (t) => {
    const cwd = await newDirectory()
    const args = [euphorion, 'bench', 'pageviews', '--events', '5_000']
    const { code, out } = await runNode(t, args, { cwd })
    assert.equal(code, 0)
    assert.match(out, /^workload +backend +threads +events\/s/)
    assert.match(out, /^w1 +wasm .* yes/m)
    assert.match(out, /5,000 events from embedded:\S+, store rocksdb-\w+, 1 run\(s\), Node/)
  })
})

const PARTITIONS = 2

/** Seven pages of each partition: a table's key is in the partition of its events. */
const pages = [0, 1].map((partition) =>
  Array.from({ length: 100 }, (_, n) => `/${n}`)
    .filter((url) => partitionOfKey(Buffer.from(url), PARTITIONS) === partition)
    .slice(0, 7),
)

function view(partition: number, offset: number, text?: string) {
  const url = pages[partition][offset % 7]
  const timestamp = 1_700_000_000_000 + offset
  const value = text ?? JSON.stringify({ ts: timestamp, ms: 1.5, user: 'u', url })
  return { key: Buffer.from(url), value: Buffer.from(value), timestamp }
}

async function append(
  log: EmbeddedLog,
  topic: string,
  makeRecord: (partition: number, offset: number) => ReturnType<typeof view>,
): Promise<void> {
  const producer = await log.producer()
  for (const partition of [0, 1])
    for (let batch = 0; batch < 10; batch++) {
      const records = Array.from({ length: 100 }, (_, i) => makeRecord(partition, batch * 100 + i))
      await producer.append(topic, partition, records)
    }
  await producer.close()
}

describe('bench pageviews --topic', limit, () => {
  test('a topic of others counts; what cannot be read is left out and told', async (t) => {
    const cwd = await newDirectory()
    await withLog(join(cwd, 'log'), {}, async (log) => {
      await log.createTopic('mine', { partitions: 2 })
      await append(log, 'mine', (partition, offset) =>
        view(partition, offset, offset % 10 === 3 ? '{"ts":' : undefined),
      )
    })
    for (const workload of workloads) {
      const { lines } = await bench(t, cwd, `--topic mine --workload ${workload}`)
      const { verified, events, bad, topic } = lines[0]
      assert.deepEqual(
        { verified, events, bad, topic },
        {
          verified: true,
          events: 2000,
          bad: 200,
          topic: 'mine',
        },
      )
    }
    await withLog(join(cwd, 'log'), {}, async (log) => {
      const names = (await log.topics()).map(({ name }) => name)
      assert.deepEqual(names, ['mine'])
    })
  })

  test('counts that do not add up are an error', async (t) => {
    const cwd = await newDirectory()
    await withLog(join(cwd, 'log'), { fsync: 'never' }, async (log) => {
      const config = { cleanup: 'compact', segmentBytes: 2000 } as const
      await log.createTopic('compacted', { partitions: 2, config })
      await append(log, 'compacted', view)
      await log.clean('compacted')
    })
    for (const workload of ['w0', 'w1']) {
      const { lines, err } = await bench(t, cwd, `--topic compacted --workload ${workload}`, 1)
      assert.equal(lines[0].verified, false)
      assert.match(err, /The counts do not add up to the number of events\.\n.* compacted/)
    }
  })

  test('an empty topic and an unknown one are told', async (t) => {
    const cwd = await newDirectory()
    await withLog(join(cwd, 'log'), {}, async (log) => {
      await log.createTopic('empty', { partitions: 2 })
    })
    const empty = await bench(t, cwd, '--topic empty', 2)
    assert.match(empty.err, /^USAGE: topic empty is empty/)
    const unknown = await bench(t, cwd, '--topic nowhere', 1)
    assert.match(unknown.err, /^TOPIC_UNKNOWN: .*nowhere/)
  })
})

test('--dump-batch writes the FlatBuffer of a batch', limit, async (t) => {
  const cwd = await newDirectory()
  for (const workload of ['w1', 'w0']) {
    await bench(t, cwd, `--events 20_000 --dump-batch b.bin --workload ${workload}`)
    const buffer = new ByteBuffer(new Uint8Array(readFileSync(join(cwd, 'b.bin'))))
    assert(Batch.bufferHasIdentifier(buffer))
    const batch = Batch.getRootAsBatch(buffer)
    assert.equal(batch.topic(), 'bench-pageviews-20000-4-8057-none')
    assert.equal(batch.firstOffset(), 0n)
    const records = decodeBatches(batch.payloadArray()!)
    assert.equal(records.length, batch.recordCount())
    assert.equal(BigInt(records.length), batch.nextOffset())
    for (const { key, value } of records) {
      const { url } = JSON.parse(Buffer.from(value!).toString()) as { url: string }
      assert.equal(url, Buffer.from(key!).toString())
    }
  }
})

const hasFlatc = spawnSync('flatc', ['--version']).status === 0

if (hasFlatc)
  test('flatc prints a dumped batch by the schema', limit, async (t) => {
    const cwd = await newDirectory()
    await bench(t, cwd, '--events 2000 --partitions 1 --dump-batch b.bin')
    const schema = join(import.meta.dirname, '../../../src/batch/batch.fbs')
    const args = ['--json', '--strict-json', '--raw-binary', schema, '--', 'b.bin']
    execFileSync('flatc', args, { cwd })
    const printed = JSON.parse(readFileSync(join(cwd, 'b.json'), 'utf8')) as {
      topic: string
      next_offset: number
      payload: number[]
    }
    assert.equal(printed.topic, 'bench-pageviews-2000-1-8057-none')
    assert.equal(decodeBatches(Uint8Array.from(printed.payload)).length, 2000)
    assert.equal(printed.next_offset, 2000)
  })

describe('bench pageviews, wrong options', limit, () => {
  const usage: readonly (readonly [string, RegExp])[] = [
    ['--workload w9', /Allowed choices are w0, w1, w2, w3, agents-table/],
    ['--events 0', /'0' is invalid. It is a whole number from 1/],
    ['--events many', /'many' is invalid. It is a whole number from 1/],
    ['--partitions 1001', /whole number from 1 to 1,000/],
    ['--keys 10_000_000_001', /whole number from 1 to 10,000,000/],
    ['--runs 0', /whole number from 1 to 1,000/],
    ['--compression brotli', /Allowed choices are none, gzip, snappy, lz4, zstd/],
    ['--backend native', /Allowed choices are auto, wasm, js, all/],
    ['--threads 65', /threads cannot be "65" .*: it takes a whole number from 1 to 64/],
    ['--batch-bytes 1', /it takes a size from 16 KiB to 16 MiB/],
    ['--transport tcp', /it takes one of auto, kafka, kafkajs/],
    ['--dump-batch nowhere/b.bin --events 10', /cannot write nowhere\/b\.bin/],
    ['more', /too many arguments/],
  ]
  const failures: readonly (readonly [string, RegExp])[] = [
    ['--broker nonsense', /SETTING_INVALID: 'nonsense' is no broker: write 'kafka:/],
    ['--broker kafka://127.0.0.1:1', /BROKER_UNREACHABLE: .*127\.0\.0\.1:1/],
  ]
  for (const [code, cases] of [
    [2, usage],
    [1, failures],
  ] as const)
    for (const [options, expected] of cases)
      test(options, async (t) => {
        const { err } = await bench(t, await newDirectory(), options, code)
        assert.match(err, expected)
        assert.doesNotMatch(err, /^ +at /m)
      })
})

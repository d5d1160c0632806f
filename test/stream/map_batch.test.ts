// stream.mapBatch(): batches through a kernel, in order, one ahead of it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EuphorionError } from '../../src/errors.ts'
import type { ColumnTypes } from '../../src/kernel/user/column_types.ts'
import { defineKernel } from '../../src/kernel/user/define.ts'
import type { Kernel } from '../../src/kernel/user/kernel.ts'
import { integer, optional, string } from '../../src/record/fields.ts'
import { record } from '../../src/record/record.ts'
import type { MapBatchOptions } from '../../src/stream/kernel_runs.ts'
import type { MappedBatch } from '../../src/stream/mapped_batches.ts'
import type { Stream } from '../../src/stream/stream.ts'
import { batchOf, type Fixture } from '../support/agents.ts'
import { type AnyBatch, batchesOf, type ReaderKind, recordAgent } from '../support/batch_agents.ts'
import { settle } from '../support/manual_clock.ts'

const Point = record('Point', { n: integer(), text: optional(string()) })
type Run = (stream: Stream<string, unknown>) => Promise<void>

const points = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => ({ n: from + i }))

/** mapBatch as programs without types call it. */
function mapped<Out>(
  stream: Stream<string, unknown>,
  kernel: unknown,
  options: MapBatchOptions = {},
): AsyncIterableIterator<MappedBatch<AnyBatch, Out>> {
  const map = stream.mapBatch as unknown as (kernel: unknown, options: MapBatchOptions) => unknown
  return map.call(stream, kernel, options) as AsyncIterableIterator<MappedBatch<AnyBatch, Out>>
}

const sum = defineKernel('sum', {
  columns: { n: 'f64' },
  run: ({ n }): number => n.reduce((all, each) => all + each, 0),
})

interface Started {
  readonly first: number
  readonly signal: AbortSignal | undefined
  finish(result: number): void
  fail(error: Error): void
}

/** A kernel whose runs end when the test says so. */
function heldKernel() {
  const started: Started[] = []
  const kernel: Kernel<ColumnTypes, number> = {
    name: 'held',
    columns: { n: 'f64' },
    run: ({ n }, options) =>
      new Promise((finish, fail) => {
        started.push({ first: Number(n[0]), signal: options?.signal, finish, fail })
      }),
    close: () => undefined,
  }
  return { kernel, started }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await settle()
}

for (const kind of ['decoded', 'extracted'] as const) mapTests(kind)

function mapTests(kind: ReaderKind): void {
  const agent = (run: Run, more: object = {}): Fixture<unknown> =>
    recordAgent(kind, Point.schema, run, more)

  test(`${kind}: each batch comes with what the kernel made of it, in order`, async () => {
    const got: [number, number][] = []
    const { partition } = agent(async (stream) => {
      for await (const { batch, result } of mapped<number>(stream, sum, { maxRecords: 3 }))
        got.push([batch.firstOffset, result])
    })
    await partition.push(batchOf(points(0, 8)))
    await partition.push(batchOf(points(8, 9), 8))
    await until(() => partition.acknowledged() === 9)
    await partition.close()
    assert.deepEqual(got, [
      [0, 3],
      [3, 12],
      [6, 13],
      [8, 8],
    ])
  })

  test(`${kind}: a run goes on while the loop has the one before, and holds nothing up`, async () => {
    const { kernel, started } = heldKernel()
    const got: number[] = []
    let pass = (): void => undefined
    const { partition } = agent(async (stream) => {
      for await (const { result } of mapped<number>(stream, kernel, { maxRecords: 2 })) {
        got.push(result)
        await new Promise<void>((resolve) => (pass = resolve))
      }
    })
    void partition.push(batchOf(points(0, 8)))
    await until(() => started.length === 1)
    assert.deepEqual([started[0].first, partition.acknowledged()], [0, 0])
    started[0].finish(10)
    await until(() => got.length === 1)
    await until(() => started.length === 2)
    assert.equal(started[1].first, 2)
    started[1].finish(20)
    for (let turns = 0; turns < 5; turns++) await settle()
    assert.equal(started.length, 2, 'one result is ahead, no more')
    assert.equal(partition.acknowledged(), 0)
    pass()
    await until(() => got.length === 2)
    assert.equal(partition.acknowledged(), 2)
    await until(() => started.length === 3)
    started[2].finish(30)
    pass()
    await until(() => got.length === 3)
    assert.equal(partition.acknowledged(), 4)
    await until(() => started.length === 4)
    pass()
    started[3].finish(40)
    await until(() => got.length === 4)
    pass()
    await until(() => partition.acknowledged() === 8)
    await partition.close()
    assert.deepEqual(got, [10, 20, 30, 40])
  })

  test(`${kind}: with concurrency several run at once, and their order stays`, async () => {
    const { kernel, started } = heldKernel()
    const got: number[] = []
    const { partition } = agent(async (stream) => {
      const options = { maxRecords: 1, concurrency: 3 }
      for await (const { result } of mapped<number>(stream, kernel, options)) got.push(result)
    })
    void partition.push(batchOf(points(0, 6)))
    await until(() => started.length === 3)
    for (const at of [2, 1]) started[at].finish(at)
    for (let turns = 0; turns < 5; turns++) await settle()
    assert.deepEqual([got, started.length, partition.acknowledged()], [[], 3, 0])
    started[0].finish(0)
    await until(() => started.length === 6)
    assert.deepEqual(got, [0, 1, 2])
    await until(() => partition.acknowledged() === 3)
    for (const at of [5, 4, 3]) started[at].finish(at)
    await until(() => partition.acknowledged() === 6)
    assert.deepEqual(got, [0, 1, 2, 3, 4, 5])
    await partition.close()
  })

  test(`${kind}: what a kernel rejects with stops the partition at its batch`, async () => {
    const { kernel, started } = heldKernel()
    const seen: number[] = []
    const { partition, stopped } = agent(async (stream) => {
      const options = { maxRecords: 2, concurrency: 2 }
      for await (const { batch } of mapped(stream, kernel, options)) seen.push(batch.firstOffset)
    })
    void partition.push(batchOf(points(0, 8)))
    await until(() => started.length === 2)
    started[1].fail(new EuphorionError('KERNEL_FAILED', 'two!'))
    for (let turns = 0; turns < 5; turns++) await settle()
    assert.equal(partition.stopped, false, 'the batch before it is not through yet')
    started[0].finish(0)
    await until(() => partition.stopped)
    assert.deepEqual(seen, [0])
    assert.equal(stopped[0].code, 'HANDLER_FAILED')
    assert.equal((stopped[0].cause as EuphorionError).code, 'KERNEL_FAILED')
    assert.equal(stopped[0].place.offset, 2)
    assert.equal(partition.acknowledged(), 2)
    assert.equal(started.at(-1)?.signal?.aborted, true)
    await partition.close()
  })

  test(`${kind}: leaving the loop ends its runs, and gives back what it has not seen`, async () => {
    const { kernel, started } = heldKernel()
    const got: unknown[] = []
    const { partition } = agent(async (stream) => {
      for await (const { batch } of mapped(stream, kernel, { maxRecords: 2, concurrency: 2 })) {
        got.push([...batch.column('n')])
        break
      }
      for await (const value of stream) {
        got.push((value as { n: number }).n)
        if (got.length === 4) break
      }
      for await (const batch of batchesOf(stream)) got.push([...batch.column('n')])
    })
    void partition.push(batchOf(points(0, 9)))
    await until(() => started.length === 2)
    started[0].finish(0)
    await until(() => partition.acknowledged() === 9)
    assert.equal(started[1].signal?.aborted, true)
    await partition.close()
    assert.deepEqual(got.slice(0, 4), [[0, 1], 2, 3, 4])
    assert.deepEqual((got.slice(4) as number[][]).flat(), [5, 6, 7, 8])
  })

  test(`${kind}: a loop that is left while nothing comes leaves nothing waiting`, async () => {
    const got: unknown[] = []
    const { partition } = agent(async (stream) => {
      const batches = mapped<number>(stream, sum)
      const first = batches.next()
      await assert.rejects(batches.next(), { code: 'APP_INVALID' })
      await settle()
      assert.equal((await batches.return?.())?.done, true)
      assert.equal((await first).done, true)
      assert.equal((await batches.next()).done, true)
      for await (const value of stream) got.push(value)
    })
    for (let turns = 0; turns < 5; turns++) await settle()
    await partition.push(batchOf(points(0, 2)))
    assert.deepEqual(got, points(0, 2))
    await partition.close()
  })

  test(`${kind}: a function that ends with batches ahead acknowledges none of them`, async () => {
    const { partition, stopped } = agent(async (stream) => {
      await mapped<number>(stream, sum, { maxRecords: 2 }).next()
    })
    void partition.push(batchOf(points(0, 8)))
    await until(() => partition.stopped)
    assert.match(stopped[0].message, /returned/)
    assert.equal(partition.acknowledged(), 2)
    await partition.close()
  })

  test(`${kind}: close ends a run that goes on, and its batch is not acknowledged`, async () => {
    const { kernel, started } = heldKernel()
    let left = false
    const { partition, stopped } = agent(async (stream) => {
      for await (const _ of mapped(stream, kernel, { maxRecords: 2 }));
      left = true
    })
    void partition.push(batchOf(points(0, 8)))
    await until(() => started.length === 1)
    await partition.close()
    assert.equal(left, true)
    assert.equal(started[0].signal?.aborted, true)
    assert.equal(partition.acknowledged(), 0)
    assert.deepEqual(stopped, [])
  })

  test(`${kind}: several functions share a partition, each with batches ahead`, async () => {
    const seen: number[] = []
    const { partition } = agent(
      async (stream) => {
        for await (const { batch, result } of mapped<number>(stream, sum, { maxRecords: 3 })) {
          assert.equal(
            result,
            [...(batch.column('n') as Float64Array)].reduce((a, b) => a + b),
          )
          seen.push(...(batch.column('n') as Float64Array))
        }
      },
      { concurrency: 3 },
    )
    for (let at = 0; at < 60; at += 20) await partition.push(batchOf(points(at, at + 20), at))
    await until(() => partition.acknowledged() === 60)
    assert.deepEqual(
      seen.sort((a, b) => a - b),
      points(0, 60).map(({ n }) => n),
    )
    await partition.close()
  })
}

test('a kernel that does not fit the record is refused at the start', async () => {
  const wrong = [
    [{ columns: { nothing: 'f64' } }, /no column 'nothing': it has n, text/],
    [{ columns: { n: 'f32' } }, /column n is declared f32, and the field is integer: f64/],
    [{ columns: { text: 'u8' } }, /field is string: text, which kernels do not take/],
  ] as const
  for (const [columns, message] of wrong) {
    const kernel = { name: 'unfit', run: () => Promise.resolve(1), close: () => 0, ...columns }
    const { partition, stopped } = recordAgent('decoded', Point.schema, async (stream) => {
      for await (const _ of mapped(stream, kernel));
    })
    await until(() => partition.stopped)
    const cause = stopped[0].cause as EuphorionError
    assert.equal(cause.code, 'APP_INVALID')
    assert.match(cause.message, message)
    await partition.close()
  }
  for (const concurrency of [0, 65, 1.5]) {
    const { partition, stopped } = recordAgent('decoded', Point.schema, async (stream) => {
      for await (const _ of mapped(stream, sum, { concurrency }));
    })
    await until(() => partition.stopped)
    assert.equal((stopped[0].cause as EuphorionError).code, 'APP_INVALID')
    await partition.close()
  }
})

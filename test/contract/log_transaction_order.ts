// The contract of several transactions on the same partitions: what waits for what, in which order
// it is read, at random and after a compaction. Run by transactionsContract.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { TransactionalProducer } from '../../src/log/log.ts'
import { appendTo, numbered, text, values } from '../support/log.ts'
import { committedValues, Followed, openTransactional, put } from '../support/transactions.ts'
import type { ContractContext } from './log.ts'

export function transactionOrderContract(context: ContractContext): void {
  openContract(context)
  randomContract(context)
  compactionContract(context)
}

function openContract(context: ContractContext): void {
  test('what is behind an open transaction waits for its end', async () => {
    const { log } = context
    const topic = await context.newTopic(2)
    const followed = await Followed.open(log, topic, [0, 1])
    const [slow, quick] = [await openTransactional(log), await openTransactional(log)]
    await put(slow, topic, 0, 'first')
    await put(quick, topic, 0, 'second')
    await put(quick, topic, 1, 'other partition')
    await quick.commit()
    await appendTo(log, topic, 0, [{ ...numbered(1)[0], value: text('third') }])
    await followed.toEnd([1])
    assert.deepEqual(followed.values(1), ['other partition'])
    assert.deepEqual(followed.values(0), [])
    assert.deepEqual(await log.read(topic, 0, 0), [])
    const reached = followed.toEnd([0])
    await slow.commit()
    await reached
    assert.deepEqual(followed.values(0), ['first', 'second', 'third'])
    await Promise.all([slow.close(), quick.close(), followed.close()])
  })

  test('transactions of two ids on one partition do not touch each other', async () => {
    const { log } = context
    const topic = await context.newTopic()
    const [left, right] = [await openTransactional(log), await openTransactional(log)]
    await put(left, topic, 0, 'l0')
    await put(right, topic, 0, 'r0')
    await put(left, topic, 0, 'l1')
    await right.abort()
    await put(right, topic, 0, 'r1')
    await put(left, topic, 0, 'l2')
    await left.commit()
    await put(left, topic, 0, 'l3')
    await right.commit()
    await left.abort()
    assert.deepEqual(await committedValues(log, topic), ['l0', 'l1', 'r1', 'l2'])
    await Promise.all([left.close(), right.close()])
  })

  test('a reader that begins in the middle passes the rest of an aborted transaction', async () => {
    const { log } = context
    const topic = await context.newTopic()
    const producer = await openTransactional(log)
    for (const turn of [0, 1, 2, 3]) await put(producer, topic, 0, `dropped${turn}`)
    await producer.abort()
    await put(producer, topic, 0, 'kept')
    await producer.commit()
    for (const offset of [1, 3, 4]) {
      const followed = await Followed.open(log, topic, [])
      followed.seek(0, offset)
      await followed.toEnd([0])
      assert.deepEqual(followed.values(0), ['kept'])
      await followed.close()
    }
  })
}

type Step = { readonly producer: number } & (
  | { readonly kind: 'append'; readonly partition: number; readonly count: number }
  | { readonly kind: 'commit' | 'abort' }
)

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      producer: fc.nat(1),
      partition: fc.nat(1),
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('commit' as const, 'abort' as const),
      producer: fc.nat(1),
    }),
  },
)
const runs = 6

/** Takes the steps in turn; the values that count, by partition, in the order of their appends. */
async function take(
  steps: readonly Step[],
  producers: readonly TransactionalProducer[],
  topic: string,
): Promise<string[][]> {
  const appended: { readonly value: string; readonly partition: number; counts: boolean }[] = []
  const open: (typeof appended)[] = [[], []]
  let next = 0
  for (const each of steps) {
    const producer = producers[each.producer]
    if (each.kind === 'append') {
      const records = numbered(each.count, 'v', next)
      await producer.append(topic, each.partition, records)
      for (const value of values(records.map((record) => ({ ...record, offset: 0 })))) {
        const one = { value: value!, partition: each.partition, counts: false }
        appended.push(one)
        open[each.producer].push(one)
      }
      next += each.count
      continue
    }
    await producer[each.kind]()
    for (const one of open[each.producer].splice(0)) one.counts = each.kind === 'commit'
  }
  await Promise.all(producers.map((producer) => producer.abort()))
  return [0, 1].map((partition) =>
    appended.filter((one) => one.counts && one.partition === partition).map(({ value }) => value),
  )
}

function randomContract(context: ContractContext): void {
  test('whatever two producers do, exactly what was committed is read, in order', async () => {
    const { log } = context
    const producers = [await openTransactional(log), await openTransactional(log)]
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
        const topic = await context.newTopic(2)
        const followed = await Followed.open(log, topic, [0, 1])
        const expected = await take(steps, producers, topic)
        await followed.toEnd([0, 1])
        assert.deepEqual([followed.values(0), followed.values(1)], expected)
        await followed.close()
      }),
      { numRuns: runs, endOnFailure: true },
    )
    await Promise.all(producers.map((producer) => producer.close()))
  })
}

function compactionContract(context: ContractContext): void {
  const { compact } = context.options
  if (compact === undefined) return
  test('compaction keeps the last committed value of a key, whatever was aborted', async () => {
    const { log } = context
    const topic = await context.newTopic(1, undefined, { cleanup: 'compact' })
    const producer = await openTransactional(log)
    const keyed = (from: number, value: string) =>
      [from, from + 1].map((key) => ({ key: text(`k${key}`), value: text(value), timestamp: 1 }))
    for (const [from, value, end] of [
      [0, 'old', 'commit'],
      [1, 'committed', 'commit'],
      [0, 'dropped', 'abort'],
      [3, 'dropped', 'abort'],
      [2, 'newest', 'commit'],
    ] as const) {
      await producer.append(topic, 0, keyed(from, value))
      await producer[end]()
    }
    await producer.append(topic, 0, [{ key: text('k1'), value: null, timestamp: 2 }])
    await producer.abort()
    await compact(log, topic)
    const followed = await Followed.open(log, topic, [0], {
      ...(context.options.inflate && { inflate: context.options.inflate }),
    })
    await followed.toEnd([0])
    assert.deepEqual(
      followed.records.map(({ key, value }) => `${key} ${value}`),
      ['k0 old', 'k1 committed', 'k2 newest', 'k3 newest'],
    )
    // the producer goes on, and what it writes then counts
    await producer.append(topic, 0, keyed(0, 'after'))
    await producer.commit()
    await followed.toEnd([0])
    assert.deepEqual(followed.values(0).slice(4), ['after', 'after'])
    await Promise.all([producer.close(), followed.close()])
  })
}

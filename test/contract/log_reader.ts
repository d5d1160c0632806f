// The contract of LogReader, which reads partitions without a group. What it gives of transactions
// is in log_transactions.ts. Run by transactionsContract.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { appendTo, everything, numbered, Reader, rejectsWith, values } from '../support/log.ts'
import { Followed } from '../support/transactions.ts'
import type { ContractContext } from './log.ts'

export function readerContract(context: ContractContext): void {
  positionContract(context)
  callContract(context)
}

function positionContract(context: ContractContext): void {
  test('partitions are read from where they were added, until they are removed', async () => {
    const { log } = context
    const topic = await context.newTopic(3)
    for (const partition of [0, 1, 2])
      await appendTo(log, topic, partition, numbered(20, `${partition}-`))
    const followed = await Followed.open(log, topic, [0])
    followed.seek(1, 15)
    await followed.toEnd([0, 1])
    assert.equal(followed.values(0).length, 20)
    assert.deepEqual(followed.values(1), ['1-15', '1-16', '1-17', '1-18', '1-19'])
    followed.reader.remove(topic, 0)
    await appendTo(log, topic, 0, numbered(1, 'unread'))
    await appendTo(log, topic, 1, numbered(1, 'new'))
    await followed.toEnd([1])
    assert.deepEqual(followed.values(0).length, 20)
    assert.equal(followed.values(1).at(-1), 'new0')
    assert.deepEqual(followed.values(2), [])
    await followed.close()
  })

  test('a partition that is added again goes on from there, back or forth', async () => {
    const { log } = context
    const topic = await context.newTopic()
    for (const turn of [0, 1, 2]) await appendTo(log, topic, 0, numbered(10, 'v', turn * 10))
    const followed = await Followed.open(log, topic, [0])
    await followed.toEnd([0])
    assert.deepEqual(followed.values(0), values(stored(30)))
    followed.seek(0, 25)
    await followed.toEnd([0])
    assert.deepEqual(followed.values(0).slice(30), values(stored(30)).slice(25))
    followed.reader.remove(topic, 0)
    followed.seek(0, 29)
    await followed.toEnd([0])
    assert.deepEqual(followed.values(0).slice(35), ['v29'])
    await followed.close()
  })

  test('a position outside the log is an error, once, and others are read on', async () => {
    const { log } = context
    const topic = await context.newTopic(2)
    const followed = await Followed.open(log, topic, [])
    await appendTo(log, topic, 0, numbered(3))
    await appendTo(log, topic, 1, numbered(3))
    followed.seek(0, 100)
    const outside = followed.reader.fetch(new Uint8Array(1000), everything)
    await assert.rejects(outside, rejectsWith('OFFSET_OUT_OF_RANGE'))
    followed.seek(1, 0)
    await followed.toEnd([1])
    assert.equal(followed.values(1).length, 3)
    followed.seek(0, 1)
    await followed.toEnd([0])
    assert.deepEqual(followed.values(0), ['v1', 'v2'])
    await followed.close()
  })
}

function callContract(context: ContractContext): void {
  test('a target that is too small is told how much is needed', async () => {
    const { log } = context
    const topic = await context.newTopic()
    await appendTo(log, topic, 0, [{ ...numbered(1)[0], value: Buffer.alloc(3000, 'x') }])
    const reader = await log.reader()
    reader.add(topic, 0, 0)
    const result = await reader.fetch(new Uint8Array(100), everything)
    assert.ok(result.kind === 'too-small' && result.neededBytes > 3000)
    assert.deepEqual([result.topic, result.partition], [topic, 0])
    const again = await reader.fetch(new Uint8Array(result.neededBytes), everything)
    assert.equal(again.kind, 'batches')
    await reader.close()
  })

  test('only wanted partitions are given, and wake() asks again', async () => {
    const { log } = context
    const topic = await context.newTopic(2)
    for (const partition of [0, 1])
      await appendTo(log, topic, partition, numbered(3, `${partition}-`))
    const reader = await log.reader()
    const source = { ...reader, fetch: reader.fetch.bind(reader), seek: reader.add.bind(reader) }
    const taking = new Reader(source)
    reader.add(topic, 0, 0)
    reader.add(topic, 1, 0)
    let wanted = 1
    const wants = (_: string, partition: number) => partition === wanted
    assert.deepEqual(values(await taking.take(3, wants)), ['1-0', '1-1', '1-2'])
    const taken = taking.take(3, wants)
    wanted = 0
    reader.wake()
    assert.deepEqual(values(await taken), ['0-0', '0-1', '0-2'])
    await reader.close()
  })

  test('a fetch ends when its signal aborts, and all end with the reader', async () => {
    const { log } = context
    const topic = await context.newTopic()
    const reader = await log.reader()
    reader.add(topic, 0, 0)
    const aborter = new AbortController()
    const aborted = reader.fetch(new Uint8Array(1000), everything, aborter.signal)
    aborter.abort()
    assert.equal((await aborted).kind, 'closed')
    const waiting = reader.fetch(new Uint8Array(1000), everything)
    await reader.close()
    assert.equal((await waiting).kind, 'closed')
    assert.equal((await reader.fetch(new Uint8Array(1000), everything)).kind, 'closed')
  })
}

const stored = (count: number) => numbered(count).map((record, offset) => ({ ...record, offset }))

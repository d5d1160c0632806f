// The contract of a group's offsets inside transactions: they count with the rest, in the name of a
// member that is one still. Run by transactionsContract.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deferred } from '../../src/deferred.ts'
import type { EuphorionError } from '../../src/errors.ts'
import type { LogConsumer, StartPosition, TransactionalProducer } from '../../src/log/log.ts'
import { openConsumer, rejectsWith, unique, Watch } from '../support/log.ts'
import { committedValues, openTransactional, put } from '../support/transactions.ts'
import type { ContractContext } from './log.ts'

export function transactionOffsetsContract(context: ContractContext): void {
  endContract(context)
  memberContract(context)
  rebalanceContract(context)
}

interface Member {
  readonly consumer: LogConsumer
  readonly owned: Set<number>
  readonly committed: Map<number, number | undefined>
  readonly watch: Watch
}

/** A member of the group that reads nothing. `revoked` is awaited before it gives partitions up. */
async function join(
  { log }: ContractContext,
  topic: string,
  groupId: string,
  revoked = async (_partitions: readonly number[], _member: Member) => {},
): Promise<Member> {
  const [owned, committed, watch] = [new Set<number>(), new Map(), new Watch()]
  const joined = deferred<Member>()
  const consumer = await openConsumer(log, [topic], {
    groupId,
    onAssigned: async (partitions) => {
      for (const each of partitions) {
        owned.add(each.partition)
        committed.set(each.partition, each.committed)
      }
      watch.changed()
      return []
    },
    onRevoked: async (partitions, lost) => {
      const gone = partitions.map(({ partition }) => partition)
      if (!lost) await revoked(gone, await joined.promise)
      for (const partition of gone) owned.delete(partition)
      watch.changed()
    },
  })
  const member = { consumer, owned, committed, watch }
  joined.resolve(member)
  return member
}

async function commitOffset(
  producer: TransactionalProducer,
  consumer: LogConsumer,
  offsets: readonly StartPosition[],
): Promise<void> {
  await producer.commitOffsets(consumer, offsets)
  await producer.commit()
}

function endContract(context: ContractContext): void {
  test('offsets count with the records of their transaction, or not at all', async () => {
    const { log } = context
    const topic = await context.newTopic(3)
    const groupId = unique('group')
    const { consumer, owned, watch } = await join(context, topic, groupId)
    await watch.until(() => owned.size === 3)
    const producer = await openTransactional(log)
    await put(producer, topic, 0, 'kept')
    await producer.commitOffsets(consumer, [
      { topic, partition: 0, offset: 5 },
      { topic, partition: 2, offset: 7 },
    ])
    await producer.commit()
    const committed = async () => [...(await log.committed(groupId, topic))].sort()
    assert.deepEqual(await committed(), [
      [0, 5],
      [2, 7],
    ])
    await put(producer, topic, 0, 'dropped')
    await producer.commitOffsets(consumer, [{ topic, partition: 0, offset: 50 }])
    await producer.abort()
    assert.deepEqual(await committed(), [
      [0, 5],
      [2, 7],
    ])
    assert.equal(producer.isOpen, false)
    await producer.commitOffsets(consumer, [{ topic, partition: 1, offset: 9 }])
    assert.equal(producer.isOpen, true)
    await producer.commit()
    assert.deepEqual(await committed(), [
      [0, 5],
      [1, 9],
      [2, 7],
    ])
    assert.deepEqual(await committedValues(log, topic), ['kept'])
    await Promise.all([producer.close(), consumer.close()])
  })

  test('offsets that a transaction is about to change are waited for', async () => {
    const { log } = context
    const topic = await context.newTopic()
    const groupId = unique('group')
    const { consumer, owned, watch } = await join(context, topic, groupId)
    await watch.until(() => owned.size === 1)
    const producer = await openTransactional(log)
    await producer.commitOffsets(consumer, [{ topic, partition: 0, offset: 3 }])
    let told: number | undefined
    const asked = log.committed(groupId, topic).then((offsets) => {
      told = offsets.get(0)
      return told
    })
    // others are answered meanwhile
    await log.committed(unique('group'), topic)
    await committedValues(log, topic)
    assert.equal(told, undefined)
    await producer.commit()
    assert.equal(await asked, 3)
    await Promise.all([producer.close(), consumer.close()])
  })
}

function memberContract(context: ContractContext): void {
  test('offsets of partitions that another member has are refused', async () => {
    const { log } = context
    const topic = await context.newTopic(2)
    const groupId = unique('group')
    const one = await join(context, topic, groupId)
    await one.watch.until(() => one.owned.size === 2)
    const two = await join(context, topic, groupId)
    await Promise.all([
      one.watch.until(() => one.owned.size === 1),
      two.watch.until(() => two.owned.size === 1),
    ])
    const [kept] = one.owned
    const producer = await openTransactional(log)
    const refused = producer.commitOffsets(one.consumer, [
      { topic, partition: 1 - kept, offset: 99 },
    ])
    await assert.rejects(refused, rejectsWith('LOG_FAILED'))
    await producer.abort()
    await commitOffset(producer, one.consumer, [{ topic, partition: kept, offset: 3 }])
    await commitOffset(producer, two.consumer, [{ topic, partition: 1 - kept, offset: 4 }])
    const committed = await log.committed(groupId, topic)
    assert.deepEqual([committed.get(kept), committed.get(1 - kept)], [3, 4])
    await Promise.all([producer.close(), one.consumer.close(), two.consumer.close()])
  })

  test('offsets of a member that has left its group are refused', async () => {
    const { log } = context
    const topic = await context.newTopic()
    const groupId = unique('group')
    const { consumer, owned, watch } = await join(context, topic, groupId)
    await watch.until(() => owned.size === 1)
    await consumer.close()
    const producer = await openTransactional(log)
    await put(producer, topic, 0, 'dropped')
    const refused = producer.commitOffsets(consumer, [{ topic, partition: 0, offset: 1 }])
    await assert.rejects(refused, rejectsWith('LOG_FAILED'))
    await assert.rejects(producer.commit(), rejectsWith('TRANSACTION_ABORTED'))
    assert.deepEqual(await committedValues(log, topic), [])
    assert.equal((await log.committed(groupId, topic)).size, 0)
    await producer.close()
  })
}

function rebalanceContract(context: ContractContext): void {
  test('what a member commits while it is revoked, its successor is told', async () => {
    const { log } = context
    const topic = await context.newTopic(2)
    const groupId = unique('group')
    const producer = await openTransactional(log)
    const one = await join(context, topic, groupId, async (partitions, { consumer }) => {
      const offsets = partitions.map((partition) => ({ topic, partition, offset: 40 + partition }))
      await commitOffset(producer, consumer, offsets)
    })
    await one.watch.until(() => one.owned.size === 2)
    const two = await join(context, topic, groupId)
    await two.watch.until(() => two.owned.size === 1)
    const [moved] = two.owned
    assert.equal(two.committed.get(moved), 40 + moved)
    await one.consumer.close()
    await two.watch.until(() => two.owned.size === 2)
    assert.equal(two.committed.get(1 - moved), 41 - moved)
    await Promise.all([two.consumer.close(), producer.close()])
  })

  test('a rebalance is waited out for partitions that stay', async () => {
    const { log } = context
    const topic = await context.newTopic(4)
    const groupId = unique('group')
    const one = await join(context, topic, groupId)
    await one.watch.until(() => one.owned.size === 4)
    const stays = new Set(one.owned)
    const producer = await openTransactional(log)
    let isSettled = false
    const second = join(context, topic, groupId).then(async (two) => {
      await two.watch.until(() => two.owned.size === 2)
      isSettled = true
      return two
    })
    const last = new Map<number, number>()
    for (let offset = 1; !isSettled || offset < 10; offset++)
      for (const partition of stays) {
        try {
          await commitOffset(producer, one.consumer, [{ topic, partition, offset }])
          last.set(partition, offset)
        } catch (error) {
          assert.equal((error as EuphorionError).code, 'LOG_FAILED', (error as Error).stack)
          assert.ok(!one.owned.has(partition), `${partition} stays, and was refused`)
          stays.delete(partition)
          await producer.abort()
        }
      }
    const two = await second
    assert.deepEqual([...stays].sort(), [...one.owned].sort())
    const committed = await log.committed(groupId, topic)
    for (const partition of stays) assert.equal(committed.get(partition), last.get(partition))
    await Promise.all([one.consumer.close(), two.consumer.close(), producer.close()])
  })
}

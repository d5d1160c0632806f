// The contract of a consumer whose topics change while it reads. Run by logContract.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConsumerOptions, LogConsumer } from '../../src/log/log.ts'
import {
  appendTo,
  numbered,
  openConsumer,
  Reader,
  rejectsWith,
  unique,
  values,
  Watch,
} from '../support/log.ts'
import type { ContractContext } from './log.ts'

export function subscribeContract(context: ContractContext): void {
  test('a topic that is subscribed to later is read; the others are not given up', async () => {
    const [first, second] = [await context.newTopic(2), await context.newTopic(2)]
    await appendTo(context.log, second, 1, numbered(3, 'second'))
    const member = await open(context, [first])
    if (member === undefined) return
    await member.until(`${first}/0`, `${first}/1`)
    const reader = new Reader(member.consumer)
    const taking = reader.take(3)
    await member.consumer.subscribe([first, second])
    assert.deepEqual(values(await taking), ['second0', 'second1', 'second2'])
    await appendTo(context.log, first, 0, numbered(1, 'first'))
    assert.deepEqual(values(await reader.take(1)), ['first0'])
    assert.deepEqual(member.revoked, [])
    await member.close()
  })

  test('what is left out is given up, with its offsets, and begins there again', async () => {
    const [kept, left] = [await context.newTopic(), await context.newTopic()]
    await appendTo(context.log, left, 0, numbered(5, 'left'))
    const member = await open(context, [kept, left])
    if (member === undefined) return
    await member.until(`${kept}/0`, `${left}/0`)
    const reader = new Reader(member.consumer)
    await reader.take(5)
    member.commits.set(left, 3)
    await member.consumer.subscribe([kept])
    assert.deepEqual(member.revoked, [`${left}/0`])
    assert.equal((await context.log.committed(member.groupId, left)).get(0), 3)
    await appendTo(context.log, kept, 0, numbered(1, 'kept'))
    assert.deepEqual(values(await reader.take(1)), ['kept0'])
    reader.positions.delete(`${left}/0`)
    await member.consumer.subscribe([kept, left])
    assert.deepEqual(values((await reader.take(2)).slice(-2)), ['left3', 'left4'])
    await member.close()
  })

  test('who is not subscribed to a topic gets none of it; all that are, share it', async () => {
    const [common, own] = [await context.newTopic(4), await context.newTopic(4)]
    const one = await open(context, [common])
    if (one === undefined) return
    const two = await Member.open(context, [common], one.groupId)
    await one.count(common, 2)
    await two.count(common, 2)
    await one.consumer.subscribe([common, own])
    await one.count(own, 4)
    assert.equal(two.held.size, 2)
    await two.consumer.subscribe([common, own])
    // side by side with the other topic of as many partitions
    await Promise.all([one.pairs(common, own, 2), two.pairs(common, own, 2)])
    await Promise.all([one.close(), two.close()])
  })

  test('a deleted topic that was left out is read again when it is made anew', async () => {
    const { log } = context
    const [kept, doomed] = [await context.newTopic(), await context.newTopic()]
    await appendTo(log, doomed, 0, numbered(4, 'old'))
    const member = await open(context, [kept, doomed])
    if (member === undefined) return
    const reader = new Reader(member.consumer)
    await reader.take(4)
    await log.deleteTopic(doomed)
    await assert.rejects(reader.take(1), rejectsWith('TOPIC_DELETED'))
    await member.consumer.subscribe([kept])
    await log.createTopic(doomed, { partitions: 1 })
    await appendTo(log, doomed, 0, numbered(2, 'new'))
    reader.positions.delete(`${doomed}/0`)
    await member.consumer.subscribe([kept, doomed])
    assert.deepEqual(values(await reader.take(2)), ['new0', 'new1'])
    await member.close()
  })

  test('a consumer of no topics waits until it has some', async () => {
    const topic = await context.newTopic()
    await appendTo(context.log, topic, 0, numbered(1))
    const member = await open(context, [])
    if (member === undefined) return
    const reader = new Reader(member.consumer)
    const taking = reader.take(1)
    await member.consumer.subscribe([topic])
    assert.deepEqual(values(await taking), ['v0'])
    await member.close()
  })
}

/** Undefined, once it has been refused, where the driver cannot change the topics. */
async function open(context: ContractContext, topics: string[]): Promise<Member | undefined> {
  const canChange = context.log.capabilities.driver !== 'kafkajs'
  if (!canChange && topics.length === 0) return undefined
  const member = await Member.open(context, topics)
  if (canChange) return member
  await member.until(`${topics[0]}/0`)
  await assert.rejects(member.consumer.subscribe([]), rejectsWith('CAPABILITY_MISSING'))
  await member.close()
  return undefined
}

/** A member that notes what it is given and what it gives up, where it commits `commits`. */
class Member {
  readonly groupId: string
  readonly held = new Set<string>()
  readonly revoked: string[] = []
  /** Offsets by topic, of partition 0. */
  readonly commits = new Map<string, number>()
  readonly #watch = new Watch()
  #consumer: LogConsumer | undefined

  static async open(
    { log }: ContractContext,
    topics: readonly string[],
    groupId = unique('group'),
  ): Promise<Member> {
    const member = new Member(groupId)
    member.#consumer = await openConsumer(log, topics, { groupId, ...member.#callbacks() })
    return member
  }

  private constructor(groupId: string) {
    this.groupId = groupId
  }

  get consumer(): LogConsumer {
    assert.ok(this.#consumer)
    return this.#consumer
  }

  #callbacks(): Pick<ConsumerOptions, 'onAssigned' | 'onRevoked'> {
    return {
      onAssigned: async (partitions) => {
        for (const { topic, partition } of partitions) this.held.add(`${topic}/${partition}`)
        this.#watch.changed()
        return []
      },
      onRevoked: async (partitions) => {
        for (const { topic, partition } of partitions) {
          const offset = this.commits.get(topic)
          if (offset !== undefined) await this.consumer.commit([{ topic, partition: 0, offset }])
          this.held.delete(`${topic}/${partition}`)
          this.revoked.push(`${topic}/${partition}`)
        }
        this.#watch.changed()
      },
    }
  }

  until(...keys: readonly string[]): Promise<void> {
    return this.#watch.until(() => keys.every((key) => this.held.has(key)))
  }

  /** Waits until it has so many partitions of the topic. */
  count(topic: string, count: number): Promise<void> {
    return this.#watch.until(() => this.#numbers(topic).length === count)
  }

  /** Waits until it has so many of both, the same of each. */
  pairs(topic: string, other: string, count: number): Promise<void> {
    return this.#watch.until(() => {
      const numbers = this.#numbers(topic)
      return numbers.length === count && numbers.join() === this.#numbers(other).join()
    })
  }

  #numbers(topic: string): string[] {
    const isOf = (key: string) => key.startsWith(`${topic}/`)
    const keys = [...this.held].filter(isOf)
    return keys.map((key) => key.slice(topic.length + 1)).sort()
  }

  close(): Promise<void> {
    return this.consumer.close()
  }
}

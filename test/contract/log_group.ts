// The contract of several consumers in one group: partitions are shared, and never two members'
// at once. Run by logContract.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Log, LogConsumer } from '../../src/log/log.ts'
import {
  appendTo,
  numbered,
  openConsumer,
  Reader,
  rejectsWith,
  unique,
  Watch,
} from '../support/log.ts'
import type { ContractContext } from './log.ts'

export function groupContract(context: ContractContext): void {
  test('two members share the partitions; revoking ends before the other is assigned', async () => {
    const { log } = context
    const topic = await context.newTopic(4)
    const group = new Group(log, topic)
    const one = await group.join()
    await group.watch.until(() => one.owned.size === 4)
    const two = await group.join()
    await group.watch.until(() => one.owned.size === 2 && two.owned.size === 2)
    assert.deepEqual([...one.owned, ...two.owned].sort(), [0, 1, 2, 3])
    for (const partition of [0, 1, 2, 3])
      await appendTo(log, topic, partition, numbered(10, `${partition}-`))
    await group.watch.until(() => one.taken.size + two.taken.size === 40)
    await two.close()
    await group.watch.until(() => one.owned.size === 4)
    await one.close()
    assert.deepEqual(group.faults, [])
  })

  test('offsets of a group can be forgotten when it has no members', async () => {
    const { log } = context
    const topic = await context.newTopic(2)
    const group = new Group(log, topic)
    await log.forgetGroup(group.id)
    const member = await group.join()
    await group.watch.until(() => member.owned.size === 2)
    await assert.rejects(log.forgetGroup(group.id), rejectsWith('LOG_FAILED'))
    // It commits where it stands.
    await member.close()
    assert.equal((await log.committed(group.id, topic)).size, 2)
    await log.forgetGroup(group.id)
    assert.deepEqual([...(await log.committed(group.id, topic))], [])
    assert.deepEqual(group.faults, [])
  })

  test('what a member commits while it is revoked, its successor is told', async () => {
    const { log } = context
    const topic = await context.newTopic(2)
    for (const partition of [0, 1]) await appendTo(log, topic, partition, numbered(10))
    const group = new Group(log, topic)
    const one = await group.join()
    await group.watch.until(() => one.taken.size === 20)
    const two = await group.join()
    await group.watch.until(() => two.owned.size === 1)
    const [moved] = two.owned
    assert.equal(two.committed.get(moved), 10)
    await appendTo(log, topic, moved, numbered(1, 'new'))
    await group.watch.until(() => two.taken.size === 1)
    assert.ok(two.taken.has(`${moved}:10`))
    await Promise.all([one.close(), two.close()])
    assert.deepEqual(group.faults, [])
    assert.equal((await log.committed(group.id, topic)).get(moved), 11)
  })

  test("each round is told first: what is the member's own, and where it can be asked", async () => {
    const { log } = context
    const topic = await context.newTopic(2)
    const rounds: string[] = []
    const watch = new Watch()
    const consumer = await openConsumer(log, [topic], {
      groupId: unique('group'),
      member: { ...facts, address: 'here:1', stateful: [topic] },
      onGroup: ({ actives, hosts, warmups }) => {
        assert.deepEqual(hosts, [{ address: 'here:1', actives, standbys: [] }])
        assert.deepEqual(warmups, [])
        rounds.push(`told ${actives.length}`)
      },
      onAssigned: async (partitions) => {
        rounds.push(`assigned ${partitions.length}`)
        watch.changed()
        return []
      },
    })
    await watch.until(() => rounds.includes('assigned 2'))
    assert.deepEqual(rounds.slice(rounds.indexOf('told 2')), ['told 2', 'assigned 2'])
    await consumer.close()
  })

  test('a consumer says which partitions have something behind its position', async () => {
    const { log } = context
    const topic = await context.newTopic(3)
    await appendTo(log, topic, 0, numbered(10))
    await appendTo(log, topic, 1, numbered(5))
    const consumer = await openConsumer(log, [topic])
    if (consumer.unread === undefined) return consumer.close()
    const reader = new Reader(consumer)
    await reader.take(15)
    assert.deepEqual(await consumer.unread(topic), new Map())
    await appendTo(log, topic, 1, numbered(2))
    assert.deepEqual(await consumer.unread(topic), new Map([[1, 7]]))
    consumer.reconnect?.(topic, 1)
    assert.equal((await reader.take(2)).length, 2)
    assert.deepEqual(await consumer.unread(topic), new Map())
    await consumer.close()
  })

  test('consumers of different groups do not share', async () => {
    const { log } = context
    const topic = await context.newTopic(2)
    const [left, right] = [new Group(log, topic), new Group(log, topic)]
    const members = [await left.join(), await right.join()]
    await left.watch.until(() => members[0].owned.size === 2)
    await right.watch.until(() => members[1].owned.size === 2)
    await Promise.all(members.map((member) => member.close()))
  })
}

const facts = {
  transactionalId: '',
  address: '',
  stateful: [],
  standbyReplicas: 0,
  warmupReplicas: 0,
  acceptableLag: 0,
  held: () => [],
}

interface Member {
  readonly owned: Set<number>
  readonly committed: Map<number, number | undefined>
  /** partition:offset of every record read. */
  readonly taken: Set<string>
  close(): Promise<void>
}

/** Members that read all they get, commit when revoked, and note every breach of the contract. */
class Group {
  readonly id = unique('group')
  readonly log: Log
  readonly topic: string
  readonly watch = new Watch()
  readonly faults: string[] = []
  readonly #owners = new Map<number, number>()
  #members = 0

  constructor(log: Log, topic: string) {
    this.log = log
    this.topic = topic
  }

  async join(): Promise<Member> {
    const { topic, watch, faults } = this
    const number = this.#members++
    const owned = new Set<number>()
    const committed = new Map<number, number | undefined>()
    const taken = new Set<string>()
    let consumer: LogConsumer | undefined
    const positions = new Map<number, number>()
    consumer = await openConsumer(this.log, [topic], {
      groupId: this.id,
      onAssigned: async (partitions) => {
        for (const { partition, committed: offset } of partitions) {
          const owner = this.#owners.get(partition)
          if (owner !== undefined) faults.push(`${partition} given to ${number}, is ${owner}'s`)
          this.#owners.set(partition, number)
          committed.set(partition, offset)
          positions.set(partition, offset ?? 0)
          owned.add(partition)
        }
        watch.changed()
        return []
      },
      onRevoked: async (partitions) => {
        const offsets = partitions.map(({ partition }) => ({
          topic,
          partition,
          offset: positions.get(partition)!,
        }))
        await consumer?.commit(offsets)
        for (const { partition } of partitions) {
          if (!owned.delete(partition)) faults.push(`${partition} was not ${number}'s`)
          this.#owners.delete(partition)
        }
        watch.changed()
      },
    })
    const reading = this.#read(consumer, { owned, positions, taken })
    const close = async () => {
      await consumer?.close()
      await reading
    }
    return { owned, committed, taken, close }
  }

  async #read(
    consumer: LogConsumer,
    state: Pick<Member, 'owned' | 'taken'> & { positions: Map<number, number> },
  ) {
    const reader = new Reader(consumer)
    for (;;) {
      for (const [partition, offset] of state.positions)
        reader.positions.set(`${this.topic}/${partition}`, offset)
      const records = await reader.fetch()
      if (!records) return
      for (const { partition, offset } of records) {
        if (!state.owned.has(partition)) this.faults.push(`${partition} read but not owned`)
        if (offset < (state.positions.get(partition) ?? 0)) continue
        state.taken.add(`${partition}:${offset}`)
        state.positions.set(partition, offset + 1)
      }
      this.watch.changed()
    }
  }
}

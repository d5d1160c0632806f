// Memberships on a real Kafka: members of one group in processes of their own, which join, leave,
// stand still, are stopped and continued.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { deferred } from '../../src/deferred.ts'
import { Cluster } from '../../src/log/kafka/cluster.ts'
import { Membership } from '../../src/log/kafka/membership.ts'
import { heartbeatRequest } from '../../src/wire/requests/heartbeat.ts'
import { leaveGroupRequest } from '../../src/wire/requests/leave_group.ts'
import { useKafka } from '../support/kafka.ts'
import { createTopic, withAdmin } from '../support/kafka_admin.ts'
import { rejectsWith, unique, Watch } from '../support/log.ts'
import { MemberProcess, type WorkerChoice } from '../support/member_process.ts'

const kafka = await useKafka()
if (kafka) {
  const { brokers } = kafka
  const processes: MemberProcess[] = []
  after(async () => {
    await Promise.all(processes.map((one) => one.kill()))
    await kafka.stop()
  })

  /** A topic of its own, with a group. */
  const newGroup = async (partitions: number) => {
    const topic = unique('topic')
    const groupId = unique('group')
    await createTopic(brokers, topic, { partitions })
    const join = (choice: Partial<WorkerChoice> = {}) => {
      const one = new MemberProcess(brokers, { groupId, topics: [topic], ...choice })
      processes.push(one)
      return one
    }
    return { topic, groupId, join, members: () => members(groupId) }
  }

  const members = (groupId: string) =>
    withAdmin(brokers, async (admin) => (await admin.describeGroups([groupId])).groups[0].members)

  test('members come and go; only what moves is revoked, and its offsets go with it', async () => {
    const { topic, groupId, join } = await newGroup(6)
    const first = join()
    await first.holds(6)
    const second = join()
    await Promise.all([first.holds(3), second.holds(3)])
    const third = join()
    await Promise.all([first, second, third].map((one) => one.holds(2)))
    assert.deepEqual([...first.held, ...second.held, ...third.held].sort(), [0, 1, 2, 3, 4, 5])
    // Three for the second, one for the third; and one of the second's.
    assert.equal(first.said('revoked').flatMap(({ gone }) => gone).length, 4)
    assert.equal(second.said('revoked').flatMap(({ gone }) => gone).length, 1)
    second.order('close')
    assert.equal(await second.ended(), 0)
    await Promise.all([first.holds(3), third.holds(3)])
    third.signal('SIGKILL')
    await first.holds(6)
    const committed = await withAdmin(brokers, (admin) =>
      admin.fetchOffsets({ groupId, topics: [topic] }),
    )
    const offsets = committed[0].partitions.map(({ offset }) => offset)
    assert.ok(offsets.filter((offset) => offset === '7').length >= 4)
  })

  test('a busy main thread causes no rebalance, and one that others cause goes on', async () => {
    const { groupId, join, members } = await newGroup(4)
    const [busy, free] = [join(), join()]
    await Promise.all([busy.holds(2), free.holds(2)])
    const before = await members()
    const generation = await generationOf(groupId, free, before)
    const lines = busy.lines.length + free.lines.length
    busy.order('block 4000')
    await busy.until(() => busy.said('unblocked').length === 1)
    assert.equal(await generationOf(groupId, free, before), generation)
    assert.equal(busy.lines.length + free.lines.length, lines + 1)
    busy.order('block 4000')
    const third = join()
    await third.until(() => third.said('started').length === 1)
    free.order('close')
    await free.ended()
    // The third takes over what was free's while busy is still busy.
    await third.holds(2)
    assert.equal(busy.said('unblocked').length, 1)
    await busy.until(() => busy.said('unblocked').length === 2)
    assert.ok(busy.said('revoked').every(({ lost }) => !lost))
    assert.deepEqual([...busy.held, ...third.held].sort(), [0, 1, 2, 3])
  })

  /** By asking whether the group is in a generation: DescribeGroups does not say. */
  const generationOf = async (
    groupId: string,
    speaker: MemberProcess,
    known: Awaited<ReturnType<typeof members>>,
  ) => {
    const cluster = await Cluster.open({ brokers: brokers.split(',') })
    const coordinator = await cluster.coordinator('group', groupId)
    const mine = known.find(({ memberAssignment }) =>
      memberAssignment.includes(Buffer.from([0, 0, 0, [...speaker.held][0]])),
    )!
    try {
      for (let generationId = 1; generationId < 50; generationId++) {
        const { memberId } = mine
        const body = { groupId, generationId, memberId, groupInstanceId: null }
        const { errorCode } = await coordinator.request(heartbeatRequest, body)
        if (errorCode === 0) return generationId
      }
      return undefined
    } finally {
      cluster.close()
    }
  }

  test('static members that restart inside their session cause no rebalance', async () => {
    const { groupId, join, members } = await newGroup(4)
    const first = join({ instanceId: 'a', sessionTimeoutMs: 6000 })
    const second = join({ instanceId: 'b', sessionTimeoutMs: 6000 })
    await Promise.all([first.holds(2), second.holds(2)])
    const held = [...first.held].sort()
    const lines = second.lines.length
    const generation = await generationOf(groupId, second, await members())
    first.order('close')
    assert.equal(await first.ended(), 0)
    const again = join({ instanceId: 'a', sessionTimeoutMs: 6000 })
    await again.holds(2)
    assert.deepEqual([...again.held].sort(), held)
    again.signal('SIGKILL')
    await again.ended()
    const third = join({ instanceId: 'a', sessionTimeoutMs: 6000 })
    await third.holds(2)
    assert.equal(second.lines.length, lines)
    assert.equal(await generationOf(groupId, second, await members()), generation)
    third.order('leave')
    await third.ended()
    await second.holds(4)
  })

  test('a main thread that stands still for too long hands over, and is told when it is back', async () => {
    const { join } = await newGroup(4)
    const [stuck, other] = [join({ instanceId: 'a', progressTimeoutMs: 1000 }), join()]
    await Promise.all([stuck.holds(2), other.holds(2)])
    stuck.order('block 4000')
    await other.holds(4)
    assert.equal(stuck.said('unblocked').length, 0)
    await Promise.all([stuck.until(() => stuck.said('unblocked').length === 1), other.holds(2)])
    await stuck.holds(2)
    const lost = stuck.said('revoked').filter((line) => line.lost === true)
    assert.deepEqual(
      lost.map(({ gone }) => gone!.length),
      [2],
    )
  })

  test('a revoke without end hands over too', async () => {
    const { join } = await newGroup(2)
    const stuck = join({ progressTimeoutMs: 1000, neverRevokes: true })
    await stuck.holds(2)
    const other = join()
    await other.holds(2)
  })

  test('a process that was stopped for longer than its session comes back with nothing', async () => {
    const { join } = await newGroup(4)
    const [stopped, other] = [join(), join()]
    await Promise.all([stopped.holds(2), other.holds(2)])
    stopped.signal('SIGSTOP')
    await other.holds(4)
    stopped.signal('SIGCONT')
    await stopped.until(() => stopped.said('revoked').some(({ lost }) => lost === true))
    await Promise.all([stopped.holds(2), other.holds(2)])
  })

  test('of two processes with one instance id the earlier is told that it is FENCED', async () => {
    const { join } = await newGroup(2)
    const first = join({ instanceId: 'a' })
    await first.holds(2)
    const second = join({ instanceId: 'a' })
    await first.until(() => first.said('failed').length === 1)
    assert.match(first.said('failed')[0].error!, /instance id/)
    await Promise.all([second.holds(2), first.holds(0)])
  })

  test('new partitions are shared out; a membership that nobody closes keeps no process alive', async () => {
    const { topic, join } = await newGroup(2)
    const member = join()
    await member.holds(2)
    await withAdmin(brokers, (admin) =>
      admin.createPartitions({ topicPartitions: [{ topic, count: 4 }] }),
    )
    await member.holds(4)
    member.order('forget')
    assert.equal(await member.ended(), 0)
  })

  test('what is not held cannot be committed, and close() is heard by the engine first', async () => {
    const { topic, groupId } = await newGroup(1)
    const connection = { brokers: brokers.split(',') }
    const cluster = await Cluster.open(connection)
    const watch = new Watch()
    const told: string[] = []
    const membership = new Membership({
      ...{ groupId, topics: [topic], cluster, connection },
      ...{ sessionTimeoutMs: 2000, progressTimeoutMs: 60_000 },
      onAssigned: async () => {
        told.push('assigned')
        watch.changed()
      },
      onRevoked: async (gone) => {
        await membership.commit(gone.map((each) => ({ ...each, offset: 3 })))
        told.push('revoked')
        throw new Error('the engine has a word')
      },
      onFailed: (error) => told.push(String(error)),
    })
    const offsets = [{ topic, partition: 0, offset: 2 }]
    await assert.rejects(membership.commit(offsets), rejectsWith('LOG_FAILED'))
    await membership.start()
    await watch.until(() => told.length === 1)
    await membership.commit(offsets)
    await assert.rejects(
      membership.commit([{ topic, partition: 1, offset: 2 }]),
      rejectsWith('LOG_FAILED'),
    )
    await assert.rejects(membership.close(), /the engine has a word/)
    assert.deepEqual(told, ['assigned', 'revoked'])
    assert.equal((await membership.committed(offsets)).get(topic)!.get(0), 3)
    await assert.rejects(membership.commit(offsets), rejectsWith('LOG_FAILED'))
    assert.equal((await members(groupId)).length, 0)
    cluster.close()
  })

  test('a member that is thrown out while it gives partitions up cannot commit them', async (t) => {
    const { topic, groupId } = await newGroup(1)
    const connection = { brokers: brokers.split(',') }
    const cluster = await Cluster.open(connection)
    t.after(() => cluster.close())
    const watch = new Watch()
    const told: string[] = []
    const revoking = deferred()
    const membership = new Membership({
      ...{ groupId, topics: [topic], cluster, connection },
      ...{ sessionTimeoutMs: 2000, progressTimeoutMs: 60_000 },
      onAssigned: async () => void told.push('assigned'),
      onRevoked: async (gone) => {
        told.push('revoking')
        watch.changed()
        await revoking.promise
        const offsets = gone.map((each) => ({ ...each, offset: 3 }))
        await membership.commit(offsets).catch(({ code }) => told.push(code))
      },
      onJoined: ({ reason }) => {
        told.push(reason)
        watch.changed()
      },
      onFailed: (error) => told.push(String(error)),
    })
    await membership.start()
    await watch.until(() => told.length > 0)
    membership.subscribe([])
    await watch.until(() => told.includes('revoking'))
    const [{ memberId }] = await members(groupId)
    const coordinator = await cluster.coordinator('group', groupId)
    const leaving = { memberId, groupInstanceId: null, reason: 'the test' }
    await coordinator.request(leaveGroupRequest, { groupId, members: [leaving] })
    await watch.until(() => told.includes('it was thrown out'))
    revoking.resolve()
    await membership.close()
    assert.ok(told.includes('LOG_FAILED'), told.join())
    assert.equal(
      (await membership.committed([{ topic, partition: 0 }])).get(topic)?.get(0),
      undefined,
    )
  })
}

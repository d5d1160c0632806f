// The membership as a state machine, against a simulated coordinator on a clock moved by hand.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seededRandom } from '../../../src/clock.ts'
import { brokerCode } from '../../../src/wire/broker_code.ts'
import { ManualClock, settle } from '../../support/manual_clock.ts'
import { type SimulatedMember, Simulation } from '../../support/simulated_member.ts'

function simulate(partitions: Readonly<Record<string, number>> = { t: 12 }, seed = 1): Simulation {
  return new Simulation(new ManualClock(), seededRandom(seed), partitions)
}

/** Everything is owned, once, evenly, by who lives. */
function assertShared(simulation: Simulation): void {
  assert.deepEqual(simulation.faults, [])
  const all = [...simulation.partitions].flatMap(([topic, count]) =>
    Array.from({ length: count }, (_, partition) => `${topic}/${partition}`),
  )
  const live = simulation.live
  assert.deepEqual(live.flatMap(({ held }) => [...held]).sort(), all.sort())
  const counts = live.map(({ held }) => held.size)
  assert.ok(Math.max(...counts) - Math.min(...counts) <= simulation.partitions.size, `${counts}`)
}

async function groupOf(count: number, simulation: Simulation): Promise<SimulatedMember[]> {
  const members = Array.from({ length: count }, () => simulation.join())
  await simulation.settle()
  assertShared(simulation)
  return members
}

test('members share; who joins gets what others gave up, and these give up no more', async () => {
  const simulation = simulate()
  const members = await groupOf(3, simulation)
  const before = members.map(({ revoked }) => revoked.length)
  const kept = members.map(({ held }) => [...held])
  const fourth = simulation.join()
  await simulation.settle()
  assertShared(simulation)
  assert.equal(fourth.held.size, 3)
  for (const [index, { revoked, held, lost }] of members.entries()) {
    assert.equal(revoked.length - before[index], 1)
    assert.ok([...held].every((key) => kept[index].includes(key)))
    assert.equal(lost.length, 0)
  }
})

test('a member that leaves hands over at once, one that dies after its session', async () => {
  const simulation = simulate()
  const [first, second] = await groupOf(3, simulation)
  const closed = first.member.close()
  await simulation.clock.advance(4000)
  await closed
  first.dead = true
  await simulation.clock.advance(2000)
  assertShared(simulation)
  second.dead = true
  await simulation.clock.advance(4000)
  assert.ok(simulation.live[0].held.size < 12)
  await simulation.settle()
  assertShared(simulation)
})

test('a static member that comes back inside its session causes no rebalance', async () => {
  const simulation = simulate()
  const names = ['a', 'b', 'c']
  const members = names.map((instanceId) => simulation.join({ instanceId }))
  await simulation.settle()
  const { generation } = simulation.group
  for (const [index, instanceId] of names.entries()) {
    const held = [...members[index].held]
    const closed = members[index].member.close()
    await simulation.clock.advance(4000)
    await closed
    assert.equal(members[index].held.size, 0)
    members[index].dead = true
    const again = simulation.join({ instanceId })
    await simulation.clock.advance(1500)
    assert.deepEqual([...again.held].sort(), held.sort())
  }
  await simulation.clock.advance(20_000)
  assert.equal(simulation.group.generation, generation)
  assertShared(simulation)
})

test('the leader notices new partitions and topics, also after it was restarted', async () => {
  const simulation = simulate({ t: 4 })
  const topics = ['t', 'late']
  const first = simulation.join({ instanceId: 'a', topics })
  await simulation.settle()
  simulation.join({ instanceId: 'b', topics })
  await simulation.settle()
  simulation.partitions.set('t', 6)
  await simulation.settle()
  assertShared(simulation)
  const closed = first.member.close()
  await simulation.clock.advance(4000)
  await closed
  first.dead = true
  simulation.join({ instanceId: 'a', topics })
  await simulation.clock.advance(15_000)
  simulation.partitions.set('late', 2)
  await simulation.settle()
  assertShared(simulation)
  simulation.partitions.delete('late')
  await simulation.settle()
  assertShared(simulation)
})

test('who was thrown out is told that all is lost, and joins anew', async () => {
  const simulation = simulate()
  const [first, second] = await groupOf(2, simulation)
  const held = [...first.held]
  first.cutOff = true
  await simulation.clock.advance(20_000)
  assert.equal(second.held.size, 12)
  first.cutOff = false
  await simulation.settle()
  assert.deepEqual(first.lost.sort(), held.sort())
  assert.equal(first.revoked.length, 0)
  assertShared(simulation)
})

test('a member that is suspended leaves, also a static one, and comes back when resumed', async () => {
  const simulation = simulate()
  const first = simulation.join({ instanceId: 'a' })
  const second = simulation.join({ instanceId: 'b' })
  await simulation.settle()
  const held = [...first.held]
  first.member.suspend()
  await simulation.clock.advance(5000)
  assert.equal(second.held.size, 12)
  assert.equal(simulation.group.size, 1)
  first.member.resume()
  await simulation.settle()
  assert.deepEqual(first.lost.sort(), held.sort())
  assertShared(simulation)
})

test('a member that is closed while it is suspended does not join once more', async () => {
  const simulation = simulate()
  const [first, second] = await groupOf(2, simulation)
  first.member.suspend()
  await simulation.clock.advance(50)
  const joined = first.asked.get('JoinGroup')
  const closed = first.member.close()
  first.member.resume()
  await simulation.clock.advance(4000)
  await closed
  assert.equal(first.asked.get('JoinGroup'), joined)
  assert.equal(first.lost.length, 6)
  await simulation.settle()
  assert.equal(simulation.group.size, 1)
  assert.equal(second.held.size, 12)
})

test('partitions that are lost and not given up in time count as a revoke without end', async () => {
  const simulation = simulate()
  const [first] = await groupOf(2, simulation)
  first.member.suspend()
  await settle()
  await simulation.clock.advance(20)
  assert.equal(first.lost.length, 0)
  assert.equal(first.member.revokingMs, 20)
  await simulation.clock.advance(4000)
  assert.equal(first.lost.length, 6)
  assert.equal(first.member.revokingMs, 0)
})

test('of two processes with one instance id the earlier ends with FENCED', async () => {
  const simulation = simulate()
  const first = simulation.join({ instanceId: 'a' })
  await simulation.settle()
  const second = simulation.join({ instanceId: 'a' })
  await simulation.settle()
  assert.deepEqual(first.failures, ['FENCED'])
  assert.equal(first.lost.length, 12)
  assert.equal(second.held.size, 12)
})

test('a topic that is dropped is given up, the others are kept', async () => {
  const simulation = simulate({ s: 2, t: 2 })
  const member = simulation.join()
  await simulation.settle()
  simulation.partitions.delete('s')
  member.member.subscribe(['t'])
  await simulation.settle()
  assert.deepEqual(member.revoked.sort(), ['s/0', 's/1'])
  assertShared(simulation)
})

test('what waits for a static owner is free once that comes back with nothing', async () => {
  const simulation = simulate({ t: 4 })
  const first = simulation.join({ instanceId: 'a', sessionTimeoutMs: 300_000 })
  await simulation.settle()
  // In this round a says what it holds.
  const passing = simulation.join({ topics: [] })
  await simulation.settle()
  const gone = passing.member.close()
  await simulation.clock.advance(4000)
  await gone
  passing.dead = true
  await simulation.settle()
  const closed = first.member.close()
  await simulation.clock.advance(4000)
  await closed
  first.dead = true
  // The group goes on without a, and believes that it holds everything.
  const second = simulation.join({ instanceId: 'b', sessionTimeoutMs: 300_000 })
  await simulation.clock.advance(60_000)
  assert.equal(simulation.group.size, 2)
  assert.equal(second.held.size, 0)
  simulation.join({ instanceId: 'a', sessionTimeoutMs: 300_000 })
  await simulation.settle(30_000)
  assertShared(simulation)
})

test('a coordinator that moves, loads or is away costs no membership', async () => {
  const simulation = simulate()
  const members = await groupOf(2, simulation)
  const { generation } = simulation.group
  const revoked = members.flatMap((one) => one.revoked).length
  const before = simulation.reconnects
  const { NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE, COORDINATOR_LOAD_IN_PROGRESS } = brokerCode
  simulation.refusals.set('Heartbeat', [
    NOT_COORDINATOR,
    COORDINATOR_NOT_AVAILABLE,
    COORDINATOR_LOAD_IN_PROGRESS,
    NOT_COORDINATOR,
  ])
  await simulation.clock.advance(5000)
  for (const one of members) one.cutOff = true
  await simulation.clock.advance(1500)
  for (const one of members) one.cutOff = false
  await simulation.settle()
  assert.equal(simulation.reconnects - before, 3)
  assert.equal(simulation.group.generation, generation)
  assert.equal(members.flatMap((one) => one.revoked).length, revoked)
  assertShared(simulation)
})

test('errors of joining and taking a share that pass are waited out', async () => {
  const simulation = simulate()
  const { NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, REBALANCE_IN_PROGRESS } = brokerCode
  simulation.refusals.set('JoinGroup', [COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR])
  simulation.refusals.set('SyncGroup', [REBALANCE_IN_PROGRESS, NOT_COORDINATOR])
  await groupOf(2, simulation)
})

test('what the coordinator refuses for good ends the membership with its code', async () => {
  const codes: [string, number, string][] = [
    ['JoinGroup', brokerCode.INCONSISTENT_GROUP_PROTOCOL, 'REQUEST_REFUSED'],
    ['JoinGroup', brokerCode.GROUP_MAX_SIZE_REACHED, 'REQUEST_REFUSED'],
    ['JoinGroup', brokerCode.INVALID_SESSION_TIMEOUT, 'SETTING_INVALID'],
    ['SyncGroup', brokerCode.GROUP_AUTHORIZATION_FAILED, 'ACCESS_DENIED'],
    ['Heartbeat', brokerCode.FENCED_INSTANCE_ID, 'FENCED'],
  ]
  for (const [name, errorCode, code] of codes) {
    const simulation = simulate()
    simulation.refusals.set(name, [errorCode])
    const member = simulation.join()
    await simulation.settle()
    assert.deepEqual(member.failures, [code])
    assert.equal(member.held.size, 0)
  }
})

test('a static member that comes back with other topics is given those', async () => {
  const simulation = simulate({ s: 2, t: 4 })
  simulation.join({ instanceId: 'a', topics: ['t'] })
  const second = simulation.join({ instanceId: 'b', topics: ['t'] })
  await simulation.settle()
  const closed = second.member.close()
  await simulation.clock.advance(4000)
  await closed
  second.dead = true
  simulation.join({ instanceId: 'b', topics: ['s', 't'] })
  await simulation.settle()
  assertShared(simulation)
})

const deed = fc.record({
  what: fc.constantFrom('join', 'static', 'close', 'kill', 'suspend', 'resume', 'grow'),
  who: fc.nat({ max: 9 }),
  thenMs: fc.integer({ min: 0, max: 9000 }),
})

test('whatever members do: never two owners, and in the end all is shared', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(deed, { minLength: 1, maxLength: 14 }),
      fc.integer(),
      fc.constantFrom(0, 0.05),
      async (deeds, seed, lossRate) => {
        const simulation = simulate({ s: 3, t: 8, u: 8 }, seed)
        simulation.lossRate = lossRate
        simulation.join()
        const closing: Promise<void>[] = []
        const suspended = new Set<SimulatedMember>()
        for (const { what, who, thenMs } of deeds) {
          const live = simulation.live
          const one = live[who % live.length]
          if (what === 'join') simulation.join()
          else if (what === 'static') {
            const instanceId = `i${who % 3}`
            simulation.join({ instanceId })
          } else if (what === 'suspend') {
            suspended.add(one)
            one.member.suspend()
          } else if (what === 'resume') one.member.resume()
          else if (what === 'grow')
            simulation.partitions.set('s', simulation.partitions.get('s')! + 1)
          else if (live.length > 1 && what === 'kill') one.dead = true
          else if (live.length > 1)
            closing.push(one.member.close().then(() => void (one.dead = true)))
          await simulation.clock.advance(thenMs)
          for (const each of simulation.live) if (each.failures.length > 0) each.dead = true
          if (simulation.live.length === 0) simulation.join()
        }
        for (const { member } of suspended) member.resume()
        simulation.lossRate = 0
        await simulation.settle(400_000)
        for (const each of simulation.live) if (each.failures.length > 0) each.dead = true
        await Promise.all(closing.map((each) => Promise.race([each, simulation.settle(60_000)])))
        if (simulation.live.length === 0) simulation.join()
        await simulation.settle(400_000)
        assertShared(simulation)
      },
    ),
    { numRuns: 40 },
  )
})

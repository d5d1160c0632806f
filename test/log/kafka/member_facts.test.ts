// What members of a group tell and are told beside partitions: ids of those that are gone, where
// tables can be asked, standbys; against a simulated coordinator.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../../src/clock.ts'
import { noFacts, type ToldFacts } from '../../../src/log/member_state.ts'
import { ManualClock } from '../../support/manual_clock.ts'
import { type SimulatedMember, Simulation } from '../../support/simulated_member.ts'

const simulate = (): Simulation => new Simulation(new ManualClock(), seededRandom(1), { t: 12 })

const named = (id: string, facts: Partial<ToldFacts> = {}): ToldFacts => ({
  ...noFacts,
  transactionalId: id,
  address: `${id}:80`,
  stateful: ['t'],
  ...facts,
})

const departed = ({ news }: SimulatedMember): readonly string[] => news.at(-1)!.view.departed

async function grown(simulation: Simulation, ids: readonly string[]): Promise<SimulatedMember[]> {
  const members = ids.map((id) => simulation.join({ facts: named(id) }))
  await simulation.settle()
  return members
}

test('ids of members that are gone are told to all that are left, and to those who come', async () => {
  const simulation = simulate()
  const [a, b, c] = await grown(simulation, ['a', 'b', 'c'])
  assert.deepEqual(departed(a), [])
  // The leader too: what it knew, others know.
  a.dead = true
  await simulation.settle()
  assert.deepEqual([departed(b), departed(c)], [['a'], ['a']])
  b.dead = true
  await simulation.settle()
  const d = simulation.join({ facts: named('d') })
  await simulation.settle()
  for (const one of [c, d]) assert.deepEqual([...departed(one)].sort(), ['a', 'b'])
})

test('an id that comes back has not departed, and after a quarter of an hour it is forgotten', async () => {
  const simulation = simulate()
  const [a, b, c] = await grown(simulation, ['a', 'b', 'c'])
  a.dead = true
  c.dead = true
  await simulation.settle()
  simulation.join({ facts: named('a') })
  await simulation.settle()
  assert.deepEqual(departed(b), ['c'])
  for (let round = 0; round < 4; round++) {
    await simulation.clock.advance(5 * 60_000)
    b.member.rejoin('another round')
    await simulation.settle()
    assert.deepEqual(departed(b), round < 2 ? ['c'] : [])
  }
})

test('of sixty members each remembers some, and together they miss whoever dies', async () => {
  const simulation = simulate()
  const ids = Array.from({ length: 60 }, (_, index) => `m${index}`)
  const members = await grown(simulation, ids)
  // Few enough next to each other that one of those that remember an id is left.
  const dying = members.filter((_, index) => index % 3 === 0)
  for (const one of dying) one.dead = true
  await simulation.settle()
  const expected = ids.filter((_, index) => index % 3 === 0)
  assert.deepEqual([...departed(members[1])].sort(), [...expected].sort())
})

test('every member hears where each table can be asked, before its partitions come', async () => {
  const simulation = simulate()
  const [a, b] = await grown(simulation, ['a', 'b'])
  const { hosts, actives } = a.news.at(-1)!.view
  assert.deepEqual(hosts.map(({ address }) => address).sort(), ['a:80', 'b:80'])
  assert.equal(hosts.flatMap((host) => host.actives).length, 12)
  assert.deepEqual(hosts.find(({ address }) => address === 'a:80')!.actives, actives)
  assert.deepEqual(b.news.at(-1)!.view.hosts, hosts)
  assert.deepEqual(
    actives.map(({ topic, partition }) => `${topic}/${partition}`).sort(),
    [...a.held].sort(),
  )
})

test('a static member that comes back with another address is told of by a round of its own', async () => {
  const simulation = simulate()
  const a = simulation.join({ instanceId: 'a', facts: named('a') })
  const b = simulation.join({ instanceId: 'b', facts: named('b') })
  await simulation.settle()
  const held = [...b.held]
  b.dead = true
  const again = simulation.join({ instanceId: 'b', facts: named('b', { address: 'other:1' }) })
  await simulation.settle()
  assert.deepEqual([...again.held].sort(), held.sort())
  const addresses = a.news.at(-1)!.view.hosts.map(({ address }) => address)
  assert.deepEqual(addresses.sort(), ['a:80', 'other:1'])
  assert.equal(a.revoked.length, 0)
})

test('facts that change bring a round, lags alone do not', async () => {
  const simulation = simulate()
  const [a] = await grown(simulation, ['a', 'b'])
  const { generation } = simulation.group
  a.member.tell(named('a', { held: [{ topic: 't', partition: 1, lag: 5 }] }))
  await simulation.clock.advance(20_000)
  assert.equal(simulation.group.generation, generation)
  a.member.tell(named('a', { address: 'elsewhere:1' }))
  await simulation.settle()
  assert.equal(simulation.group.generation, generation + 1)
})

test('a partition with state moves once its new owner has copied it and says so', async () => {
  const simulation = simulate()
  const choice = { standbyReplicas: 0, warmupReplicas: 2, acceptableLag: 100 }
  const a = simulation.join({ facts: named('a', choice) })
  await simulation.settle()
  const b = simulation.join({ facts: named('b', choice) })
  await simulation.settle()
  assert.equal(a.held.size, 12)
  const keys = (places: readonly { partition: number }[]) =>
    places.map(({ partition }) => partition)
  assert.deepEqual(keys(b.news.at(-1)!.standbys), [0, 1])
  for (let round = 1; round <= 3; round++) {
    const { standbys, view } = b.news.at(-1)!
    assert.deepEqual(standbys, view.warmups)
    const held = standbys.map((each) => ({ ...each, lag: 100 }))
    b.member.tell(named('b', { ...choice, held }))
    b.member.rejoin('a copy is warm')
    await simulation.settle()
    assert.equal(b.held.size, 2 * round)
    assert.deepEqual(keys(b.news.at(-1)!.view.actives).length, 2 * round)
  }
  assert.deepEqual(b.news.at(-1)!.view.warmups, [])
  assert.equal(a.lost.length, 0)
  assert.deepEqual(simulation.faults, [])
})

test('a copy that is warm only after the round that was to move it brings another one', async () => {
  const simulation = simulate()
  const choice = { standbyReplicas: 0, warmupReplicas: 12, acceptableLag: 100 }
  simulation.join({ facts: named('a', choice) })
  await simulation.settle()
  const b = simulation.join({ facts: named('b', choice) })
  await simulation.settle()
  const told = (lag: number) => {
    const held = b.news.at(-1)!.standbys.map((each) => ({ ...each, lag }))
    b.member.tell(named('b', { ...choice, held }))
  }
  told(101)
  const { generation } = simulation.group
  await simulation.clock.advance(60_000)
  assert.equal(simulation.group.generation, generation)
  told(100)
  await simulation.settle()
  assert.equal(b.held.size, 6)
})

// The assignor: known cases, and what holds for every group.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Assignment, assign as assignNow, type GroupMember } from '../../src/log/assignor.ts'
import { decodeLocalState, type MemberState } from '../../src/log/member_state.ts'
import type { TopicPartitions } from '../../src/wire/consumer_protocol.ts'

interface Told {
  owned?: Readonly<Record<string, readonly number[]>>
  held?: readonly number[]
  generation?: number
  place?: string
  rack?: string
}

function member(id: string, topics: readonly string[], told: Told = {}): GroupMember {
  const state: MemberState = {
    ...decodeLocalState(null),
    generation: told.generation ?? (told.owned ? 1 : -1),
    owned: Object.entries(told.owned ?? {}).map(([topic, partitions]) => ({ topic, partitions })),
    held: (told.held ?? []).map((partition) => ({ topic: 't', partition, lag: 0 })),
    place: told.place ?? '',
  }
  return { id, topics, state, ...(told.rack ? { rack: told.rack } : {}) }
}

/** State moves without being copied first, as where there are no changelogs. */
function assign(
  members: readonly GroupMember[],
  partitions: ReadonlyMap<string, number>,
  standbyReplicas = 0,
): Assignment {
  const wanting = members.map((one) => ({
    ...one,
    state: { ...one.state, standbyReplicas, stateful: one.topics },
  }))
  return assignNow(wanting, partitions)
}

const numbers = (shares: readonly TopicPartitions[], topic = 't'): readonly number[] =>
  shares.find((each) => each.topic === topic)?.partitions ?? []

/** 'A 0,2/1,3 B …': actives / standbys of topic t. */
function shown({ shares }: Assignment): string {
  return [...shares]
    .map(([id, { actives, standbys }]) => {
      const copies = numbers(standbys)
      return `${id} ${numbers(actives)}${copies.length ? `/${copies}` : ''}`
    })
    .join(' ')
}

const fresh = (ids: string): GroupMember[] => [...ids].map((id) => member(id, ['t']))

/** What the members would tell in the next round, when each has what it was given. */
function after(assignment: Assignment, members: readonly GroupMember[], generation = 1) {
  return members.map((one): GroupMember => {
    const share = assignment.shares.get(one.id)
    if (share === undefined) return one
    const held = share.standbys.flatMap(({ topic, partitions }) =>
      partitions.map((partition) => ({ topic, partition, lag: 0 })),
    )
    const { actives: owned, standbys } = share
    return { ...one, state: { ...one.state, generation, owned, standbys, held } }
  })
}

/** Rounds until nothing is withheld any more. */
function settled(
  members: readonly GroupMember[],
  partitions: ReadonlyMap<string, number>,
  standbys = 0,
) {
  let now = members
  for (let round = 1; ; round++) {
    const assignment = assign(now, partitions, standbys)
    if (!assignment.incomplete) return { assignment, members: after(assignment, now, round), round }
    assert.ok(round < 3, 'a second round gives out all')
    now = after(assignment, now, round)
  }
}

test('fresh groups are served in turns', () => {
  const eight = new Map([['t', 8]])
  assert.equal(shown(assign(fresh('AB'), eight)), 'A 0,2,4,6 B 1,3,5,7')
  assert.equal(shown(assign(fresh('AB'), eight, 1)), 'A 0,2,4,6/1,3,5,7 B 1,3,5,7/0,2,4,6')
  assert.equal(shown(assign(fresh('AB'), new Map([['t', 5]]))), 'A 0,2,4 B 1,3')
  assert.equal(shown(assign(fresh('ABCD'), new Map([['t', 3]]))), 'A 0 B 1 C 2 D ')
  assert.equal(
    shown(assign(fresh('ABC'), new Map([['t', 6]]), 2)),
    'A 0,3/1,2,4,5 B 1,4/0,2,3,5 C 2,5/0,1,3,4',
  )
})

test('who joins gets no more than it needs, and only once it was given up', () => {
  const eight = new Map([['t', 8]])
  const two = settled(fresh('AB'), eight).members
  const three = [...two, member('C', ['t'])]
  const first = assign(three, eight)
  assert.ok(first.incomplete)
  assert.equal(shown(first), 'A 2,4,6 B 3,5,7 C ')
  const second = assign(after(first, three), eight)
  assert.ok(!second.incomplete)
  assert.equal(shown(second), 'A 2,4,6 B 3,5,7 C 0,1')
})

test('with standbys only two partitions change their owner', () => {
  const eight = new Map([['t', 8]])
  const two = settled(fresh('AB'), eight, 1).members
  const first = assign([...two, member('C', ['t'])], eight, 1)
  // A is to hold a copy of 0, but not while it owns it.
  assert.equal(shown(first), 'A 2,4,6/1,7 B 3,5,7/2,4,6 C /3,5')
  const without = two.map((one) => ({
    ...one,
    state: { ...one.state, owned: one.state.owned.map(rest) },
  }))
  const second = assign([...without, member('C', ['t'])], eight, 1)
  assert.equal(shown(second), 'A 2,4,6/0,1,7 B 3,5,7/2,4,6 C 0,1/3,5')
})

const rest = ({ topic, partitions }: TopicPartitions): TopicPartitions => ({
  topic,
  partitions: partitions.filter((partition) => partition > 1),
})

test('a partition without owner goes to who has its state', () => {
  const members = [
    member('A', ['t'], { owned: { t: [0] }, held: [1] }),
    member('B', ['t'], { owned: { t: [2] }, held: [3] }),
  ]
  assert.equal(shown(assign(members, new Map([['t', 4]]))), 'A 0,1 B 2,3')
})

test('of two owners the one of the newer generation keeps the partition', () => {
  const members = [
    member('A', ['t'], { owned: { t: [0, 1] }, generation: 3 }),
    member('B', ['t'], { owned: { t: [1, 0] }, generation: 4 }),
  ]
  // 0 is to be A's, once B has given it up.
  assert.equal(shown(assign(members, new Map([['t', 2]]))), 'A  B 1')
})

test('a standby is in another place than its active, and in another rack where there is one', () => {
  const places = [
    member('A', ['t'], { place: 'x' }),
    member('B', ['t'], { place: 'x' }),
    member('C', ['t'], { place: 'y' }),
  ]
  const { shares } = assign(places, new Map([['t', 6]]), 2)
  assert.deepEqual(numbers(shares.get('C')!.standbys), [0, 1, 3, 4])
  const racks = [
    member('A', ['t'], { rack: 'x' }),
    member('B', ['t'], { rack: 'x' }),
    member('C', ['t'], { rack: 'y' }),
    member('D', ['t'], { rack: 'y' }),
  ]
  const spread = assign(racks, new Map([['t', 8]]), 1).shares
  for (const [id, others] of [
    ['A', 'CD'],
    ['B', 'CD'],
    ['C', 'AB'],
    ['D', 'AB'],
  ])
    for (const partition of numbers(spread.get(id)!.actives)) {
      const copy = [...spread].find(([, each]) => numbers(each.standbys).includes(partition))
      assert.ok(others.includes(copy![0]), `${partition} of ${id} is copied to ${copy![0]}`)
    }
})

test('a topic of one partition has one owner', () => {
  const { shares } = assign(fresh('ABC'), new Map([['t', 1]]))
  assert.deepEqual(
    [...shares.values()].map(({ actives }) => numbers(actives).length),
    [1, 0, 0],
  )
})

test('topics that do not exist and members without topics are no trouble', () => {
  const members = [member('A', ['gone', 't']), member('B', [])]
  assert.equal(shown(assign(members, new Map([['t', 2]]))), 'A 0,1 B ')
  assert.deepEqual(assign([], new Map([['t', 2]])).shares.size, 0)
  assert.equal(shown(assign(members, new Map())), 'A  B ')
})

test('who takes fewer topics gets more of those it takes', () => {
  const members = [member('A', ['s', 't']), member('B', ['t'])]
  const { shares } = assign(members, new Map(Object.entries({ s: 4, t: 6 })))
  assert.equal(numbers(shares.get('A')!.actives, 's').length, 4)
  assert.equal(numbers(shares.get('A')!.actives).length, 1)
  assert.equal(numbers(shares.get('B')!.actives).length, 5)
})

const ids = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `m${String(index).padStart(4, '0')}`)

test('every partition has one active and all its standbys, never in one place', () => {
  const sizes = fc.record({
    partitions: fc.integer({ min: 0, max: 256 }),
    members: fc.integer({ min: 1, max: 1024 }),
    standbys: fc.integer({ min: 0, max: 64 }),
  })
  fc.assert(
    fc.property(sizes, ({ partitions, members: count, standbys }) => {
      const copies = Math.min(standbys, count - 1)
      const { shares, incomplete } = assign(
        ids(count).map((id) => member(id, ['t'])),
        new Map([['t', partitions]]),
        copies,
      )
      assert.ok(!incomplete)
      const active = new Array<number>(partitions).fill(0)
      const copied = new Array<number>(partitions).fill(0)
      let most = 0
      let least = Number.POSITIVE_INFINITY
      for (const { actives, standbys: held } of shares.values()) {
        const own = new Set(numbers(actives))
        for (const partition of own) active[partition]++
        for (const partition of new Set(numbers(held))) {
          copied[partition]++
          assert.ok(!own.has(partition))
        }
        most = Math.max(most, own.size)
        least = Math.min(least, own.size)
      }
      assert.ok(active.every((number) => number === 1))
      assert.ok(copied.every((number) => number === copies))
      assert.ok(most - least <= 1)
      if (partitions >= count) assert.ok(least > 0)
      assert.ok(most <= Math.ceil(partitions / count))
    }),
    { numRuns: 60 },
  )
})

/** Groups of topics with the same members, some of which own something already. */
const history = fc.record({
  topics: fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 6 }),
  before: fc.integer({ min: 1, max: 12 }),
  left: fc.array(fc.integer({ min: 0, max: 11 }), { maxLength: 4 }),
  joined: fc.integer({ min: 0, max: 4 }),
  standbys: fc.integer({ min: 0, max: 3 }),
})

test('members come and go: balanced, co-partitioned, settled after one more round', () => {
  fc.assert(
    fc.property(history, ({ topics: counts, before, left, joined, standbys }) => {
      const partitions = new Map(counts.map((count, index) => [`t${index}`, count]))
      const topics = [...partitions.keys()]
      const names = ids(before + joined)
      const start = names.slice(0, before).map((id) => member(id, topics))
      const first = settled(start, partitions, standbys)
      const again = assign(first.members, partitions, standbys)
      assert.deepEqual(again, first.assignment, 'nothing moves where nothing changed')
      const stay = first.members.filter((_, index) => !left.includes(index))
      const now = [...stay, ...names.slice(before).map((id) => member(id, topics))]
      if (now.length === 0) return
      const next = settled(now, partitions, standbys)
      const shares = [...next.assignment.shares.values()].map(({ actives }) => actives)
      for (const topic of topics) {
        const given = shares.flatMap((actives) => numbers(actives, topic)).sort((a, b) => a - b)
        assert.deepEqual(
          given,
          Array.from({ length: partitions.get(topic)! }, (_, partition) => partition),
        )
        for (const twin of topics)
          if (partitions.get(twin) === partitions.get(topic))
            for (const actives of shares)
              assert.deepEqual(numbers(actives, twin), numbers(actives, topic))
      }
      const units = shares.map((actives) => {
        const distinct = new Set(counts)
        return [...distinct].reduce((sum, count) => {
          const topic = topics[counts.indexOf(count)]
          return sum + numbers(actives, topic).length
        }, 0)
      })
      assert.ok(Math.max(...units) - Math.min(...units) <= 1, `${units}`)
    }),
  )
})

test('no partition moves that need not, and none before it was given up', () => {
  const sizes = fc.record({
    partitions: fc.integer({ min: 0, max: 64 }),
    before: fc.integer({ min: 1, max: 20 }),
    joined: fc.integer({ min: 0, max: 6 }),
    left: fc.integer({ min: 0, max: 6 }),
  })
  fc.assert(
    fc.property(sizes, ({ partitions, before, joined, left }) => {
      const counts = new Map([['t', partitions]])
      const names = ids(before + joined)
      const first = settled(
        names.slice(0, before).map((id) => member(id, ['t'])),
        counts,
      )
      const stay = first.members.slice(Math.min(left, before - 1))
      const now = [...stay, ...names.slice(before).map((id) => member(id, ['t']))]
      const owned = stay.map(({ state }) => numbers(state.owned).length)
      const round = assign(now, counts)
      for (const { id, state } of stay) {
        const others = [...round.shares].filter(([other]) => other !== id)
        for (const [, { actives }] of others)
          for (const partition of numbers(actives))
            assert.ok(!numbers(state.owned).includes(partition))
      }
      const next = settled(now, counts)
      const kept = stay.reduce((sum, { id, state }) => {
        const mine = new Set(numbers(state.owned))
        return (
          sum +
          numbers(next.assignment.shares.get(id)!.actives).filter((each) => mine.has(each)).length
        )
      }, 0)
      // The best that any balanced assignment could keep.
      const [low, extra] = [Math.floor(partitions / now.length), partitions % now.length]
      const full = owned.filter((count) => count > low).length
      const possible =
        owned.reduce((sum, count) => sum + Math.min(count, low), 0) + Math.min(extra, full)
      assert.equal(kept, possible)
    }),
  )
})

test('the order of the members does not matter', () => {
  const orders = fc.shuffledSubarray(ids(9), { minLength: 9 })
  const counts = new Map(Object.entries({ a: 7, b: 7, c: 3, d: 20 }))
  const shares = (names: readonly string[]) =>
    [
      ...assign(
        names.map((id) => member(id, [...counts.keys()])),
        counts,
        2,
      ).shares,
    ].sort()
  fc.assert(fc.property(orders, (names) => assert.deepEqual(shares(names), shares(ids(9)))))
})

test('sixteen hundred partitions of a hundred topics and a hundred members are quick', () => {
  const counts = new Map(Array.from({ length: 100 }, (_, index) => [`topic-${index}`, 16 + index]))
  const topics = [...counts.keys()]
  const members = ids(100).map((id) => member(id, topics))
  const begun = performance.now()
  const first = settled(members, counts)
  settled([...first.members.slice(1), member('new', topics)], counts)
  // Three rounds of 6,550 units; a second is a hundred times what they take.
  assert.ok(performance.now() - begun < 1000)
})

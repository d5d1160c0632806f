// Partitions with state: they stay where it is warm, and move once it was copied (KIP-441).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seededRandom } from '../../src/clock.ts'
import {
  type GroupChoice,
  keysOf,
  StatefulGroup,
  type StatefulMember,
  unitsOf,
} from '../support/stateful_group.ts'

const usual: GroupChoice = {
  topics: { t: 6 },
  standbyReplicas: 0,
  warmupReplicas: 2,
  acceptableLag: 1000,
}

function grown(count: number, choice: Partial<GroupChoice> = {}): StatefulGroup {
  const group = new StatefulGroup({ ...usual, ...choice }, seededRandom(1))
  for (let index = 0; index < count; index++) group.join(`host-${group.members.length}`)
  group.settle(20)
  return group
}

/** 'own 0 1 copies 2 (2)': what it has, what it copies, and of that what something waits for. */
function shown({ owned, standbys, warmups }: StatefulMember): string {
  const numbers = (keys: string[]) => keys.map((key) => key.split('/')[1]).join(' ')
  return `own ${numbers(keysOf(owned))} copies ${numbers(keysOf(standbys))} (${numbers(keysOf(warmups))})`
}

test('who comes copies first, two partitions at a time, and is given them when they are warm', () => {
  const group = grown(1)
  const [a] = group.members
  const b = group.join('host-b')
  group.next(false)
  assert.deepEqual([a, b].map(shown), ['own 0 1 2 3 4 5 copies  ()', 'own  copies 0 1 (0 1)'])
  // Nothing changes while they are not warm.
  group.next()
  assert.deepEqual([a, b].map(shown), ['own 0 1 2 3 4 5 copies  ()', 'own  copies 0 1 (0 1)'])
  // Warm: they are given up, the next are begun, and what waits is copied on.
  group.next()
  assert.deepEqual([a, b].map(shown), ['own 2 3 4 5 copies  ()', 'own  copies 0 1 2 (2)'])
  group.next()
  assert.deepEqual([a, b].map(shown), ['own 3 4 5 copies  ()', 'own 0 1 copies 2 ()'])
  group.settle(5)
  assert.deepEqual([a, b].map(shown), ['own 3 4 5 copies  ()', 'own 0 1 2 copies  ()'])
  assert.deepEqual(group.faults, [])
})

test('who comes back with its disk is given what it has state of, at once', () => {
  const group = grown(3, { topics: { t: 9 } })
  const had = [...group.members[2].disk.keys()].sort()
  const gone = group.kill(2)
  group.settle(20)
  for (const key of gone.disk.keys()) gone.disk.set(key, 900)
  const back = group.join('host-2', gone.disk)
  group.next()
  assert.deepEqual(keysOf(back.warmups), [])
  group.next()
  assert.deepEqual(keysOf(back.owned), had)
  assert.deepEqual(group.faults, [])
})

test('a standby takes over in the round that its owner is missed in, and another is placed', () => {
  const group = grown(3, { standbyReplicas: 1 })
  const [a, b, c] = group.members
  const lost = keysOf(b.owned)
  group.kill(1)
  const standbysOf = (key: string) =>
    [a, c].filter(({ standbys }) => keysOf(standbys).includes(key))
  const heirs = lost.map((key) => standbysOf(key)[0])
  const before = [a, c].map(({ owned }) => keysOf(owned))
  group.next()
  for (const [index, key] of lost.entries()) assert.ok(keysOf(heirs[index].owned).includes(key))
  for (const [index, one] of [a, c].entries())
    assert.ok(before[index].every((key) => keysOf(one.owned).includes(key)))
  group.settle(10)
  for (const one of [a, c]) assert.equal(keysOf(one.standbys).length, 3)
  assert.deepEqual(group.faults, [])
})

test('members on one host have standbys beside each other until there is another host', () => {
  const group = new StatefulGroup({ ...usual, standbyReplicas: 1 }, seededRandom(1))
  for (let index = 0; index < 2; index++) group.join('one')
  group.settle(10)
  for (const one of group.members) assert.equal(keysOf(one.standbys).length, 3)
  const other = group.join('two')
  group.settle(30)
  const elsewhere = group.members
    .filter((one) => one !== other)
    .flatMap(({ owned }) => keysOf(owned))
  assert.deepEqual(keysOf(other.standbys).sort(), elsewhere.sort())
  assert.deepEqual(group.faults, [])
})

test('without changelogs, and without state, partitions move at once', () => {
  for (const choice of [{ warmupReplicas: 0 }, { topics: { plain: 6 } }]) {
    const group = grown(1, choice)
    group.join('host-b')
    group.next()
    group.next()
    assert.deepEqual(
      group.members.map(({ owned }) => keysOf(owned).length),
      [3, 3],
    )
    assert.deepEqual(
      group.members.flatMap(({ standbys }) => standbys),
      [],
    )
    assert.deepEqual(group.faults, [])
  }
})

test('where nobody has state, or all lack much, partitions are shared as if there were none', () => {
  const group = grown(2)
  for (const one of group.members) {
    one.owned = []
    one.disk.clear()
  }
  group.next()
  assert.deepEqual(
    group.members.map(({ owned }) => keysOf(owned).length),
    [3, 3],
  )
  assert.deepEqual(group.faults, [])
})

const event = fc.record({
  what: fc.constantFrom('join', 'join', 'return', 'kill', 'wipe', 'round', 'slow round'),
  who: fc.nat({ max: 9 }),
  host: fc.nat({ max: 3 }),
})

const history = fc.record({
  topics: fc.dictionary(
    fc.constantFrom('s', 't', 'u', 'plain', 'plain-2'),
    fc.integer({ min: 1, max: 10 }),
    { minKeys: 1, noNullPrototype: true },
  ),
  standbyReplicas: fc.integer({ min: 0, max: 2 }),
  warmupReplicas: fc.integer({ min: 0, max: 4 }),
  acceptableLag: fc.constantFrom(0, 10, 1000),
  first: fc.integer({ min: 1, max: 5 }),
  events: fc.array(event, { maxLength: 25 }),
  seed: fc.integer(),
})

test('whatever members do: one owner, warm where anybody is, and in the end all is at its place', () => {
  fc.assert(
    fc.property(history, ({ first, events, seed, ...choice }) => {
      const group = new StatefulGroup(choice, seededRandom(seed))
      const gone: StatefulMember[] = []
      for (let index = 0; index < first; index++) group.join(`host-${index % 4}`)
      for (const { what, who, host } of events) {
        const one = group.members[who % group.members.length]
        if (what === 'join') group.join(`host-${host}`)
        else if (what === 'return') group.join(`host-${host}`, gone.pop()?.disk)
        else if (what === 'wipe') one.disk.clear()
        else if (what !== 'kill') group.next(what === 'round')
        else if (group.members.length > 1) gone.push(group.kill(who))
      }
      const units = Object.values(choice.topics).reduce((sum, count) => sum + count, 0)
      group.settle(10 + 3 * units * (1 + choice.standbyReplicas))
      assert.deepEqual(group.faults, [])
      assertPlaced(group)
      const { moved } = group
      group.next()
      assert.equal(group.moved, moved, 'nothing moves where nothing changed')
    }),
    { numRuns: 400 },
  )
})

function assertPlaced({ members, choice }: StatefulGroup): void {
  const copies = Math.min(choice.standbyReplicas, members.length - 1)
  const places = new Set(members.map(({ place }) => place)).size
  for (const [topic, count] of Object.entries(choice.topics)) {
    for (let partition = 0; partition < count; partition++) {
      const key = `${topic}/${partition}`
      const owner = members.filter(({ owned }) => keysOf(owned).includes(key))
      assert.equal(owner.length, 1, key)
      const standbys = members.filter((one) => keysOf(one.standbys).includes(key))
      assert.equal(standbys.length, topic.startsWith('plain') ? 0 : copies, key)
      const used = new Set([...owner, ...standbys].map(({ place }) => place)).size
      assert.equal(used, Math.min(places, standbys.length + 1), `places of ${key}`)
    }
  }
  const loads = members.map(({ owned }) => unitsOf(owned, choice).size)
  assert.ok(Math.max(...loads) - Math.min(...loads) <= 1, `${loads}`)
}

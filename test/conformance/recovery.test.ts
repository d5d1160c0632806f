// From where a table is copied and how much of its changelog is to come, by what its store holds.
// Offsets are those of the next record: where Faust has a highwater of 1000, a log ends at 1001.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { planCopy } from '../../src/app/recovery_plan.ts'

/** What a store has of the changelog: up to before `next`. Undefined: nothing. */
const plans: readonly {
  readonly name: string
  readonly next: number | undefined
  readonly earliest: number
  readonly latest: number
  readonly from: number
  readonly toCome: number
  readonly drops?: true
}[] = [
  { name: 'all of a log', next: undefined, earliest: 0, latest: 1001, from: 0, toCome: 1001 },
  { name: 'an empty log', next: undefined, earliest: 0, latest: 0, from: 0, toCome: 0 },
  { name: 'a log of one record', next: undefined, earliest: 0, latest: 1, from: 0, toCome: 1 },
  { name: 'the rest', next: 301, earliest: 0, latest: 1001, from: 301, toCome: 700 },
  {
    name: 'nothing, where all is there',
    next: 202,
    earliest: 0,
    latest: 202,
    from: 202,
    toCome: 0,
  },
  {
    name: 'what begins where it ends',
    next: 201,
    earliest: 201,
    latest: 202,
    from: 201,
    toCome: 1,
  },
  {
    name: 'all, where the log has let go of what follows',
    next: 102,
    earliest: 201,
    latest: 300,
    from: 201,
    toCome: 99,
    drops: true,
  },
  {
    name: 'all, where the log has less than the store',
    next: 2004,
    earliest: 0,
    latest: 100,
    from: 0,
    toCome: 100,
    drops: true,
  },
]

describe('a table is copied:', () => {
  for (const { name, next, earliest, latest, from, toCome, drops = false } of plans)
    test(name, () => {
      const stored = next === undefined ? undefined : { nextOffset: next, topicId: 'id', atMs: 0 }
      const extent = { earliest, latest, topicId: 'id' }
      const plan = planCopy(stored, next !== undefined, extent, 1000)
      assert.equal(plan.from, from)
      assert.equal(latest - plan.from, toCome)
      assert.equal(plan.drop !== undefined, drops)
    })
})

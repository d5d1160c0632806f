// The journal of decisions: it is begun anew before it grows, and then holds what is not applied yet.
import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { it } from 'node:test'
import { type Decision, Journal, readJournal } from '../../src/log/embedded/journal.ts'
import { inDirectory } from '../support/embedded.ts'

const decisionOf = (producerId: number): Decision => ({
  producerId,
  partitions: [['topic', 0, producerId]],
  offsets: [],
})

it('stays small, loses no decision that is not applied, and numbers on when it is opened', () =>
  inDirectory(async (directory) => {
    const path = join(directory, 'transactions')
    let settled = 0
    const options = {
      sync: false,
      bytesMax: 2000,
      settle: async () => {
        settled++
      },
    }
    const journal = await Journal.begin(path, 0, options)
    const applied: number[] = []
    const decide = (producerId: number) =>
      journal.decide(decisionOf(producerId), (number) => applied.push(number))
    const kept = [await decide(1), await decide(2)]
    for (let turn = 0; turn < 100; turn++) {
      const numbers = await Promise.all([decide(3), decide(4)])
      assert.deepEqual(numbers, [3 + 2 * turn, 4 + 2 * turn])
      for (const number of numbers) journal.applied(number)
      assert.ok((await stat(path)).size < 2500)
    }
    assert.deepEqual(
      applied,
      Array.from({ length: 202 }, (_, i) => i + 1),
    )
    assert.ok(settled > 2)
    await journal.close(true)
    const { decisions, last } = await readJournal(path)
    assert.equal(last, 202)
    assert.deepEqual(
      decisions.filter(({ number }) => kept.includes(number)).map(({ producerId }) => producerId),
      [1, 2],
    )
    const next = await Journal.begin(path, last, options)
    assert.equal(await next.decide(decisionOf(5), () => undefined), 203)
    next.applied(203)
    await next.close(true)
    assert.deepEqual(await readJournal(path), { decisions: [], last: 203 })
  }))

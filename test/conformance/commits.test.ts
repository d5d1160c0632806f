// What a cut tells the group: the next offset of a partition where it has moved, and else nothing.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { records, startEngine, until } from '../support/scripted_engine.ts'

/** Offsets that come before a cut, and what the cut commits. */
const cuts: readonly { readonly name: string; readonly to: number; readonly commits: number[] }[] =
  [
    { name: 'nothing was read', to: 0, commits: [] },
    { name: 'the first record', to: 1, commits: [1] },
    { name: 'nothing since', to: 1, commits: [] },
    { name: 'seven more', to: 8, commits: [8] },
    { name: 'nothing since, again', to: 8, commits: [] },
    { name: 'many more', to: 100, commits: [100] },
  ]

test('a cut commits what has moved', async () => {
  const { engine, consumer, errors } = await startEngine([0])
  let next = 0
  for (const { name, to, commits } of cuts) {
    if (to > next) consumer.give(0, records(next, 'a'.repeat(to - next)))
    next = to
    await until(() => engine.statistics()[0].counted === next)
    const before = consumer.committed.length
    await engine.cut()
    const made = consumer.committed.slice(before).flat()
    assert.deepEqual(
      made.map(({ offset }) => offset),
      commits,
      name,
    )
  }
  await engine.stop()
  assert.deepEqual(errors, [])
})

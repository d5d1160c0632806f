// Each step of a cut fails, or is the last thing its process does: state is exact, output is exact
// under exactly_once and complete under at_least_once.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventCount, runStep, type StepFault } from '../support/cut_steps.ts'

const STEPS_MAX = 60
const expected = Array.from({ length: eventCount }, (_, n) => n)
const counts = { a: eventCount / 3, b: eventCount / 3, c: eventCount / 3 }
const sum = expected.reduce((all, n) => all + n, 0)
const faults: readonly StepFault[] = ['fails before', 'fails after', 'ends before', 'ends after']

for (const guarantee of ['at_least_once', 'exactly_once'] as const)
  for (const fault of faults)
    test(`${guarantee}: a step that ${fault} it is done`, { timeout: 120_000 }, async () => {
      const steps = new Set<string>()
      for (let step = 1; ; step++) {
        assert.ok(step < STEPS_MAX, 'steps end')
        const losesDisk = step % 2 === 0
        const found = await runStep({ guarantee, fault, step, losesDisk })
        if (found.at === undefined) break
        steps.add(found.at)
        const where = `step ${step}, ${found.at}\n${found.trace.slice(-40).join('\n')}`
        assert.ok(found.hasSettled, `not settled: ${where}`)
        assert.deepEqual(found.counts, counts, where)
        assert.deepEqual(found.changes, counts, where)
        assert.equal(found.sum, sum, where)
        const echoed = guarantee === 'exactly_once' ? found.echoed : [...new Set(found.echoed)]
        assert.deepEqual(
          [...echoed].sort((a, b) => a - b),
          expected,
          where,
        )
      }
      assert.ok(
        ['appendBatch', 'commitOffsets', 'commit', 'store'].every((each) => steps.has(each)),
      )
    })

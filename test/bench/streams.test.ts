import assert from 'node:assert/strict'
import { test } from 'node:test'
import { smokeBench } from '../support/smoke_bench.ts'

test('W0 to W3 run in turns on the embedded log, and every total is right', async () => {
  const { rows, svg } = await smokeBench('streams/streams', ['--only', 'workloads'])
  const cases = (group: string): readonly string[] =>
    rows.filter((row) => row.group === group).map((row) => row.case)
  assert.equal(cases('W0–W3').length, 6)
  for (const [at, name] of ['W0', 'W1', 'W1, exactly once', 'W1, plain', 'W2', 'W3'].entries())
    assert.ok(cases('W0–W3')[at].startsWith(name), name)
  assert.deepEqual(cases('W0–W3, CPU seconds'), cases('W0–W3'))
  for (const { facts } of rows) assert.equal(facts.Kafka, undefined)
  assert.match(svg, /W2: hopping/)
})

test('codecs, keys, settings and agents are compared, each with its own kind', async () => {
  const only = 'codecs,keys,settings,agents'
  const args = ['--only', only, '--events', '10000', '--rounds', '2', '--seed', '7']
  const { rows } = await smokeBench('streams/streams', args)
  const groups = [...new Set(rows.map(({ group }) => group))]
  assert.deepEqual(
    groups.map((group) => group.split(',')[0]),
    ['W1', 'W3', 'W1', 'W0'],
  )
  for (const { seed, samples, group } of rows) assert.deepEqual([seed, samples], [7, 2], group)
  const [few, many] = rows.filter(({ group }) => group.startsWith('W3'))
  assert.ok(Number(many.facts.cells) > Number(few.facts.cells))
})

test('a group that there is not is refused, with the names of those that there are', async () => {
  const run = smokeBench('streams/streams', ['--only', 'codecs,w9'])
  await assert.rejects(run, /--only w9: there are workloads, codecs/)
})

// `euphorion bench wire` at smoke size on the embedded log: what it prints, and that what it says
// was checked was checked.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { euphorion, newDirectory, runNode } from '../support/program.ts'

const EVENTS = 30_000

test('bench wire reads, sends many and sends one by one, and checks what came', {
  timeout: 120_000,
}, async (t) => {
  const cwd = await newDirectory()
  const options = `--events ${EVENTS} --partitions 3 --compression lz4 --send-batch-bytes 64KiB`
  const args = ['bench', 'wire', '--broker', 'embedded:log', '--json', ...options.split(' ')]
  const { code, out, err } = await runNode(t, [euphorion, ...args], { cwd })
  assert.equal(code, 0, err)
  const lines = out
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.deepEqual(
    lines.map(({ part }) => part),
    ['fetch', 'sendMany', 'send'],
  )
  for (const line of lines) {
    assert.equal(line.verified, true, String(line.part))
    assert.equal(line.events, EVENTS)
    assert.equal(line.compression, 'lz4')
    assert.equal(line.sendBatchBytes, 65_536)
    for (const name of ['seconds', 'recordsPerSecond', 'maxResidentMiB'])
      assert((line[name] as number) > 0, name)
  }
  const table = [euphorion, 'bench', 'wire', '--part', 'sendMany', '--events', '1000']
  const painted = await runNode(t, table, { cwd })
  assert.equal(painted.code, 0, painted.err)
  assert.match(
    painted.out,
    /part +records\/s[\s\S]*sendMany +[\d,]+[\s\S]*yes\n[\s\S]*1,000 records a run/,
  )
})

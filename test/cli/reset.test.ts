// `euphorion reset`: says what goes, asks, refuses while the app runs, and afterwards the app counts
// from the beginning, also where a table is declared in another way.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { euphorion, newDirectory, Program, runNode } from '../support/program.ts'
import { repositoryRoot } from '../support/repository.ts'

const entry = join(repositoryRoot, 'dist/src/index.js')

const program = (size: string) => `
import { App, count, record, string, tumbling, timestamp } from ${JSON.stringify(entry)}
export const app = new App('visits', { broker: 'embedded:./log', dataDir: './state' })
const Visit = record('Visit', { page: string(), at: timestamp() })
const visits = app.topic('visits', { key: string(), value: Visit, keyedBy: 'page', partitions: 2 })
app.stream(visits).keyBy('page').time('at').window(tumbling('${size}'))
  .aggregate('per-page', () => ({ visits: count() }))
`

describe('reset', { timeout: 120_000 }, () => {
  const euphorionIn = (t: TestContext, cwd: string) => async (args: string[], input?: string) =>
    runNode(t, [euphorion, ...args], { cwd, input })

  async function worked(t: TestContext, cwd: string, visits: number): Promise<void> {
    const worker = Program.start(t, [euphorion, 'worker', '-A', 'app.mjs'], { cwd })
    await worker.prints(/worker started/)
    const run = euphorionIn(t, cwd)
    for (;;) {
      const { out } = await run(['table', 'per-page', '-A', 'app.mjs', '--json'])
      const rows = out.split('\n').filter((line) => line !== '')
      const sum = rows.reduce((total, line) => total + JSON.parse(line).visits, 0)
      if (sum === visits) break
    }
    const refused = await run(['reset', '-A', 'app.mjs', '--yes'])
    assert.equal(refused.code, 1)
    assert.match(refused.err, /^STORE_LOCKED: /)
    worker.signal('SIGINT')
    assert.equal((await worker.ended).code, 0)
  }

  test('a changed window is refused until the app is reset, which asks', async (t) => {
    const cwd = await newDirectory()
    const run = euphorionIn(t, cwd)
    writeFileSync(join(cwd, 'app.mjs'), program('10s'))
    const visit = (at: number) => JSON.stringify({ page: '/home', at })
    for (const at of [0, 11_000, 12_000])
      await run(['send', 'visits', visit(at), '-k', '/home', '-A', 'app.mjs'])
    await worked(t, cwd, 3)

    writeFileSync(join(cwd, 'app.mjs'), program('60s'))
    const changed = await run(['worker', '-A', 'app.mjs'])
    assert.equal(changed.code, 1)
    assert.match(changed.err, /TABLE_CHANGED/)
    assert.match(changed.err, /euphorion reset/)

    const unasked = await run(['reset', '-A', 'app.mjs'])
    assert.equal(unasked.code, 2)
    assert.match(unasked.err, /--yes/)
    const dry = await run(['reset', '-A', 'app.mjs', '--dry-run', '--json'])
    const plan = JSON.parse(dry.out)
    assert.deepEqual(plan.changelogs, ['visits-per-page-changelog'])
    assert.equal(plan.done, false)
    const done = await run(['reset', '-A', 'app.mjs', '--yes'])
    assert.equal(done.code, 0, done.err)
    assert.match(done.out, /topic +visits-per-page-changelog/)
    await worked(t, cwd, 3)
  })
})

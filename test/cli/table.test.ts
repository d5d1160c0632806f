// `euphorion table`: the same rows from a running worker and from the stores on disk, in every
// form.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { App, count, text } from '../../src/index.ts'
import { inFolder, Lines, until } from '../support/apps.ts'
import { euphorion, newDirectory, Program, runNode, visitsApp } from '../support/program.ts'

const START = 1_700_000_000_000
const iso = (ms: number): string => new Date(ms).toISOString()

/** Two windows of /a, one of the page with a comma and quotes. */
const visits = [
  { page: '/a', ms: 4, at: START },
  { page: '/a', ms: 5, at: START + 9999 },
  { page: '/a', ms: 6, at: START + 10_000 },
  { page: '/b,"ü"', ms: 7, at: START + 1 },
]

async function table(t: TestContext, cwd: string, args: readonly string[]): Promise<string> {
  const { code, out, err } = await runNode(t, [euphorion, 'table', ...args], { cwd })
  assert.equal(code, 0, err)
  return out
}

const jsonl = (...rows: unknown[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('')

const a1 = { key: '/a', start: START, end: START + 10_000, visits: 2, totalMs: 9, meanMs: 4.5 }
const a2 = {
  key: '/a',
  start: START + 10_000,
  end: START + 20_000,
  visits: 1,
  totalMs: 6,
  meanMs: 6,
}
const b1 = { key: '/b,"ü"', start: START, end: START + 10_000, visits: 1, totalMs: 7, meanMs: 7 }

/** All that `table` can do with these visits; `where` is -A FILE or --data-dir. */
async function checkForms(t: TestContext, cwd: string, where: readonly string[]): Promise<void> {
  const rows = (...args: string[]) => table(t, cwd, ['per-window', ...where, ...args])
  assert.equal(await rows('--format', 'jsonl'), jsonl(a1, b1, a2))
  assert.equal(await rows('--json', '--key', '/a'), jsonl(a1, a2))
  assert.equal(await rows('--json', '--from', iso(START + 10_000)), jsonl(a2))
  assert.equal(await rows('--json', '--to', String(START + 10_000)), jsonl(a1, b1))
  assert.equal(await rows('--json', '--key', '/nowhere'), '')
  assert.equal(
    await rows('--format', 'csv', '--to', String(START + 1)),
    `key,start,end,visits,totalMs,meanMs\n/a,${START},${START + 10_000},2,9,4.5\n` +
      `"/b,""ü""",${START},${START + 10_000},1,7,7\n`,
  )
  const [head, , ...painted] = (await rows()).trimEnd().split('\n')
  assert.match(head, /^key +start +end +visits +totalMs +meanMs$/)
  assert.match(painted[0], /^\/a +2023-11-14 22:13:20Z +2023-11-14 22:13:30Z +2 +9 +4\.5$/)
  assert.equal(painted.length, 3)
  assert.equal(
    await table(t, cwd, ['per-page', ...where, '--json', '--key', '/a']),
    jsonl({ key: '/a', visits: 3, slowestMs: 6 }),
  )
}

test('rows of a running worker, then the same from disk', { timeout: 240_000 }, async (t) => {
  const cwd = await newDirectory()
  const worker = Program.start(t, [visitsApp, 'worker'], { cwd })
  await worker.prints(/worker started/)
  const input = visits.map((visit) => JSON.stringify(visit)).join('\n')
  const sent = await runNode(t, [visitsApp, 'send', 'visits', '-'], { cwd, input })
  assert.equal(sent.code, 0, sent.err)
  // Reads see the last cut.
  while ((await table(t, cwd, ['per-window', '-A', visitsApp, '--json'])).split('\n').length < 4);
  await checkForms(t, cwd, ['-A', visitsApp])
  await checkForms(t, cwd, ['--data-dir', './data'])
  worker.signal('SIGINT')
  assert.equal((await worker.ended).code, 0)
  await checkForms(t, cwd, ['-A', visitsApp])
  await checkForms(t, cwd, ['--data-dir', 'data/'])
})

test('several workers of one machine answer together', { timeout: 240_000 }, async (t) => {
  const cwd = await newDirectory()
  // Two workers of one group in this process: each has one of the two partitions.
  const options = { ...inFolder(cwd), logger: new Lines() }
  const apps = [new App('shared', options), new App('shared', options)]
  t.after(() => Promise.all(apps.map((app) => app.stop())))
  const topics = apps.map((app) => {
    const topic = app.topic('words', { key: text(), value: text(), partitions: 2 })
    app.stream(topic).aggregate('per-word', () => ({ n: count() }))
    return topic
  })
  for (const app of apps) await app.start()
  await until(() => apps.every((app) => app.statistics().length === 1))
  for (const partition of [0, 1])
    await topics[0].send({ key: `k${partition}`, value: 'x', partition })
  const where = ['per-word', '--data-dir', 'state']
  const rows = () => table(t, cwd, [...where, '--format', 'csv'])
  await until(async () => (await rows()).split('\n').length === 4)
  assert.equal(await rows(), 'key,n\nk0,1\nk1,1\n')
  assert.equal(await table(t, cwd, [...where, '--json', '--key', 'k1']), jsonl({ key: 'k1', n: 1 }))
})

test('what is wrong with a query is said', { timeout: 240_000 }, async (t) => {
  const cwd = await newDirectory()
  const worker = Program.start(t, [visitsApp, 'worker'], { cwd })
  await worker.prints(/worker started/)
  const failed = async (...args: string[]) => {
    const { code, err } = await runNode(t, [euphorion, 'table', ...args], { cwd })
    return `${code} ${err}`
  }
  const unknown = /^1 TABLE_UNKNOWN: .*nowhere.*per-.*, per-/
  assert.match(await failed('nowhere', '-A', visitsApp), unknown)
  assert.match(await failed('per-page', '--from', 'yesterday'), /^2 USAGE: 'yesterday'/)
  assert.match(await failed('per-page', '--format', 'xml'), /^2 .*Allowed choices/s)
  worker.signal('SIGINT')
  await worker.ended
  assert.match(await failed('nowhere', '-A', visitsApp), unknown)
  assert.match(await failed('per-page', '--data-dir', './none'), /^1 TABLE_UNKNOWN: .*no tables/)
})

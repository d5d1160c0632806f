// The comparison with other engines, without any of them: the checker of answers, the measuring of
// a program from outside, and what is made of the rows.
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readRows } from '../../bench/peers/results.ts'
import { Answers } from '../../bench/peers/streams/answer.ts'
import { measure } from '../../bench/peers/streams/measure.ts'
import { streamsPlot } from '../../bench/peers/streams/plot.ts'
import type { StreamRow } from '../../bench/peers/streams/rows.ts'
import { type PeerSpec, streamWorkloads } from '../../bench/peers/streams/spec.ts'
import { shortRate, streamsTable, workloadTable } from '../../bench/peers/streams/tables.ts'
import { replaceTable, resultsFile, root } from '../../bench/report/checkout.ts'
import { partitionOfKey } from '../../src/log/partitioner.ts'
import { type PageView, PageViews } from '../../src/tune/workload.ts'
import { newDirectory } from '../support/program.ts'

const made = { events: 5000, partitions: 4, keys: 50, seed: 1 }

/** The first records of each partition. */
function prefix(counts: readonly number[]): PageView[] {
  const left = [...counts]
  const views: PageView[] = []
  const all = new PageViews(made)
  for (let view = all.nextEvent(); view; view = all.nextEvent())
    if (left[partitionOfKey(Buffer.from(view.url), 4)]-- > 0) views.push(view)
  return views
}

function counted(views: readonly PageView[], keyOf: (view: PageView) => string) {
  const counts = new Map<string, number>()
  for (const view of views) counts.set(keyOf(view), (counts.get(keyOf(view)) ?? 0) + 1)
  return [...counts].map(([key, count]) => `${key}\t${count}`)
}

test('an answer is right for exactly the prefix that it says it has consumed', async () => {
  const path = join(await newDirectory(), 'answer.tsv')
  const consumed = [300, 0, 1000, 7]
  const records = 1307
  const answers = new Answers(made)
  const check = async (lines: readonly string[], workload: 'w1' | 'w3' = 'w1') => {
    writeFileSync(path, `${lines.join('\n')}\n`)
    return await answers.check(workload, path, records)
  }
  const views = prefix(consumed)
  const head = ['consumed', ...consumed].join('\t')
  const w1 = counted(views, ({ url, ts }) => `${url}\t${Math.floor(ts / 10_000) * 10_000}`)
  const w3 = counted(views, ({ url }) => `${url}\t0`)
  assert.deepEqual(await check([head, ...w1]), { isRight: true, why: '' })
  assert.deepEqual(await check([head, ...w3], 'w3'), { isRight: true, why: '' })
  assert.match((await check([head, ...w1.slice(1)])).why, /is missing/)
  assert.match((await check([head, ...w1, w1[0]])).why, /only once/)
  assert.match((await check([head, ...w1.slice(1), `${w1[0]}0`])).why, /and not/)
  assert.match((await check([['consumed', 300, 0, 1000, 8].join('\t'), ...w1])).why, /answers for/)
})

test('sums, least and most of a hopping window are those of its six steps', async () => {
  const path = join(await newDirectory(), 'answer.tsv')
  const consumed = [40, 40, 40, 40]
  const views = prefix(consumed)
  const cells = new Map<string, number[]>()
  for (const { url, ms, ts } of views)
    for (let start = Math.floor(ts / 10_000) * 10_000; start > ts - 60_000; start -= 10_000) {
      const [count, total, least, most] = cells.get(`${url}\t${start}`) ?? [0, 0, ms, ms]
      const cell = [count + 1, total + ms, Math.min(least, ms), Math.max(most, ms)]
      cells.set(`${url}\t${start}`, cell)
    }
  const lines = [...cells].map(([key, cell]) => [key, ...cell].join('\t'))
  writeFileSync(path, [['consumed', ...consumed].join('\t'), ...lines].join('\n'))
  const checked = await new Answers(made).check('w2', path, views.length)
  assert.deepEqual(checked, { isRight: true, why: '' })
})

const spec = (directory: string): PeerSpec => ({
  ...{ workload: 'w1', guarantee: 'at_least_once', brokers: 'none', topic: 'none', id: 'none' },
  ...{ ends: [10], seconds: 1, directory, answer: join(directory, 'answer.tsv') },
})

test('a program is measured from ready to done, by what it says', async () => {
  const program = `
    const say = (line) => console.log(JSON.stringify(line))
    console.log('a library prints something')
    say({ peer: 'ready', version: 'Fake 1' })
    say({ peer: 'at', consumed: [4, 2] })
    say({ peer: 'at', consumed: [6, 4] })
    say({ peer: 'done' })
    require('node:fs').readSync(0, Buffer.alloc(1))`
  const command = [process.execPath, '-e', program, '--']
  const run = await measure(command, spec(await newDirectory()))
  assert.equal(run.version, 'Fake 1')
  assert.equal(run.records, 10)
  assert.ok(run.seconds >= 0 && run.perSecond > 0 && run.secondHalfPerSecond > 0)
  if (existsSync('/proc/self/stat')) assert.ok(run.residentMiB! > 10 && run.cpuSeconds! >= 0)
})

test('a program that fails is reported with what it said last', async () => {
  const program = "console.error('no such group\\n    at somewhere'); process.exit(3)"
  const command = [process.execPath, '-e', program, '--']
  await assert.rejects(measure(command, spec(await newDirectory())), /^Error: no such group$/)
})

test('rates have three digits at most', () => {
  const rates = [7, 611, 6140, 32_692, 406_000, 999_600, 5_512_345].map(shortRate)
  assert.deepEqual(rates, ['7', '611', '6.1 k', '33 k', '406 k', '1 M', '5.5 M'])
})

test('tables and plot of the engines are those of the recorded runs', () => {
  const rows = streamWorkloads.map((name) => readRows<StreamRow>(resultsFile(name)))
  const read = (file: string): string => readFileSync(join(root, file), 'utf8')
  const [readme, page] = [read('README.md'), read('bench/peers/README.md')]
  assert.ok(replaceTable(readme, 'peers streams', streamsTable(rows.flat())) === readme)
  for (const [index, name] of streamWorkloads.entries())
    assert.ok(replaceTable(page, `peers ${name}`, workloadTable(rows[index])) === page, name)
  assert.equal(read('bench/results/peers.svg'), streamsPlot(rows.flat()))
  for (const row of rows.flat()) assert.ok(row.identical, `${row.peer}, ${row.workload}`)
})

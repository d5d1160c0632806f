// `euphorion demo`: ends by itself or when asked, in a terminal and in a pipe, and leaves what
// `euphorion table` reads, with the very commands that it prints.
import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { useKafka } from '../support/kafka.ts'
import { euphorion, hasTerminal, newDirectory, Program, runNode } from '../support/program.ts'

const timeout = 60_000
const kafka = await useKafka()
after(() => kafka?.stop())
const hideCursor = '\x1b[?25l'
const showCursor = '\x1b[?25h'
const demo = [euphorion, 'demo']

interface Row {
  readonly key: string
  readonly views: number
}

const rowsOf = (out: string): Row[] =>
  out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Row)

test('--events: ends by itself, and its table counts every event', { timeout }, async (t) => {
  const cwd = await newDirectory()
  const { code, out, err } = await runNode(t, [...demo, '--events', '300000'], { cwd })
  assert.equal(code, 0, err)
  assert.equal(err, '')
  assert.match(out, /^300,000 page views aggregated in \d+\.\d s \([\d,]+ events\/s\); the table/m)
  const printed = out.match(/^ {2}\S.* table .*$/gm) ?? []
  assert.equal(printed.length, 2)
  const byKey = await Program.shell(t, printed[1], { cwd }).ended
  assert.equal(byKey.code, 0, byKey.err)
  assert.ok(rowsOf(byKey.out).every(({ key }) => key === '/page/0'))
  const all = await Program.shell(t, printed[0].replace('| less', '--json'), { cwd }).ended
  const views = rowsOf(all.out).reduce((sum, row) => sum + row.views, 0)
  assert.equal(views, 300_000)
})

test('--json prints only the summary; a second demo starts afresh', { timeout }, async (t) => {
  const cwd = await newDirectory()
  for (const events of [50_000, 20_000]) {
    const args = [...demo, '--events', String(events), '--json', '--dir', 'my demo']
    const { code, out, err } = await runNode(t, args, { cwd })
    assert.equal(code, 0, err)
    const summary = JSON.parse(out)
    assert.equal(summary.events, events)
    assert.equal(summary.views, events)
  }
})

test('without an end it goes on until SIGINT or SIGTERM', { timeout }, async (t) => {
  const cwd = await newDirectory()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const running = Program.start(t, [...demo, '--rate', '100000'], { cwd })
    await running.prints(/^[\d,]+ events, [\d,]+\/s, window \S+: \/page\/\d/m)
    running.signal(signal)
    const { code, out, err } = await running.ended
    assert.equal(code, 0, err)
    const [, events] = /^([\d,]+) page views aggregated/m.exec(out) ?? []
    const args = [euphorion, 'table', 'views-per-page', '--data-dir', 'euphorion-demo/state']
    const { out: rows } = await runNode(t, [...args, '--json'], { cwd })
    const views = rowsOf(rows).reduce((sum, row) => sum + row.views, 0)
    assert.equal(views.toLocaleString('en-US'), events)
  }
})

test('--seconds ends it', { timeout }, async (t) => {
  const cwd = await newDirectory()
  const { code, out } = await runNode(t, [...demo, '--seconds', '1', '--json'], { cwd })
  assert.equal(code, 0)
  assert.ok(JSON.parse(out).events > 0)
})

test('it takes no directory of somebody else or of a running demo', { timeout }, async (t) => {
  const cwd = await newDirectory()
  writeFileSync(join(cwd, 'mine.txt'), 'keep me\n')
  const foreign = await runNode(t, [...demo, '--dir', '.'], { cwd })
  assert.equal(foreign.code, 2)
  assert.ok(existsSync(join(cwd, 'mine.txt')))
  const running = Program.start(t, [...demo, '--rate', '1000'], { cwd })
  await running.prints(/events/)
  const second = await runNode(t, [...demo, '--events', '1000'], { cwd })
  assert.equal(second.code, 2)
  assert.match(second.err, /^USAGE: .*another demo runs/)
  running.signal('SIGINT')
  assert.equal((await running.ended).code, 0)
})

if (kafka) {
  test('--broker: its topic is on Kafka, and goes away with the demo', { timeout }, async (t) => {
    const cwd = await newDirectory()
    const broker = ['--broker', `kafka://${kafka.brokers}`]
    const { code, out, err } = await runNode(
      t,
      [...demo, ...broker, '--events', '20000', '--json'],
      {
        cwd,
      },
    )
    assert.equal(code, 0, err)
    assert.equal(JSON.parse(out).views, 20_000)
    const topics = await runNode(t, [euphorion, 'topics', ...broker], { cwd })
    assert.doesNotMatch(topics.out, /euphorion-demo/)
  })
}

if (hasTerminal) {
  test('in a terminal it paints over itself; Ctrl+C ends it well', { timeout }, async (t) => {
    const cwd = await newDirectory()
    const running = Program.terminal(t, [...demo, '--rate', '100000'], { cwd })
    await running.prints(/top pages of the window.*\/page\/\d+ .*Ctrl\+C ends it.*top pages/s)
    running.type('\x03')
    const { code, out } = await running.ended
    assert.equal(code, 0, out)
    assert.match(out, /page views aggregated in/)
    assert.equal(out.split(hideCursor).length, 2, 'hides the cursor once')
    assert.ok(out.indexOf(showCursor) > out.indexOf(hideCursor), 'shows it again')
  })
}

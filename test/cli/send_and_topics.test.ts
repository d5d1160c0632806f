// `euphorion send` and `euphorion topics`: with and without the types of an app, on an embedded log
// that a worker has open and on one that nobody has.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { withLog } from '../support/embedded.ts'
import {
  type Ended,
  euphorion,
  newDirectory,
  Program,
  runNode,
  visitsApp,
} from '../support/program.ts'

const broker = ['--broker', 'embedded:./data']

async function run(t: TestContext, cwd: string, args: readonly string[], input?: string) {
  return runNode(t, [euphorion, ...args], { cwd, input })
}

function succeeded({ code, out, err }: Ended): string {
  assert.equal(code, 0, err)
  return out
}

describe('on a log that nobody has open', { timeout: 240_000 }, () => {
  test('topics are created, listed, described and deleted', async (t) => {
    const cwd = await newDirectory()
    const topics = (...args: string[]) => run(t, cwd, ['topics', ...broker, ...args])
    assert.equal(succeeded(await topics()), 'no topics\n')
    const created = succeeded(await topics('greetings', '--create', '--partitions', '2', '--json'))
    assert.equal(
      created,
      '{"topic":"greetings","partition":0,"earliest":0,"latest":0}\n' +
        '{"topic":"greetings","partition":1,"earliest":0,"latest":0}\n',
    )
    const again = await topics('greetings', '--create')
    assert.equal(again.code, 0)
    assert.match(again.err, /exists already/)
    assert.match(succeeded(await topics()), /^greetings +2 +0$/m)
    succeeded(await topics('greetings', '--delete'))
    assert.equal(succeeded(await topics('--json')), '')
    const gone = await topics('greetings')
    assert.equal(gone.code, 1)
    assert.match(gone.err, /^TOPIC_UNKNOWN: /)
  })

  test('text goes where its key or --partition says', async (t) => {
    const cwd = await newDirectory()
    succeeded(
      await run(t, cwd, ['topics', 'greetings', '--create', '--partitions', '3', ...broker]),
    )
    const send = (...args: string[]) => run(t, cwd, ['send', 'greetings', ...args, ...broker])
    assert.equal(succeeded(await send('hello', '-p', '2')), 'greetings/2 at 0\n')
    const first = JSON.parse(succeeded(await send('a', '-k', 'key', '--json')))
    const second = JSON.parse(succeeded(await send('b', '-k', 'key', '--json')))
    assert.equal(first.partition, second.partition)
    assert.equal(second.offset, first.offset + 1)
    const outside = await send('hello', '-p', '3')
    assert.equal(outside.code, 1)
    assert.match(outside.err, /partitions 0 to 2/)
  })

  test('a topic that does not exist is an error that says so', async (t) => {
    const cwd = await newDirectory()
    const { code, err } = await run(t, cwd, ['send', 'nowhere', 'x', ...broker])
    assert.equal(code, 1)
    assert.match(err, /^TOPIC_UNKNOWN: .*nowhere/)
  })

  test("a topic of the app's is created as it declares it", async (t) => {
    const cwd = await newDirectory()
    const sent = await run(t, cwd, ['send', 'notes', 'first', '-A', visitsApp])
    assert.match(succeeded(sent), /^notes\/\d at 0$/m)
    assert.match(succeeded(await run(t, cwd, ['topics', '-A', visitsApp])), /^notes +4 +1$/m)
  })

  test('a file of lines, headers, a time and a model; what goes to @agent', async (t) => {
    const cwd = await newDirectory()
    const send = (...args: string[]) => run(t, cwd, ['send', ...args, '-A', visitsApp])
    const visit = (page: string) => JSON.stringify({ page, ms: 5, at: 1000 })
    writeFileSync(join(cwd, 'visits.jsonl'), `${visit('/a')}\n\n${visit('/b')}\n`)
    const stored = succeeded(
      await send('visits', '-f', 'visits.jsonl', '-t', '1970-01-01T00:00:02Z'),
    )
    assert.match(stored, /^visits\/\d at 0\nvisits\/\d at \d\n$/)
    const twice = succeeded(
      await send('notes', 'hi', '-H', 'a=1', '-H', 'b=x=y', '-r', '2', '-p', '1'),
    )
    assert.equal(twice, 'notes/1 at 0\nnotes/1 at 1\n')
    succeeded(await send('notes', visit('/c'), '--model', 'Visit', '-p', '0'))
    await withLog(join(cwd, 'data'), {}, async (log) => {
      const records = await log.read('notes', 1, 0)
      const headers = records[0].headers?.map(({ key, value }) => `${key}: ${Buffer.from(value!)}`)
      assert.deepEqual(headers, ['a: 1', 'b: x=y'])
      const [{ value }] = await log.read('notes', 0, 0)
      assert.equal(Buffer.from(value!).toString(), visit('/c'))
      const visits = [await log.read('visits', 0, 0), await log.read('visits', 1, 0)].flat()
      assert.deepEqual(
        visits.map(({ timestamp }) => timestamp),
        [2000, 2000],
      )
    })
    const wrong: readonly (readonly [readonly string[], RegExp])[] = [
      [['notes', '{"page":1}', '--model', 'Visit'], /^RECORD_INVALID: .*page/],
      [['notes', '{}', '--model', 'Vist'], /no record Vist; did you mean Visit\?/],
      [['@nobody', 'x'], /no agent @nobody; it has: @/],
      [['notes'], /a value, or --file, is missing/],
      [['notes', 'x', '-f', 'y'], /exclude each other/],
      [['notes', '-f', 'nowhere'], /cannot read nowhere/],
      [['notes', 'x', '-H', 'a'], /It is a name, =, and a value/],
    ]
    for (const [args, message] of wrong) {
      const { code, err } = await send(...args)
      assert.notEqual(code, 0)
      assert.match(err, message)
    }
  })

  test('without a broker the error names both choices', async (t) => {
    const { code, err } = await run(t, await newDirectory(), ['topics'])
    assert.equal(code, 1)
    assert.match(err, /^BROKER_MISSING: /)
    assert.match(err, /kafka:\/\/.*embedded:/)
  })
})

test('while a worker has the log open, commands go through it', { timeout: 240_000 }, async (t) => {
  const cwd = await newDirectory()
  const worker = Program.start(t, [visitsApp, 'worker'], { cwd })
  await worker.prints(/worker started/)
  const app = ['-A', visitsApp]

  const visit = (page: string, ms: number) => JSON.stringify({ page, ms, at: 1000 })
  assert.match(succeeded(await run(t, cwd, ['send', 'visits', visit('/a', 5), ...app])), /^visits/)
  await worker.prints(/^saw \/a 5$/m)

  const lines = `${visit('/b', 6)}\n\n${visit('/c', 7)}\r\n`
  const sent = succeeded(await run(t, cwd, ['send', 'visits', '-', ...app], lines))
  assert.equal(sent.trimEnd().split('\n').length, 2)
  await worker.prints(/^saw \/b 6$/m)
  await worker.prints(/^saw \/c 7$/m)

  const refused = await run(
    t,
    cwd,
    ['send', 'visits', '-', ...app],
    `${visit('/d', 8)}\n{"page":1}\n${visit('/never', 8)}\n`,
  )
  assert.equal(refused.code, 1)
  assert.match(refused.err, /^RECORD_INVALID: line 2: Visit\.page: /)
  assert.match(refused.out, /^visits\/\d at \d+\n$/)
  await worker.prints(/^saw \/d 8$/m)

  succeeded(await run(t, cwd, ['send', 'notes', 'no JSON at all', ...app]))
  const unknown = await run(t, cwd, ['send', 'nowhere', '1', ...app])
  assert.match(unknown.err, /^TOPIC_UNKNOWN: .*it has: visits, notes/)

  // The app's own program has the same commands.
  succeeded(await runNode(t, [visitsApp, 'send', 'visits', visit('/e', 9)], { cwd }))
  await worker.prints(/^saw \/e 9$/m)
  const rows = succeeded(await runNode(t, [visitsApp, 'topics', '--json'], { cwd }))
  assert.match(rows, /^{"topic":"visits","partitions":2,"records":5}$/m)
  succeeded(await run(t, cwd, ['topics', 'extra', '--create', ...broker]))
  assert.match(succeeded(await run(t, cwd, ['topics', ...app])), /^extra +4 +0$/m)
  succeeded(await run(t, cwd, ['topics', 'extra', '--delete', ...broker]))

  worker.signal('SIGTERM')
  assert.equal((await worker.ended).code, 0)
})

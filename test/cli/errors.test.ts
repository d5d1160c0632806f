// Coded errors on the command line: code, message, place and advice on standard error, no stack,
// and an exit code that is not 0.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, type TestContext, test } from 'node:test'
import type { ErrorCode } from '../../src/errors.ts'
import { euphorion, newDirectory, Program, runNode, visitsApp } from '../support/program.ts'

const limit = { timeout: 240_000 }
let cwd: string

before(async () => {
  cwd = await newDirectory()
  writeFileSync(join(cwd, 'nothing.mjs'), 'export const nothing = 1\n')
  const broken = `import { App, count, record, string } from '${new URL('../../src/index.js', import.meta.url)}'
export const app = new App('broken', { broker: 'embedded:broken' })
const views = app.topic('views', { value: record('View', { url: string() }) })
app.stream(views).keyBy('uri').aggregate('per-uri', () => ({ views: count() }))
`
  writeFileSync(join(cwd, 'broken.mjs'), broken)
  writeFileSync(join(cwd, 'throws.mjs'), "throw new TypeError('mine')\n")
})

async function fails(
  t: TestContext,
  line: string,
  { code, says, exit = 1 }: { code: ErrorCode; says: RegExp; exit?: number },
): Promise<void> {
  const words = line.replace('VISITS', visitsApp).split(' ')
  const { code: status, out, err } = await runNode(t, [euphorion, ...words], { cwd })
  assert.equal(status, exit, err)
  assert.equal(out, '')
  const lines = err.trimEnd().split('\n')
  const at = lines.findIndex((each) => each.startsWith(`${code}: `))
  assert.ok(at >= 0, err)
  assert.match(lines[at], says)
  assert.match(lines.at(-1)!, /^ {2}\S.{20,}/, 'advice')
  assert.doesNotMatch(err, /^\s+at .*:\d+:\d+\)?$/m, 'a stack')
}

const cases: readonly (readonly [string, ErrorCode, RegExp, number?])[] = [
  ['topics', 'BROKER_MISSING', /no broker is set/],
  ['topics --broker nowhere', 'SETTING_INVALID', /'nowhere' is no broker/],
  [
    'topics --broker kafka://127.0.0.1:1 --connect-timeout 300ms',
    'BROKER_UNREACHABLE',
    /127\.0\.0\.1:1/,
  ],
  ['send nowhere x --broker embedded:log', 'TOPIC_UNKNOWN', /nowhere/],
  ['send nowhere x -A VISITS', 'TOPIC_UNKNOWN', /the app has no topic nowhere.*visits, notes/],
  ['send visits {"page":1} -A VISITS', 'RECORD_INVALID', /Visit\.page: expected a string/],
  ['table nothing --data-dir data', 'TABLE_UNKNOWN', /there is no table nothing/],
  ['worker', 'USAGE', /worker needs an app: -A FILE/, 2],
  ['worker -A nowhere.ts', 'USAGE', /there is no file nowhere.ts/, 2],
  ['worker -A nothing.mjs', 'USAGE', /nothing.mjs exports no app/, 2],
  ['worker -A broken.mjs', 'APP_INVALID', /keyBy\('uri'\): no such field of views.*: url/],
  ['worker -A VISITS --broker kafka:/one', 'SETTING_INVALID', /'kafka:\/one' is no broker/],
]

describe('the command line', limit, () => {
  for (const [line, code, says, exit] of cases)
    test(`euphorion ${line}: ${code}`, (t) => fails(t, line, { code, says, exit }))

  test('a locked log: LOG_LOCKED', async (t) => {
    const env = { EUPHORION_BROKER: 'embedded:locked', EUPHORION_DATA_DIR: 'locked-data' }
    const program = Program.start(t, [visitsApp, 'worker'], { cwd, env })
    await program.prints(/worker started/)
    await fails(t, 'worker -A VISITS --broker embedded:locked', {
      code: 'LOG_LOCKED',
      says: /locked is open in process \d+/,
    })
    program.signal('SIGINT')
    assert.equal((await program.ended).code, 0)
  })

  test('a bad record under the policy stop: RECORD_BAD, with its place', async (t) => {
    const env = { EUPHORION_BROKER: 'embedded:stop', EUPHORION_DATA_DIR: 'stop-data' }
    const strict = join(cwd, 'strict.mjs')
    const source = new URL('../../src/index.js', import.meta.url)
    writeFileSync(
      strict,
      `import { App, integer } from '${source}'
export const app = new App('strict')
const topic = app.topic('numbers', { value: integer(), partitions: 1, onBadRecord: 'stop' })
app.agent(topic, async (stream) => { for await (const one of stream) console.log(one) })
await app.main(import.meta)
`,
    )
    const program = Program.start(t, [strict, 'worker'], { cwd, env })
    await program.prints(/worker started/)
    for (const value of ['1', 'one']) {
      const { code } = await runNode(t, [euphorion, 'send', 'numbers', value], { cwd, env })
      assert.equal(code, 0)
    }
    const { code, out, err } = await program.ended
    assert.deepEqual([code, out], [1, '1\n'])
    const said = err.split('\n').filter((line) => !line.startsWith('{'))
    assert.match(said[0], /^RECORD_BAD: .*invalid-json \(topic numbers, partition 0, offset 1\)$/)
    assert.match(said[1], /^ {2}The policy of the topic is onBadRecord: 'stop'/)
    assert.equal(said.length, 3)
  })

  test("an app's own error is told without a stack, and where to see it", async (t) => {
    const plain = await runNode(t, [euphorion, 'worker', '-A', 'throws.mjs'], { cwd })
    assert.equal(plain.code, 1)
    assert.equal(
      plain.err,
      'failed: TypeError: mine\n  Add --debug before the command to see where.\n',
    )
    const args = [euphorion, '--debug', 'worker', '-A', 'throws.mjs']
    const debug = await runNode(t, args, { cwd })
    assert.equal(debug.code, 1)
    assert.match(debug.err, /TypeError: mine\n\s+at .*throws\.mjs:1/)
  })
})

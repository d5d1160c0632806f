// What every command has: help with examples, exit codes, and quiet ends.
import assert from 'node:assert/strict'
import { accessSync, constants, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { euphorion, newDirectory, Program, runNode, visitsApp } from '../support/program.ts'

const commands = [
  'demo',
  'worker',
  'send',
  'topics',
  'table',
  'simulate',
  'bench pageviews',
  'bench agents',
  'bench kernels',
  'mandelbrot',
  'kernel build',
  'kernel run',
  'kernel bench',
]

test('the program can be executed after any build', () => {
  accessSync(euphorion, constants.X_OK)
})

describe('help', { timeout: 240_000 }, () => {
  test('lists the commands; without a command it is wrong usage', async (t) => {
    const cwd = await newDirectory()
    const asked = await runNode(t, [euphorion, '--help'], { cwd })
    assert.equal(asked.code, 0)
    for (const command of commands)
      assert.match(asked.out, new RegExp(`^  ${command.split(' ')[0]}`, 'm'))
    const bare = await runNode(t, [euphorion], { cwd })
    assert.equal(bare.code, 2)
    assert.match(bare.err, /^Usage: euphorion/)
  })

  for (const command of commands) {
    test(`of ${command} ends with examples that parse`, async (t) => {
      const cwd = await newDirectory()
      const { code, out } = await runNode(t, [euphorion, ...command.split(' '), '--help'], { cwd })
      assert.equal(code, 0)
      const examples = [...out.split('Examples:')[1].matchAll(/^ {2}euphorion (.*)$/gm)]
      assert.ok(examples.length > 0)
      for (const [, line] of examples) {
        assert.ok(line.startsWith(command), line)
        const options = [...line.matchAll(/ (--?[\w-]+)/g)].map(([, name]) => name)
        for (const name of options)
          assert.ok(out.includes(`${name},`) || out.includes(`${name} `), name)
      }
    })
  }

  test("of a user's program shows its own commands", async (t) => {
    const cwd = await newDirectory()
    const { out } = await runNode(t, [visitsApp, 'send', '--help'], { cwd })
    assert.doesNotMatch(out, /euphorion send|--app/)
    assert.match(out, /^ {2}node \S+visits_app\.js send sample-topic '{"id":"me","value":1.5}'$/m)
    const all = await runNode(t, [visitsApp, '--help'], { cwd })
    assert.match(all.out, /^Usage: node \S+visits_app\.js /)
    assert.doesNotMatch(all.out, /^ {2}demo/m)
  })
})

describe('wrong usage ends with 2 and says what is wrong', { timeout: 240_000 }, () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['nothing', /unknown command 'nothing'/],
    ['worker --nothing', /unknown option '--nothing'/],
    ['worker --comit-interval 1s', /Did you mean --commit-interval/],
    [
      'worker -A empty.mjs --commit-interval 1',
      /commitIntervalMs cannot be "1".*from 10 ms to 1 h/,
    ],
    ['worker', /worker needs an app: -A FILE/],
    ['worker -A nowhere.js', /there is no file nowhere.js/],
    ['worker -A empty.mjs', /exports no app/],
    ['worker -A empty.mjs --threads 0', /threads cannot be "0".*1 to 64/],
    ['table', /missing required argument 'name'/],
    ['send topic', /a value, or --file, is missing/],
    ['send topic value --partition x', /whole number from 0/],
    ['topics --create', /the name is missing/],
    ['topics t --create --delete', /cannot be used with option/],
    ['demo --events 0', /whole number from 1/],
    ['mandelbrot --size 3', /WIDTHxHEIGHT, as in 1920x1440/],
    ['mandelbrot --size 0x5', /WIDTHxHEIGHT/],
    ['mandelbrot --region 1,2,3', /4 numbers, xFrom,xTo,yFrom,yTo/],
    ['mandelbrot --center 1', /2 numbers, x,y/],
    ['mandelbrot --zoom 0', /a number above 0/],
    ['mandelbrot --center 0,0 --region 0,1,0,1', /cannot be used with option '--region/],
    ['mandelbrot --backend gpu', /Allowed choices are auto, js, wasm, native/],
    ['mandelbrot --size 20000x20000 -o x.png', /at most 100,000,000 pixels/],
    ['demo --dir .', /is not empty and no demo made it/],
  ]
  for (const [line, expected] of cases) {
    test(line, async (t) => {
      const cwd = await newDirectory()
      writeFileSync(join(cwd, 'empty.mjs'), 'export const nothing = 1\n')
      const { code, err, out } = await runNode(t, [euphorion, ...line.split(' ')], { cwd })
      assert.equal(code, 2, `${out}${err}`)
      assert.match(err, expected)
      assert.doesNotMatch(err, /^ +at /m)
    })
  }
})

test('a failure ends with 1; its stack is shown with --debug', { timeout: 240_000 }, async (t) => {
  const cwd = await newDirectory()
  writeFileSync(join(cwd, 'broken.mjs'), `throw new Error('broken on purpose')\n`)
  const args = ['worker', '-A', 'broken.mjs']
  const short = await runNode(t, [euphorion, ...args], { cwd })
  assert.equal(short.code, 1)
  assert.match(short.err, /^failed: Error: broken on purpose\n {2}Add --debug/)
  const long = await runNode(t, [euphorion, '--debug', ...args], { cwd })
  assert.equal(long.code, 1)
  assert.match(long.err, /broken\.mjs:1/)
})

test('a reader that goes away ends a command quietly', { timeout: 240_000 }, async (t) => {
  const cwd = await newDirectory()
  const demo = [euphorion, 'demo', '--events', '200000', '--json']
  assert.equal((await runNode(t, demo, { cwd })).code, 0)
  const table = `node ${euphorion} table views-per-page --data-dir euphorion-demo/state`
  for (const format of ['jsonl', 'csv', 'table']) {
    const line = `{ ${table} --format ${format}; echo "code $?" >&2; } | head -1`
    const { out, err } = await Program.shell(t, line, { cwd }).ended
    assert.match(out, /key/)
    assert.equal(err, 'code 0\n')
  }
})

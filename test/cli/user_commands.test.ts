// Commands that a program declares: run as its own and through euphorion -A, with help, arguments,
// options, and exit codes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { App } from '../../src/app/app.ts'
import { makeProgram } from '../../src/cli/command_line.ts'
import { addUserCommands } from '../../src/cli/user_commands.ts'
import { euphorion, newDirectory, runNode } from '../support/program.ts'

const program = fileURLToPath(new URL('../support/commands_app.js', import.meta.url))
const timeout = 60_000

test("a program's own command gets its arguments and options", { timeout }, async (t) => {
  const cwd = await newDirectory()
  const run = (...args: string[]) => runNode(t, [program, ...args], { cwd })
  assert.equal((await run('greet', 'you')).out, 'hello you\n')
  const loud = await run('greet', 'you', 'me', '-l', '--times-said', '2')
  assert.deepEqual([loud.code, loud.out], [0, 'HELLO YOU AND MEHELLO YOU AND ME\n'])
  assert.equal((await run('greet')).code, 2)
  const stored = await run('store')
  assert.deepEqual(JSON.parse(stored.out), { topic: 'stored', partition: 0, offset: 0 })
  const failed = await run('fail')
  assert.deepEqual([failed.code, failed.out], [1, ''])
  assert.match(failed.err, /on purpose/)
})

test('euphorion -A runs and lists them', { timeout }, async (t) => {
  const cwd = await newDirectory()
  const run = (...args: string[]) => runNode(t, [euphorion, ...args], { cwd })
  assert.equal((await run('greet', '-A', program, 'you')).out, 'hello you\n')
  assert.equal((await run('greet', 'you', `--app=${program}`)).out, 'hello you\n')
  const help = await run('--help', '-A', program)
  assert.match(help.out, /^ {2}greet .*greet somebody$/m)
  assert.match(help.out, /^ {2}worker/m)
  assert.equal((await run('nothing', '-A', program)).code, 2)
})

test('names and options that cannot be are refused', async () => {
  const app = new App('wrong', {})
  const description = 'none'
  const run = () => undefined
  const wrong = { code: 'APP_INVALID' } as const
  assert.throws(() => app.command('No', { description }, run), wrong)
  assert.throws(() => app.command('no', { description, options: { '-n': 'x' } }, run), wrong)
  assert.throws(() => app.command('no', { description, arguments: { n: 'x' } }, run), wrong)
  app.command('worker', { description }, run)
  assert.throws(() => app.command('worker', { description }, run), wrong)
  const context = { app }
  const own = await makeProgram(context, [])
  assert.throws(() => addUserCommands(own, app, context), wrong)
})

// `euphorion completion`: the script is sourced by a real bash, and completes what a person would
// type.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeProgram } from '../../src/cli/command_line.ts'
import { completionScript } from '../../src/cli/completion.ts'
import { newDirectory } from '../support/program.ts'

const ask = `
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _euphorion; echo "\${COMPREPLY[@]}"
`

test('bash completes commands, options and their values', async () => {
  const file = join(await newDirectory(), 'completion.bash')
  writeFileSync(file, completionScript(await makeProgram({}), 'bash'))
  const complete = (...words: string[]) =>
    execFileSync('bash', ['-c', ask, 'ask', file, 'euphorion', ...words], { encoding: 'utf8' })
      .trim()
      .split(' ')
  assert.deepEqual(complete('wor'), ['worker'])
  assert.deepEqual(complete('kernel', 'b'), ['build', 'bench'])
  assert.deepEqual(complete('worker', '--guar'), ['--guarantee'])
  assert.deepEqual(complete('worker', '--guarantee', ''), ['at_least_once', 'exactly_once'])
  assert.deepEqual(complete('worker', '-A', 'app.ts', '--comp'), ['--compression'])
  assert.deepEqual(complete('topology', '--format', 's'), ['svg'])
  assert.deepEqual(complete('nonsense'), [''])
})

test('zsh and fish are given every command', async () => {
  const program = await makeProgram({})
  for (const shell of ['zsh', 'fish'] as const) {
    const script = completionScript(program, shell)
    for (const { name } of program.commands.map((each) => ({ name: each.name() })))
      assert(script.includes(name), `${shell} ${name}`)
  }
})

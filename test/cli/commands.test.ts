// The list of commands, which help prints without loading them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Help } from 'commander'
import { App } from '../../src/app/app.ts'
import { makeProgram } from '../../src/cli/command_line.ts'
import { listedTerm } from '../../src/cli/commands/commands.ts'

for (const [of, context] of [
  ['euphorion', {}],
  ["a user's program", { app: new App('own') }],
] as const)
  test(`help of ${of} lists each command as its module declares it`, async () => {
    const help = new Help()
    const declared = (await makeProgram(context)).commands.map((each) => [
      help.subcommandTerm(each),
      each.description(),
    ])
    const listed = (await makeProgram(context, [])).commands.map((each) => [
      listedTerm(each),
      each.description(),
    ])
    assert.deepEqual(listed, declared)
  })

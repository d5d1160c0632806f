// Types of a program's commands: arguments and options by their declarations.
import { test } from 'node:test'
import type { ArgumentsOf, OptionsOf } from '../../src/index.ts'
import { App } from '../../src/index.ts'
import { check, type Equal } from './equal.ts'

test('arguments and options of a command have the types of their declarations', () => {
  type Arguments = ArgumentsOf<{ '<id>': 'x'; '[more]': 'x'; '[rest...]': 'x' }>
  check<
    Equal<
      Arguments,
      { readonly id: string; readonly more: string | undefined; readonly rest: string[] }
    >
  >()
  type Options = OptionsOf<{ '-d, --dry-run': 'x'; '--count <n>': 'x'; '--log [file]': 'x' }>
  check<
    Equal<
      Options,
      {
        readonly dryRun: true | undefined
        readonly count: string | undefined
        readonly log: string | true | undefined
      }
    >
  >()
  const app = new App('typed', {})
  const spec = { description: '', arguments: { '<id>': '' } } as const
  app.command('good', spec, ({ args }) => args.id)
  // @ts-expect-error no such argument
  app.command('bad', spec, ({ args }) => args.name)
})

test('synchronous listeners return no promise, timers take an interval', () => {
  const app = new App('typed', {})
  // @ts-expect-error nobody would wait for it
  app.on('configured', async () => 1)
  app.on('started', async () => 1)
  // @ts-expect-error no such event
  app.on('begun', () => undefined)
  app.timer('good', '1.5h', () => undefined, { onLeader: true })
  const bad = () => {
    // @ts-expect-error no interval
    app.timer('bad', 'often', () => undefined)
    // @ts-expect-error no such option
    app.timer('bad', '1s', () => undefined, { onlyLeader: true })
  }
  void bad
})

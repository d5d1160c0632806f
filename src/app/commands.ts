// A program's own commands: what app.command() declares, with the types of their arguments and
// options. Run by the command line.
import { EuphorionError } from '../errors.ts'
import type { App } from './app.ts'

/** '<id>' is needed, '[id]' may be left out, '<ids...>' takes all that follow; with their help. */
export type CommandArguments = Readonly<Record<string, string>>
/** '-n, --dry-run' or '--count <n>', with their help. */
export type CommandOptions = Readonly<Record<string, string>>

type NameOf<Key> = Key extends `${'<' | '['}${infer Name}...${']' | '>'}`
  ? Name
  : Key extends `${'<' | '['}${infer Name}${']' | '>'}`
    ? Name
    : never
type ArgumentOf<Key> = Key extends `${string}...${string}`
  ? string[]
  : Key extends `<${string}`
    ? string
    : string | undefined
export type ArgumentsOf<A> = { readonly [Key in keyof A as NameOf<Key>]: ArgumentOf<Key> }

type CamelCase<Text> = Text extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Text & string
type LongFlag<Key> = Key extends `${string}--${infer Flag} ${string}`
  ? Flag
  : Key extends `${string}--${infer Flag}`
    ? Flag
    : never
type OptionOf<Key> = Key extends `${string}<${string}`
  ? string | undefined
  : Key extends `${string}[${string}`
    ? string | true | undefined
    : true | undefined
export type OptionsOf<O> = { readonly [Key in keyof O as CamelCase<LongFlag<Key>>]: OptionOf<Key> }

export interface CommandSpec<A extends CommandArguments, O extends CommandOptions> {
  readonly description: string
  readonly arguments?: A
  readonly options?: O
}

export interface UserCommandContext<A, O> {
  readonly app: App
  readonly args: ArgumentsOf<A>
  readonly options: OptionsOf<O>
  /** Aborted by Ctrl+C. */
  readonly signal: AbortSignal
}

/** Text that it returns is printed as a line, anything else but undefined as a line of JSON. */
export type CommandFunction<A, O> = (context: UserCommandContext<A, O>) => unknown

export interface CommandDefinition extends CommandSpec<CommandArguments, CommandOptions> {
  readonly name: string
  readonly run: CommandFunction<CommandArguments, CommandOptions>
}

export class CommandDeclarations {
  readonly all: CommandDefinition[] = []

  /** Throws APP_INVALID. */
  add(definition: CommandDefinition): void {
    const { name } = definition
    const invalid = (why: string) => new EuphorionError('APP_INVALID', `command ${name}: ${why}`)
    if (!/^[a-z][\w:-]*$/.test(name))
      throw invalid('a name is of a-z 0-9 - : and begins with a letter')
    if (this.all.some((each) => each.name === name)) throw invalid('there is one already')
    for (const flags of Object.keys(definition.options ?? {}))
      if (!/(^|, )--(?!no-)[a-z]/.test(flags))
        throw invalid(`'${flags}' has no long name (--name, not --no-name)`)
    for (const argument of Object.keys(definition.arguments ?? {}))
      if (!/^(<[^<>]+>|\[[^[\]]+\])$/.test(argument))
        throw invalid(`'${argument}' is no <name> or [name]`)
    this.all.push(definition)
  }
}

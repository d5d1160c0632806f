// The list of commands. A new command is a file beside this one, and an entry here with what help
// lists of it: its module, with all that it needs, is loaded only where it is named. All of them
// together are most of Euphorion.
import type { Command } from 'commander'
import type { CommandContext } from '../command_line.ts'

type AddCommand = (program: Command, context: CommandContext) => void

interface ListedCommand {
  /** As help lists it; its first word is its name. */
  readonly term: string
  readonly description: string
  readonly load: () => Promise<AddCommand>
  /** A user's own program does not have it. */
  readonly isOurs?: true
}

/** In the order in which help lists them. */
const commands: readonly ListedCommand[] = [
  {
    term: 'demo [options]',
    description: 'the main job with no Kafka: page views made, aggregated and shown live',
    load: async () => (await import('./demo.ts')).addDemo,
    isOurs: true,
  },
  {
    term: 'new <dir>',
    description: 'make a small app with a test, ready to run',
    load: async () => (await import('./new.ts')).addNew,
  },
  {
    term: 'worker [options]',
    description:
      'run an app until Ctrl+C, which finishes what is in flight; a second stops at once',
    load: async () => (await import('./worker.ts')).addWorker,
  },
  {
    term: 'send [options] <topic> [value]',
    description: 'store a record in a topic',
    load: async () => (await import('./send.ts')).addSend,
  },
  {
    term: 'topics [options] [name]',
    description: 'list topics, or look at one; create, delete',
    load: async () => (await import('./topics.ts')).addTopics,
  },
  {
    term: 'tables [options]',
    description: 'list the tables of an app; `table NAME` reads one',
    load: async () => (await import('./tables.ts')).addTables,
  },
  {
    term: 'table [options] <name>',
    description: 'print the rows of a table, from a running worker or from the store on disk',
    load: async () => (await import('./table.ts')).addTable,
  },
  {
    term: 'agents [options]',
    description: 'list the agents of an app',
    load: async () => (await import('./agents.ts')).addAgents,
  },
  {
    term: 'models [options] [name]',
    description: "list the records of an app's topics, or the fields of one",
    load: async () => (await import('./models.ts')).addModels,
  },
  {
    term: 'topology [options]',
    description: 'draw what an app reads and writes',
    load: async () => (await import('./topology.ts')).addTopology,
  },
  {
    term: 'reset [options]',
    description:
      "forget an app's tables and offsets, after asking: it reads its topics from the beginning",
    load: async () => (await import('./reset.ts')).addReset,
  },
  {
    term: 'simulate [options]',
    description: 'run an app on simulated machines with faults, and check that it stays exact',
    load: async () => (await import('./simulate.ts')).addSimulate,
  },
  {
    term: 'bench',
    description: 'throughput on this machine, with the answer checked',
    load: async () => (await import('./bench.ts')).addBench,
  },
  {
    term: 'tune [options]',
    description: 'find the best settings for this machine, with evidence; worker reads them',
    load: async () => (await import('./tune.ts')).addTune,
  },
  {
    term: 'mandelbrot [options]',
    description: 'the Mandelbrot set as a picture, by kernels off the main thread',
    load: async () => (await import('./mandelbrot.ts')).addMandelbrot,
  },
  {
    term: 'kernel',
    description: 'compile a kernel of your own, run it on columns, compare it with its JavaScript',
    load: async () => (await import('./kernel.ts')).addKernel,
  },
  {
    term: 'completion <shell>',
    description: 'print a script by which a shell completes commands and options',
    load: async () => (await import('./completion.ts')).addCompletion,
  },
]

const terms = new Map(commands.map(({ term }) => [nameOf(term), term]))

function nameOf(term: string): string {
  return term.split(' ')[0]
}

/** Those that are not wanted have a name and a description only, for help. */
export async function addCommands(
  program: Command,
  context: CommandContext,
  isWanted: (name: string) => boolean,
): Promise<void> {
  for (const { term, description, load, isOurs } of commands) {
    if (isOurs && context.app !== undefined) continue
    const name = nameOf(term)
    if (isWanted(name)) (await load())(program, context)
    else program.command(name).description(description)
  }
}

/** What help lists of a command of the program; undefined for any other. */
export function listedTerm(command: Command): string | undefined {
  const isOfProgram = command.parent !== null && command.parent.parent === null
  return isOfProgram ? terms.get(command.name()) : undefined
}

// The list of commands. A new command is a file beside this one, and a line here.
import type { Command } from 'commander'
import type { CommandContext } from '../command_line.ts'
import { addAgents } from './agents.ts'
import { addBench } from './bench.ts'
import { addCompletion } from './completion.ts'
import { addDemo } from './demo.ts'
import { addKernel } from './kernel.ts'
import { addMandelbrot } from './mandelbrot.ts'
import { addModels } from './models.ts'
import { addNew } from './new.ts'
import { addReset } from './reset.ts'
import { addSend } from './send.ts'
import { addSimulate } from './simulate.ts'
import { addTable } from './table.ts'
import { addTables } from './tables.ts'
import { addTopics } from './topics.ts'
import { addTopology } from './topology.ts'
import { addTune } from './tune.ts'
import { addWorker } from './worker.ts'

type AddCommand = (program: Command, context: CommandContext) => void

/** In the order in which help lists them. */
const commands: readonly AddCommand[] = [
  addDemo,
  addNew,
  addWorker,
  addSend,
  addTopics,
  addTables,
  addTable,
  addAgents,
  addModels,
  addTopology,
  addReset,
  addSimulate,
  addBench,
  addTune,
  addMandelbrot,
  addKernel,
  addCompletion,
]

export function addCommands(program: Command, context: CommandContext): void {
  for (const add of commands) add(program, context)
}

// `euphorion topology`: draws what an app reads and writes.
import { writeFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { type TopologyGraph, topologyGraph } from '../../app/topology_graph.ts'
import { EuphorionError } from '../../errors.ts'
import type { CommandContext } from '../command_line.ts'
import { appOption, needApp } from '../load_app.ts'
import { addExamples } from '../options.ts'
import { topologyMermaid } from '../topology_mermaid.ts'
import { topologySvg } from '../topology_svg.ts'
import { topologyText } from '../topology_text.ts'

const formats = ['text', 'mermaid', 'svg', 'json'] as const
type Format = (typeof formats)[number]

interface TopologyOptions {
  readonly format?: Format
  readonly json?: boolean
  readonly output?: string
}

export function addTopology(program: Command, context: CommandContext): void {
  const command = program
    .command('topology')
    .description('draw what an app reads and writes')
    .addOption(
      new Option('-f, --format <name>', "default: by the output's name, else text").choices(
        formats,
      ),
    )
    .addOption(new Option('--json', 'the same as --format json').conflicts('format'))
    .option('-o, --output <file>', 'write it there')
    .action(async (options: TopologyOptions) => {
      const graph = topologyGraph(await needApp(context, command))
      const drawn = await draw(graph, formatOf(options))
      if (options.output === undefined) process.stdout.write(drawn)
      else write(options.output, drawn)
    })
  if (context.app === undefined) command.option(...appOption)
  addExamples(command, context, [
    ['of the app in sample.ts', 'euphorion topology -A sample.ts'],
    ['as a picture', 'euphorion topology -A sample.ts -o topology.svg'],
    ['for a README on GitHub', 'euphorion topology -A sample.ts --format mermaid'],
  ])
}

function formatOf({ format, json, output }: TopologyOptions): Format {
  if (json === true) return 'json'
  if (format !== undefined) return format
  const extension = output?.match(/\.(\w+)$/)?.[1]
  if (extension === 'mmd') return 'mermaid'
  return formats.find((each) => each === extension) ?? 'text'
}

async function draw(graph: TopologyGraph, format: Format): Promise<string> {
  switch (format) {
    case 'text':
      return topologyText(graph)
    case 'mermaid':
      return topologyMermaid(graph)
    case 'svg':
      return topologySvg(graph)
    case 'json': {
      const { nodes, edges } = graph
      return `${JSON.stringify({ nodes, edges })}\n`
    }
  }
}

function write(file: string, drawn: string): void {
  try {
    writeFileSync(file, drawn)
  } catch (cause) {
    throw new EuphorionError('USAGE', `cannot write ${file}`, { cause })
  }
}

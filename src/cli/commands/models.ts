// `euphorion models`: the records of an app's topics, and the fields of one.
import type { Command } from 'commander'
import type { FieldSchema } from '../../record/schema.ts'
import type { CommandContext } from '../command_line.ts'
import { appOption, needApp } from '../load_app.ts'
import { modelOf, modelsOf } from '../models.ts'
import { addExamples } from '../options.ts'
import { showRows } from '../rows.ts'

export function addModels(program: Command, context: CommandContext): void {
  const command = program
    .command('models')
    .description("list the records of an app's topics, or the fields of one")
    .argument('[name]', 'the fields of this record')
    .option('--json', 'print one JSON object a line')
    .action(async (name: string | undefined, { json = false }: { readonly json?: boolean }) => {
      const models = modelsOf(await needApp(context, command))
      const rows =
        name === undefined
          ? [...models.values()].map(({ schema, topics }) => ({
              model: schema.name,
              fields: schema.fields.length,
              topics: topics.join(', '),
            }))
          : modelOf(models, name).schema.fields.map(([field, schema]) => ({
              field,
              type: typeText(schema),
            }))
      process.stdout.write(showRows(rows, json, 'no records: the topics have other types'))
    })
  if (context.app === undefined) command.option(...appOption)
  addExamples(command, context, [
    ['of the app in sample.ts', 'euphorion models -A sample.ts'],
    ['one of them', 'euphorion models Reading -A sample.ts'],
  ])
}

/** 'string', 'float64, optional', 'array of Item', 'red | green'. */
function typeText(schema: FieldSchema): string {
  const notes = [schema.optional && 'optional', schema.nullable && 'nullable'].filter(Boolean)
  return [plainText(schema), ...notes].join(', ')
}

function plainText(schema: FieldSchema): string {
  switch (schema.type) {
    case 'array':
      return `array of ${plainText(schema.items)}`
    case 'map':
      return `map of ${plainText(schema.values)}`
    case 'literal':
      return schema.values.map((value) => JSON.stringify(value)).join(' | ')
    case 'union':
      return schema.members.map(plainText).join(' | ')
    case 'record':
      return schema.name
    default:
      return schema.type
  }
}

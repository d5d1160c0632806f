// The records that an app's topics have, by name. Used by `euphorion models` and `send --model`.
import type { App } from '../app/app.ts'
import { EuphorionError } from '../errors.ts'
import type { FieldSchema, RecordSchema } from '../record/schema.ts'
import { closest } from './closest.ts'

interface Model {
  readonly schema: RecordSchema
  /** Topics whose values are of it; empty for records inside others. */
  readonly topics: string[]
}

export function modelsOf({ topology }: App): Map<string, Model> {
  const models = new Map<string, Model>()
  const add = (schema: FieldSchema, topic?: string): void => {
    if (schema.type === 'array') add(schema.items)
    else if (schema.type === 'map') add(schema.values)
    else if (schema.type === 'union') for (const member of schema.members) add(member)
    else if (schema.type === 'record') {
      const model = models.get(schema.name) ?? { schema, topics: [] }
      models.set(schema.name, model)
      if (topic !== undefined) model.topics.push(topic)
      for (const [, field] of schema.fields) add(field)
    }
  }
  for (const { name, schema } of topology.topics.values()) if (schema) add(schema, name)
  return models
}

/** Throws USAGE. */
export function modelOf(models: ReadonlyMap<string, Model>, name: string): Model {
  const model = models.get(name)
  if (model !== undefined) return model
  const near = closest(name, models.keys())
  const all = [...models.keys()].sort().join(', ')
  const hint = near === undefined ? `; it has ${all || 'none'}` : `; did you mean ${near}?`
  throw new EuphorionError('USAGE', `the app has no record ${name}${hint}`)
}

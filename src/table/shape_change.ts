// What is different between two shapes of a table, in words. Called where a stored table, or its
// changelog, is not of the shape that the program declares.
import { EuphorionError } from '../errors.ts'
import { formatDuration } from '../units.ts'
import { agentShapeChange, readAgentShape } from './agent_shape.ts'

interface Shape {
  readonly key?: readonly string[]
  readonly window?: { readonly sizeMs: number; readonly stepMs: number }
  readonly fields?: readonly { readonly name: string; readonly kind: string; type?: string }[]
}

/** What is stored as one of the shapes can be gone on with as the other. */
export function shapesFit(stored: string, declared: string): boolean {
  if (stored === declared) return true
  return areAgents(stored, declared) && agentShapeChange(stored, declared) === undefined
}

/** One of them at least. */
function areAgents(stored: string, declared: string): boolean {
  return [stored, declared].some((shape) => {
    const read = parsed(shape)
    return read !== undefined && readAgentShape(shape) !== undefined
  })
}

/** TABLE_CHANGED. `where`: what has the other shape. */
export function tableChanged(
  name: string,
  where: string,
  stored: string,
  declared: string,
): EuphorionError {
  const changes = describeShapeChange(stored, declared)
  const message = `${where} of table ${name} is not as the program declares it: ${changes}`
  return new EuphorionError('TABLE_CHANGED', message, { place: { table: name } })
}

/** 'the window's size was 10 s and is 1 m'. Of lines of shape.ts, or of agent_shape.ts. */
export function describeShapeChange(stored: string, declared: string): string {
  if (areAgents(stored, declared)) {
    const change = agentShapeChange(stored, declared)
    if (change !== undefined) return change
  }
  const old = parsed(stored)
  const now = parsed(declared)
  if (old === undefined || now === undefined) return `it was ${stored} and is ${declared}`
  const changes = [
    ...keyChange(old, now),
    ...windowChange(old.window, now.window),
    ...fieldChanges(old.fields ?? [], now.fields ?? []),
  ]
  return changes.length > 0 ? changes.join('; ') : `it was ${stored} and is ${declared}`
}

function parsed(text: string): Shape | undefined {
  try {
    const shape: unknown = JSON.parse(text)
    return typeof shape === 'object' && shape !== null ? shape : undefined
  } catch {
    return undefined
  }
}

function keyChange(old: Shape, now: Shape): string[] {
  const was = old.key?.join(', ')
  const is = now.key?.join(', ')
  return was === is ? [] : [`the key was ${was ?? 'none'} and is ${is ?? 'none'}`]
}

function windowChange(old: Shape['window'], now: Shape['window']): string[] {
  if (old === undefined && now === undefined) return []
  if (old === undefined) return ['it had no windows and has some']
  if (now === undefined) return ['it had windows and has none']
  const changes: string[] = []
  const say = (what: string, was: number, is: number): void => {
    if (was !== is)
      changes.push(`the window's ${what} was ${formatDuration(was)} and is ${formatDuration(is)}`)
  }
  say('size', old.sizeMs, now.sizeMs)
  say('step', old.stepMs, now.stepMs)
  return changes
}

type Field = NonNullable<Shape['fields']>[number]

function fieldChanges(old: readonly Field[], now: readonly Field[]): string[] {
  const changes: string[] = []
  const describe = ({ kind, type }: Field): string => (type ? `${kind} of ${type}` : kind)
  for (const field of old) {
    const same = now.find(({ name }) => name === field.name)
    if (same === undefined) changes.push(`the aggregate ${field.name} was removed`)
    else if (describe(same) !== describe(field))
      changes.push(`the aggregate ${field.name} was ${describe(field)} and is ${describe(same)}`)
  }
  for (const field of now)
    if (!old.some(({ name }) => name === field.name))
      changes.push(`the aggregate ${field.name} was added`)
  const order = (fields: readonly Field[]): string => fields.map(({ name }) => name).join(', ')
  if (changes.length === 0 && order(old) !== order(now))
    changes.push(
      `the aggregates were in the order ${order(old)} and are in the order ${order(now)}`,
    )
  return changes
}

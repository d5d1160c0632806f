// Which new arrays are dead after a turn of a loop or the end of a function, so that their memory can
// be used again: there is no other garbage collection. Called by the emission.
import type { Expression, FunctionIR, Statement, StatementOf, Variable } from './ir.ts'
import { isArray } from './types.ts'
import { walkBody, walkExpression } from './walk.ts'

/** Makes arrays itself, or calls what may give it one. */
export function allocates(body: readonly Statement[]): boolean {
  let found = false
  walkBody(body, {
    expression: (node) => {
      found ||= node.kind === 'allocate' || (node.kind === 'call' && isArray(node.type))
    },
  })
  return found
}

/** An array made in one turn is used in that turn only. */
export function releasesEachTurn(loop: StatementOf<'loop'>, fn: FunctionIR): boolean {
  if (!allocates(loop.body)) return false
  const made = new Set<Variable>()
  const inside = countReads((count) => {
    walkBody(loop.body, { expression: count })
    for (const each of [loop.test, loop.update])
      if (each) walkExpression(each, { expression: count })
  })
  walkBody(loop.body, {
    expression: (node) => {
      if (node.kind === 'set' && isArray(node.type)) made.add(node.variable)
    },
  })
  const everywhere = countReads((count) => walkBody(fn.body, { expression: count }))
  return [...made].every((variable) => everywhere.get(variable) === inside.get(variable))
}

function countReads(walk: (count: (node: Expression) => void) => void): Map<Variable, number> {
  const reads = new Map<Variable, number>()
  walk((node) => {
    if (node.kind === 'get' && isArray(node.type))
      reads.set(node.variable, (reads.get(node.variable) ?? 0) + 1)
  })
  return reads
}

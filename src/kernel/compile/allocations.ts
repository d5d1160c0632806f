// Which new arrays are dead after a turn of a loop or the end of a function, so that their memory
// can be used again: there is no other garbage collection. Called by the emission.
import type { FunctionIR, Statement, StatementOf, Variable } from './ir.ts'
import { isArray } from './types.ts'
import { type Visitor, walkBody, walkExpression } from './walk.ts'

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

/**
 * An array made in one turn is used in that turn only: what holds one is read in the loop alone,
 * and set in it alone, so that no turn reads it before it has set it (assigned.ts sees to that).
 */
export function releasesEachTurn(loop: StatementOf<'loop'>, fn: FunctionIR): boolean {
  if (!allocates(loop.body)) return false
  const inside = countUses((visitor) => {
    walkBody(loop.body, visitor)
    for (const each of [loop.test, loop.update]) if (each) walkExpression(each, visitor)
  })
  const everywhere = countUses((visitor) => walkBody(fn.body, visitor))
  const made = [...inside].filter(([, { sets }]) => sets > 0)
  const isLocal = made.every(([variable, { sets, reads }]) => {
    const all = everywhere.get(variable)
    return all?.sets === sets && all.reads === reads && !fn.parameters.includes(variable)
  })
  return isLocal && !isKeptByTest(loop)
}

/** A test at the end of a turn comes behind the release: it may read, but not make or call. */
function isKeptByTest({ test, testFirst }: StatementOf<'loop'>): boolean {
  let found = false
  if (test && !testFirst)
    walkExpression(test, {
      expression: ({ kind }) => {
        found ||= kind === 'allocate' || kind === 'call'
      },
    })
  return found
}

interface Uses {
  reads: number
  sets: number
}

function countUses(walk: (visitor: Visitor) => void): Map<Variable, Uses> {
  const uses = new Map<Variable, Uses>()
  const usesOf = (variable: Variable): Uses => {
    const known = uses.get(variable) ?? { reads: 0, sets: 0 }
    uses.set(variable, known)
    return known
  }
  walk({
    expression: (node) => {
      if (!isArray(node.type)) return
      if (node.kind === 'get') usesOf(node.variable).reads++
      if (node.kind === 'set') usesOf(node.variable).sets++
    },
  })
  return uses
}

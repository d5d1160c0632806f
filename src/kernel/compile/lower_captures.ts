// Variables of the function around: a function that is put in the place of its call uses them as
// they are; one that calls itself gets them as further parameters, and those that it changes are
// kept in memory, in an array of one element. Called by the lowering wherever a variable is read or
// set.
import {
  type Expression,
  expression,
  type FunctionIR,
  get,
  newVariable,
  numberLiteral,
  type Statement,
  sequence,
  set,
  type Variable,
} from './ir.ts'
import { assignable, nameOfType, toCondition, toNumber } from './lower_operators.ts'
import type { Modules } from './modules.ts'
import { CapturedVariable, type Context, type VariableBinding } from './scope.ts'
import { type Place, refuse } from './syntax.ts'
import { isArray } from './types.ts'

const UNCHECKED = { isCertain: true, inBounds: true }

/** The variable in the function that is being lowered. */
function here(context: Context, { owner, variable }: VariableBinding): Variable {
  if (owner === context.owner) return variable
  const { captures } = context.owner
  if (captures === undefined) throw new CapturedVariable(context.owner, variable.name)
  return capture(context.owner, captures, owner, variable)
}

function capture(
  fn: FunctionIR,
  captures: NonNullable<FunctionIR['captures']>,
  owner: FunctionIR,
  variable: Variable,
): Variable {
  const known = captures.get(variable)
  if (known !== undefined) return known.parameter
  const parameter = newVariable(variable.name, variable.type, variable.place)
  captures.set(variable, { owner, parameter })
  fn.parameters.push(parameter)
  return parameter
}

export function readVariable(context: Context, binding: VariableBinding, place: Place): Expression {
  const variable = get(here(context, binding), place)
  if (binding.boxed === undefined) return variable
  const element = { array: variable, index: numberLiteral(0, place), ...UNCHECKED }
  const value = expression('load', 'number', place, element)
  return binding.boxed === 'number' ? value : toCondition(value)
}

/** Its value is the one assigned. */
export function setVariable(
  context: Context,
  binding: VariableBinding,
  value: Expression,
  place: Place,
): Expression {
  const variable = here(context, binding)
  if (binding.boxed !== undefined) {
    const kept = newVariable('(value)', binding.boxed, place)
    const again = get(kept, place)
    return sequence(
      [set(kept, assignable(value, binding.boxed), place), store(variable, again, place), again],
      place,
    )
  }
  if (variable !== binding.variable)
    refuse(
      place,
      `'${variable.name}' is changed by a function that calls itself: declare it with let, once`,
    )
  return set(variable, assignable(value, variable.type), place)
}

function store(box: Variable, value: Expression, place: Place): Expression {
  return expression('store', 'void', place, {
    array: get(box, place),
    index: numberLiteral(0, place),
    value: toNumber(value),
    ...UNCHECKED,
  })
}

/** A variable that lives in memory, with its first value. */
export function declareBoxed(
  context: Context,
  name: string,
  value: Expression,
  place: Place,
): Statement[] {
  if (isArray(value.type) || value.type === 'void')
    refuse(
      place,
      `'${name}', ${nameOfType(value.type)}, is changed by a function that calls itself`,
    )
  const variable = newVariable(name, 'Float64Array', place)
  context.scope.declare(name, {
    kind: 'variable',
    variable,
    owner: context.owner,
    isConstant: false,
    isReady: true,
    isUntyped: false,
    boxed: value.type,
  })
  const made = expression('allocate', 'Float64Array', place, { length: numberLiteral(1, place) })
  return [
    { kind: 'expression', value: set(variable, made, place) },
    { kind: 'expression', value: store(variable, value, place) },
  ]
}

/** A call of a function that is compiled by itself; what it captures is added when all is known. */
export function recordCall(
  context: Context,
  callee: FunctionIR,
  given: readonly Expression[],
  place: Place,
): Expression {
  const values = [...given]
  context.modules.calls.push({ caller: context.owner, callee, values, place })
  return expression('call', callee.frame.type ?? 'void', place, { callee, values })
}

/** Gives every call the variables that its callee, or what that calls, uses of functions around. */
export function completeCalls({ calls }: Modules): void {
  let isChanged = true
  while (isChanged) {
    isChanged = false
    for (const { caller, callee } of calls)
      for (const [variable, { owner }] of callee.captures ?? []) {
        if (caller === owner || caller.captures?.has(variable)) continue
        caller.captures ??= new Map()
        capture(caller, caller.captures, owner, variable)
        isChanged = true
      }
  }
  for (const { caller, callee, values, place } of calls.splice(0))
    for (const [variable, { owner }] of callee.captures ?? []) {
      const own = caller === owner ? variable : caller.captures?.get(variable)?.parameter
      values.push(get(own ?? variable, place))
    }
}

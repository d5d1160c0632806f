// Methods of typed arrays: calls of small functions of a library, which is compiled as if the user
// had written it. Called by the lowering of calls and arrays.
import { type Expression, expression, numberLiteral, sequence } from './ir.ts'
import { LIBRARY_PATH, libraryFunction } from './library.ts'
import { arrayOperand } from './lower_arrays.ts'
import { callbackOf, lowerCallback } from './lower_callbacks.ts'
import { lowerExpression, refuseConstruct } from './lower_expressions.ts'
import { callTemplate } from './lower_functions.ts'
import { nameOfType, toNumber } from './lower_operators.ts'
import { type Context, placeIn, Scope, templateOf } from './scope.ts'
import { type ExpressionNode, type NodeOf, type Place, parseSource } from './syntax.ts'
import { type ArrayName, isArray } from './types.ts'

type Argument = 'number' | 'array' | 'length' | number

interface Method {
  /** 'array', 'number' or what stands for an argument that is not given. */
  readonly arguments: readonly Argument[]
  readonly needed: number
  /** The method's value is the array itself. */
  readonly isFluent?: boolean
  readonly forLists?: boolean
}

const methods: Readonly<Record<string, Method>> = {
  at: { arguments: ['number'], needed: 1, forLists: true },
  copyWithin: { arguments: ['number', 0, 'length'], needed: 1, isFluent: true },
  fill: { arguments: ['number', 0, 'length'], needed: 1, isFluent: true },
  includes: { arguments: ['number', 0], needed: 1, forLists: true },
  indexOf: { arguments: ['number', 0], needed: 1, forLists: true },
  reverse: { arguments: [], needed: 0, isFluent: true },
  set: { arguments: ['array', 0], needed: 1 },
  slice: { arguments: [0, 'length'], needed: 0 },
  sort: { arguments: [], needed: 0, isFluent: true },
  subarray: { arguments: [0, 'length'], needed: 0 },
}

export function lowerMethod(
  context: Context,
  node: NodeOf<'CallExpression'>,
  callee: NodeOf<'MemberExpression'>,
): Expression {
  const name = callee.property.type === 'Identifier' ? callee.property.name : ''
  const { array, prepare } = arrayOperand(context, callee.object as ExpressionNode)
  const place = placeIn(context, node)
  const callback = callbackOf(context, node.arguments[0])
  const called = callback && lowerCallback(context, node, name, array, callback)
  if (called !== undefined) return sequence([...prepare, called], place)
  const method = Object.hasOwn(methods, name) ? methods[name] : undefined
  if (method === undefined || (array.type === 'number[]' && !method.forLists))
    return refuseConstruct(context, callee.property, `'.${name}()' of ${nameOfType(array.type)}`)
  if (node.arguments.length > method.arguments.length)
    return refuseConstruct(
      context,
      node.arguments[method.arguments.length],
      `this argument of '.${name}()'`,
    )
  if (node.arguments.length < method.needed)
    return refuseConstruct(context, node, `'.${name}()' without an argument`)
  const given = method.arguments.map((kind, i) => {
    const argument = node.arguments[i]
    if (argument === undefined) return missing(kind, array, place)
    if (argument.type === 'SpreadElement' || argument.type === 'ArgumentPlaceholder')
      return refuseConstruct(context, argument, 'a spread argument')
    const value = lowerExpression(context, argument)
    if (kind === 'length')
      return expression('present', 'number', place, {
        left: toNumber(value),
        right: missing(kind, array, place),
      })
    if (kind !== 'array') return toNumber(value)
    if (!isArray(value.type))
      return refuseConstruct(context, argument, `'.${name}()' of ${nameOfType(value.type)}`)
    return value
  })
  const isFloat = array.type === 'Float64Array' || array.type === 'Float32Array'
  const variant = name === 'sort' && isFloat ? 'sortFloats' : name
  const call = callLibrary(context, variant, [array, ...given], place)
  const items = [...prepare, call]
  return sequence(method.isFluent ? [...items, array] : items, place)
}

function missing(kind: Argument, array: Expression, place: Place): Expression {
  if (kind === 'length') return expression('length', 'number', place, { array })
  return numberLiteral(typeof kind === 'number' ? kind : 0, place)
}

/** Types of the array arguments choose the variant; the first is the one that has the method. */
export function callLibrary(
  context: Context,
  name: string,
  values: readonly Expression[],
  place: Place,
): Expression {
  const types = values.map(({ type }) => type).filter(isArray)
  return callTemplate(context, libraryTemplate(context, name, types), values, place)
}

export function libraryTemplate(context: Context, name: string, types: readonly ArrayName[]) {
  const { library } = context.modules
  const key = `${name} ${types.join(' ')}`
  let template = library.get(key)
  if (template === undefined) {
    const source = parseSource(LIBRARY_PATH, libraryFunction(name, types))
    const scope = new Scope(undefined, (other) => {
      if (other.startsWith('$')) return undefined
      const helper = libraryFunction(other, types)
      if (helper === '') return undefined
      return { kind: 'function', template: libraryTemplate(context, other, types) }
    })
    const [node] = source.program.body
    if (node.type !== 'FunctionDeclaration') throw new Error(`no library function ${name}`)
    template = templateOf(name, node, { scope, file: source })
    library.set(key, template)
  }
  return template
}

/** What only the library says: views and moves of memory without any check. */
export function lowerIntrinsic(
  context: Context,
  name: string,
  node: NodeOf<'CallExpression'>,
): Expression {
  const place = placeIn(context, node)
  const values = node.arguments.map((each) => lowerExpression(context, each as ExpressionNode))
  const [first, second, third, fourth, fifth] = values
  if (name === '$view')
    return expression('view', first.type, place, { array: first, begin: second, end: third })
  return expression('move', 'void', place, {
    target: first,
    to: second,
    source: third,
    from: fourth,
    count: fifth,
  })
}

export function isIntrinsic(context: Context, name: string): boolean {
  return context.file.path === LIBRARY_PATH && /^\$(view|move)$/.test(name)
}

// Methods of arrays with a function: sort by a comparison, map, reduce and the like. Called by the
// lowering of methods.
import { type Expression, sequence } from './ir.ts'
import { LIBRARY_PATH, libraryFunction } from './library.ts'
import { callbackFunction } from './library_callbacks.ts'
import { lowerExpression, refuseConstruct } from './lower_expressions.ts'
import { callTemplate } from './lower_functions.ts'
import { libraryTemplate } from './lower_methods.ts'
import { nameOfType } from './lower_operators.ts'
import { type Context, type FunctionTemplate, placeIn, Scope, templateOf } from './scope.ts'
import { type NodeOf, parseSource } from './syntax.ts'
import { isFunction } from './syntax_names.ts'
import { type ArrayName, isArray } from './types.ts'

type CallNode = NodeOf<'CallExpression'>
type ArgumentNode = CallNode['arguments'][number]

/** Methods that make an array of the same type, or sort it: not of lists. */
const OF_TYPED_ARRAYS = /^(filter|map|sort)$/

/** The function that the argument is; undefined where it is none. */
export function callbackOf(
  context: Context,
  node: ArgumentNode | undefined,
): FunctionTemplate | undefined {
  if (node === undefined) return undefined
  if (isFunction(node)) return templateOf('(function)', node, context)
  const binding = node.type === 'Identifier' ? context.scope.find(node.name) : undefined
  return binding?.kind === 'function' ? binding.template : undefined
}

/**
 * Undefined where there is no such method.
 *
 * @param array in a variable; what has to be evaluated before is the caller's
 */
export function lowerCallback(
  context: Context,
  node: CallNode,
  name: string,
  array: Expression,
  callback: FunctionTemplate,
): Expression | undefined {
  const place = placeIn(context, node)
  const type = array.type as ArrayName
  const [, initial, ...others] = node.arguments
  const isReduce = name === 'reduce'
  const variant = isReduce && initial === undefined ? 'reduceFirst' : name
  const text = callbackFunction(variant, type, callback.node.params.length)
  if (text === '' || (type === 'number[]' && OF_TYPED_ARRAYS.test(name))) return undefined
  if (others.length > 0 || (initial && !isReduce))
    return refuseConstruct(context, node, `this '.${name}()' of ${nameOfType(type)}`)
  const source = parseSource(LIBRARY_PATH, text)
  const scope = new Scope(undefined, (other) => {
    if (other === 'callback') return { kind: 'function', template: callback }
    if (libraryFunction(other, [type]) === '') return undefined
    return { kind: 'function', template: libraryTemplate(context, other, [type]) }
  })
  const [declaration] = source.program.body
  if (!isFunction(declaration)) throw new Error(`no library function ${variant}`)
  const template = templateOf(name, declaration, { scope, file: source })
  const values = initial ? [array, lowerArgument(context, initial)] : [array]
  const call = callTemplate(context, template, values, place)
  return name === 'sort' ? sequence([call, array], place) : call
}

function lowerArgument(context: Context, node: ArgumentNode): Expression {
  if (node.type === 'SpreadElement' || node.type === 'ArgumentPlaceholder')
    return refuseConstruct(context, node, 'a spread argument')
  const value = lowerExpression(context, node)
  if (isArray(value.type))
    return refuseConstruct(context, node, `${nameOfType(value.type)} as the first value of reduce`)
  return value
}

// The types that the source states. Called by the lowering for parameters, variables and results.

import { type Context, refuseNode } from './scope.ts'
import type { FunctionNode, NodeOf, ParameterNode } from './syntax.ts'
import { isTypedArrayName, type ResultType, type ValueType } from './types.ts'

export type TypeNode = NodeOf<'TSTypeAliasDeclaration'>['typeAnnotation']
type Annotation = FunctionNode['returnType'] | NodeOf<'Identifier'>['typeAnnotation']

const SUBSET = 'number, boolean, typed arrays and number[]'

/** Undefined where the source says nothing. */
export function statedType(context: Context, annotation: Annotation): ResultType | undefined {
  if (annotation?.type !== 'TSTypeAnnotation') return undefined
  return typeOf(context, annotation.typeAnnotation)
}

export function statedValueType(context: Context, annotation: Annotation): ValueType | undefined {
  const type = statedType(context, annotation)
  if (type === 'void' && annotation) refuseNode(context, annotation, 'a value cannot be void')
  return type === 'void' ? undefined : type
}

function typeOf(context: Context, node: TypeNode): ResultType {
  switch (node.type) {
    case 'TSNumberKeyword':
      return 'number'
    case 'TSBooleanKeyword':
      return 'boolean'
    case 'TSVoidKeyword':
    case 'TSUndefinedKeyword':
      return 'void'
    case 'TSParenthesizedType':
      return typeOf(context, node.typeAnnotation)
    case 'TSLiteralType':
      return literalType(context, node)
    case 'TSUnionType':
      return unionType(context, node)
    case 'TSTypeOperator':
      return node.operator === 'readonly'
        ? typeOf(context, node.typeAnnotation)
        : unknown(context, node)
    case 'TSArrayType':
      return listOf(context, node, node.elementType)
    case 'TSTypeReference':
      return referencedType(context, node)
    default:
      return unknown(context, node)
  }
}

function unknown(context: Context, node: TypeNode): never {
  const text = context.file.text.slice(node.start ?? 0, node.end ?? 0)
  refuseNode(context, node, `the type ${text} is outside the subset that compiles (${SUBSET})`)
}

function literalType(context: Context, node: NodeOf<'TSTypeAliasDeclaration'>['typeAnnotation']) {
  if (node.type === 'TSLiteralType') {
    const { literal } = node
    if (literal.type === 'NumericLiteral') return 'number'
    if (literal.type === 'BooleanLiteral') return 'boolean'
    if (literal.type === 'UnaryExpression' && literal.operator === '-') return 'number'
  }
  return unknown(context, node)
}

/** `0 | 1` is a number. */
function unionType(context: Context, node: Extract<TypeNode, { type: 'TSUnionType' }>): ResultType {
  const types = new Set(node.types.map((each) => typeOf(context, each)))
  const [only, ...others] = types
  return others.length === 0 ? only : unknown(context, node)
}

function listOf(context: Context, node: TypeNode, element: TypeNode): 'number[]' {
  return typeOf(context, element) === 'number' ? 'number[]' : unknown(context, node)
}

function referencedType(
  context: Context,
  node: Extract<TypeNode, { type: 'TSTypeReference' }>,
): ResultType {
  if (node.typeName.type !== 'Identifier') return unknown(context, node)
  const { name } = node.typeName
  const [argument] = node.typeParameters?.params ?? []
  if (isTypedArrayName(name)) return name
  if (name === 'Readonly' && argument) return typeOf(context, argument)
  if (/^(Readonly)?Array$/.test(name) && argument) return listOf(context, node, argument)
  const alias = aliasOf(context, name)
  if (alias === undefined) return unknown(context, node)
  return typeOf({ ...context, file: alias.file.source }, alias.node)
}

function aliasOf(context: Context, name: string) {
  return context.modules.fileOf(context.file)?.type(name)
}

/** Parameters are names, with a type or a default. */
export function parameterName(context: Context, node: ParameterNode): NodeOf<'Identifier'> {
  if (node.type === 'Identifier') return node
  if (node.type === 'AssignmentPattern' && node.left.type === 'Identifier') return node.left
  const construct =
    node.type === 'RestElement' ? 'a rest parameter' : 'destructuring in a parameter'
  refuseNode(context, node, `${construct} is outside the subset that compiles`)
}

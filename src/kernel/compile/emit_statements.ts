// Statements as structured control flow. Used by emit_values.ts for inlined bodies and by
// emit_module.ts for functions.
import { releasesEachTurn } from './allocations.ts'
import { emitCondition } from './emit_conditions.ts'
import { emitIntegerAs } from './emit_integers.ts'
import { emitEffect, emitResult } from './emit_values.ts'
import type { Emitter } from './emitter.ts'
import type { Expression, Statement, StatementOf } from './ir.ts'
import { isRange, isSmall } from './range.ts'
import { isArray } from './types.ts'
import { walkExpression } from './walk.ts'

/** A test of at most so many parts is emitted twice: before the loop and at its end. */
const SMALL_TEST = 24
/** A switch over integers becomes a table up to so many entries a case. */
const TABLE_ENTRIES_PER_CASE = 4

/** What the inference found unreachable is left out. */
export function emitBody(e: Emitter, body: readonly Statement[]): void {
  for (const statement of body) if (e.module.live.has(statement)) emitStatement(e, statement)
}

function emitStatement(e: Emitter, statement: Statement): void {
  switch (statement.kind) {
    case 'expression':
      emitEffect(e, statement.value)
      return
    case 'block':
      emitBlock(e, statement)
      return
    case 'if':
      emitIf(e, statement)
      return
    case 'loop':
      emitLoop(e, statement)
      return
    case 'switch':
      emitSwitch(e, statement)
      return
    case 'goto':
      e.code.branch('br', e.labels.get(statement.target) as number)
      return
    case 'return':
      emitReturn(e, statement)
      return
    case 'throw':
      e.exit({ kind: 'throw', text: statement.text })
      return
  }
}

function emitBlock(e: Emitter, { body, target }: StatementOf<'block'>): void {
  if (target === undefined) {
    emitBody(e, body)
    return
  }
  e.code.open('block')
  e.labels.set(target, e.code.depth)
  emitBody(e, body)
  e.code.close()
}

function emitIf(e: Emitter, { test, yes, no }: StatementOf<'if'>): void {
  emitCondition(e, test)
  e.code.open('if')
  emitBody(e, yes)
  if (no.length > 0) {
    e.code.op('else')
    emitBody(e, no)
  }
  e.code.close()
}

function emitReturn(e: Emitter, { value, frame }: StatementOf<'return'>): void {
  if (value !== undefined) emitResult(e, value, frame.result)
  if (frame.isInlined) {
    e.code.branch('br', e.labels.get(frame) as number)
    return
  }
  if (!isArray(frame.type)) e.release()
  e.code.op('return')
}

/**
 * ```
 * block break { test? ; loop again { block continue { body } update ; test → again } }
 * ```
 */
function emitLoop(e: Emitter, loop: StatementOf<'loop'>): void {
  const { test, testFirst, update, body, breakTarget, continueTarget } = loop
  const isTwice = test !== undefined && testFirst && isSmallTest(test)
  const mark = releasesEachTurn(loop, e.function) ? e.markMemory() : undefined
  e.code.open('block')
  const exit = e.code.depth
  e.labels.set(breakTarget, exit)
  if (isTwice) {
    emitCondition(e, test)
    e.code.op('i32.eqz').branch('br_if', exit)
  }
  e.code.open('loop')
  const again = e.code.depth
  if (test && testFirst && !isTwice) {
    emitCondition(e, test)
    e.code.op('i32.eqz').branch('br_if', exit)
  }
  e.code.open('block')
  e.labels.set(continueTarget, e.code.depth)
  emitBody(e, body)
  e.code.close()
  if (update) emitEffect(e, update)
  if (mark !== undefined) e.releaseTo(mark)
  if (isTwice || (test && !testFirst)) {
    emitCondition(e, test)
    e.code.branch('br_if', again)
  } else e.code.branch('br', again)
  e.code.close().close()
}

function isSmallTest(test: Expression): boolean {
  let size = 0
  walkExpression(test, {
    expression: ({ kind }) => {
      size += kind === 'inlined' ? SMALL_TEST + 1 : 1
    },
  })
  return size <= SMALL_TEST
}

/**
 * ```
 * block break { block last { … block first { tests → first … last } first's body } … last's body }
 * ```
 */
function emitSwitch(e: Emitter, statement: StatementOf<'switch'>): void {
  const { cases, target } = statement
  e.code.open('block')
  const exit = e.code.depth
  e.labels.set(target, exit)
  const depths: number[] = []
  for (const _ of cases) {
    e.code.open('block')
    depths.unshift(e.code.depth)
  }
  const otherwise = cases.findIndex(({ test }) => test === undefined)
  const fallback = otherwise < 0 ? exit : depths[otherwise]
  if (!emitTable(e, statement, depths, fallback)) {
    for (const [i, { test }] of cases.entries()) {
      if (test === undefined) continue
      emitCondition(e, test)
      e.code.branch('br_if', depths[i])
    }
    e.code.branch('br', fallback)
  }
  for (const { body } of cases) {
    e.code.close()
    emitBody(e, body)
  }
  e.code.close()
}

/** Of different int32 constants that lie close together. */
function emitTable(
  e: Emitter,
  { value, cases }: StatementOf<'switch'>,
  depths: readonly number[],
  fallback: number,
): boolean {
  const entries = new Map<number, number>()
  for (const [i, { test }] of cases.entries()) {
    if (test === undefined) continue
    const constant =
      test.kind === 'compare' && test.right.kind === 'number' ? test.right : undefined
    if (!isRange(constant?.known) || !isSmall(constant.known) || constant.kind !== 'number')
      return false
    if (!entries.has(constant.value)) entries.set(constant.value, depths[i])
  }
  const lo = Math.min(...entries.keys())
  const hi = Math.max(...entries.keys())
  const isDense = hi - lo < TABLE_ENTRIES_PER_CASE * entries.size
  if (entries.size < 3 || !isDense || !isRange(value.known) || !isSmall(value.known)) return false
  emitIntegerAs(e, value, 'i32', 'any')
  if (lo !== 0) e.code.i32(lo).op('i32.sub')
  const table = Array.from({ length: hi - lo + 1 }, (_, i) => entries.get(lo + i) ?? fallback)
  e.code.branchTable(table, fallback)
  return true
}

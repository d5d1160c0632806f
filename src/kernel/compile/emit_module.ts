// A whole module: its functions, the helpers that they share, memory layout and exports. Called by
// the compiler for each version.
import { allocates } from './allocations.ts'
import { emitBody } from './emit_statements.ts'
import {
  Emitter,
  type Exit,
  hostName,
  hostSignature,
  type ModuleState,
  resultTypes,
  UNDEFINED_BITS,
  variableTypes,
} from './emitter.ts'
import type { ConstantArray, FunctionIR, HostMathName, MathName, Statement } from './ir.ts'
import { isArray } from './types.ts'
import { walkBody } from './walk.ts'
import { Code, type WasmType } from './wasm_code.ts'
import { ModuleWriter } from './wasm_module.ts'

/** Constant data begins here; nothing is at address 0. */
const DATA_ADDRESS = 64
/** Arrays begin at multiples of it. */
const ALIGNMENT = 16
/** Instructions of WebAssembly; anything else of Math is a function of the host. */
const instructions: ReadonlySet<string> = new Set<MathName>([
  'abs',
  'ceil',
  'clz32',
  'floor',
  'fround',
  'imul',
  'isFinite',
  'isInteger',
  'isNaN',
  'isNumberNaN',
  'isSafeInteger',
  'isSame',
  'max',
  'min',
  'round',
  'sign',
  'sqrt',
  'trunc',
])

export interface EmittedModule {
  readonly bytes: Uint8Array
  /** By the number that the module leaves in `exit`, less one. */
  readonly exits: readonly Exit[]
  /** Names of the host's functions that it imports. */
  readonly imports: readonly string[]
  /** The first byte behind the constant data. */
  readonly memoryBase: number
}

/** The first function is the one that the host calls. */
export function emitModule(
  functions: readonly FunctionIR[],
  data: readonly ConstantArray[],
  live: ReadonlySet<Statement>,
): EmittedModule {
  const writer = new ModuleWriter()
  const memoryBase = layOut(writer, data)
  const host = importHost(writer, functions)
  const globals = {
    exit: writer.global('exit', 0),
    top: writer.global('top', memoryBase),
    undefined: writer.global('undefined', 0),
  }
  const exits: Exit[] = []
  const helpers = {
    toInt32: defineToInt32(writer),
    remainder: defineRemainder(writer, host.get('remainder') as number),
    allocate: defineAllocate(writer, globals, exits),
  }
  const indices = new Map(functions.map((fn) => [fn, writer.reserve()]))
  const state: ModuleState = { writer, live, indices, host, helpers, globals, exits }
  for (const fn of functions) defineFunction(state, fn)
  defineEntry(state, functions[0])
  return { bytes: writer.finish(), exits, imports: writer.imports, memoryBase }
}

function layOut(writer: ModuleWriter, data: readonly ConstantArray[]): number {
  let address = DATA_ADDRESS
  for (const each of data) {
    each.address = address
    if (each.bytes.some((byte) => byte !== 0)) writer.data(address, each.bytes)
    address += Math.ceil(each.bytes.length / ALIGNMENT) * ALIGNMENT
  }
  return address
}

function importHost(
  writer: ModuleWriter,
  functions: readonly FunctionIR[],
): ReadonlyMap<string, number> {
  const needed = new Map<string, number>([['remainder', 2]])
  for (const fn of functions)
    walkBody(fn.body, {
      expression: (node) => {
        if (node.kind === 'arithmetic' && node.operator === '**') needed.set('pow', 2)
        if (node.kind !== 'math' || instructions.has(node.name)) return
        const count = node.values.length
        needed.set(hostName(node.name as HostMathName, count), count)
      },
    })
  return new Map(
    [...needed].map(([name, count]) => [name, writer.import(name, hostSignature(count))]),
  )
}

function defineFunction(state: ModuleState, fn: FunctionIR): void {
  const e = new Emitter(state, fn)
  const results = resultTypes(fn.frame)
  if (allocates(fn.body) && !isArray(fn.frame.type)) e.ownsMemory()
  emitBody(e, fn.body)
  if (results.length > 0) e.code.op('unreachable')
  else e.release()
  state.writer.define(state.indices.get(fn) as number, {
    signature: { parameters: fn.parameters.flatMap(variableTypes), results },
    locals: e.locals,
    code: e.code,
  })
}

/**
 * What the host calls, with the first free byte of memory before the arguments. Numbers are float64
 * outside, and it is said apart that one is undefined.
 */
function defineEntry(state: ModuleState, fn: FunctionIR): void {
  const { exit, top, undefined: undefinedFlag } = state.globals
  const code = new Code()
  code.get(0).globalSet(top).i32(0).globalSet(exit).i32(0).globalSet(undefinedFlag)
  const parameters: WasmType[] = ['i32']
  const locals: WasmType[] = []
  for (const parameter of fn.parameters) {
    const inside = variableTypes(parameter)
    for (const type of inside) {
      code.get(parameters.length)
      parameters.push(parameter.type === 'number' ? 'f64' : type)
    }
    if (parameter.type !== 'number' || inside[0] === 'f64') continue
    code.op('i64.trunc_f64_s')
    if (inside[0] === 'i32') code.op('i32.wrap_i64')
  }
  code.call(state.indices.get(fn) as number)
  const [result] = resultTypes(fn.frame)
  const isNumber = fn.frame.type === 'number'
  if (isNumber && result !== 'f64')
    code.op(result === 'i32' ? 'f64.convert_i32_s' : 'f64.convert_i64_s')
  else if (isNumber && fn.frame.result?.undefinable) {
    locals.push('f64')
    code.tee(parameters.length).op('i64.reinterpret_f64').i64(UNDEFINED_BITS).op('i64.eq')
    code.globalSet(undefinedFlag).get(parameters.length)
  }
  const index = state.writer.reserve()
  const results: readonly WasmType[] = isNumber ? ['f64'] : resultTypes(fn.frame)
  state.writer.define(index, { signature: { parameters, results }, locals, code })
  state.writer.export('run', index)
}

/** ToInt32 of 2^63 and more: the low bits of the mantissa, shifted up; of NaN and infinity 0. */
function defineToInt32(writer: ModuleWriter): number {
  const index = writer.reserve()
  const [value, bits, shift, low] = [0, 1, 2, 3]
  const code = new Code()
  code.get(value).op('i64.reinterpret_f64').tee(bits).i64(52).op('i64.shr_u').i64(0x7ff)
  code.op('i64.and').i64(1075).op('i64.sub').tee(shift).i64(31).op('i64.gt_s')
  code.open('if').i32(0).op('return').close()
  code
    .get(bits)
    .i64(2n ** 52n - 1n)
    .op('i64.and')
    .i64(2n ** 52n)
    .op('i64.or')
    .get(shift)
  code.op('i64.shl', 'i32.wrap_i64').set(low)
  code.i32(0).get(low).op('i32.sub').get(low).get(bits).i64(0).op('i64.lt_s', 'select')
  writer.define(index, {
    signature: { parameters: ['f64'], results: ['i32'] },
    locals: ['i64', 'i64', 'i32'],
    code,
  })
  return index
}

/** a % b: of safe integers by the division of integers, else asked of the host. */
function defineRemainder(writer: ModuleWriter, hostRemainder: number): number {
  const index = writer.reserve()
  const [a, b, wholeA, wholeB] = [0, 1, 2, 3]
  const code = new Code()
  for (const [value, whole] of [
    [a, wholeA],
    [b, wholeB],
  ]) {
    code
      .get(value)
      .op('f64.abs')
      .f64(2 ** 53)
      .op('f64.lt')
      .open('if', 'i32')
    code.get(value).op('i64.trunc_f64_s').tee(whole).op('f64.convert_i64_s').get(value)
    code.op('f64.eq', 'else').i32(0).close()
  }
  code.op('i32.and').get(wholeB).op('i64.eqz', 'i32.eqz', 'i32.and').open('if', 'f64')
  code.get(wholeA).get(wholeB).op('i64.rem_s', 'f64.convert_i64_s').get(a).op('f64.copysign')
  code.op('else').get(a).get(b).call(hostRemainder).close()
  writer.define(index, {
    signature: { parameters: ['f64', 'f64'], results: ['f64'] },
    locals: ['i64', 'i64'],
    code,
  })
  return index
}

/** Address of so many zeros of 2^shift bytes; ends the run where the memory cannot grow so far. */
function defineAllocate(
  writer: ModuleWriter,
  { exit, top }: ModuleState['globals'],
  exits: Exit[],
): number {
  const index = writer.reserve()
  const [length, shift, size, address, end] = [0, 1, 2, 3, 4]
  const code = new Code()
  const number = exits.push({ kind: 'memory' })
  const fail = (): Code => code.open('if').i32(number).globalSet(exit).op('unreachable').close()
  code
    .get(length)
    .i64(2 ** 31 - 1)
    .op('i64.gt_s')
  fail()
  code
    .get(length)
    .get(shift)
    .op('i64.extend_i32_s', 'i64.shl')
    .i64(ALIGNMENT * 2 - 1)
  code.op('i64.add').i64(-ALIGNMENT).op('i64.and').set(size)
  code.globalGet(top).tee(address).op('i64.extend_i32_u').get(size).op('i64.add').tee(end)
  code.i64(2 ** 32 - 65536).op('i64.gt_s')
  fail()
  code.get(end).op('memory.size', 'i64.extend_i32_u').i64(16).op('i64.shl', 'i64.gt_s')
  code.open('if').get(end).i64(65535).op('i64.add').i64(16).op('i64.shr_u', 'i32.wrap_i64')
  code.op('memory.size', 'i32.sub', 'memory.grow').i32(-1).op('i32.eq')
  fail()
  code.close()
  code.get(end).op('i32.wrap_i64').globalSet(top)
  code.get(address).i32(0).get(size).op('i32.wrap_i64', 'memory.fill').get(address)
  writer.define(index, {
    signature: { parameters: ['i64', 'i32'], results: ['i32'] },
    locals: ['i64', 'i32', 'i64'],
    code,
  })
  return index
}

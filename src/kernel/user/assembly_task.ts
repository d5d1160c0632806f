// One call of a compiled kernel as the pool runs it: which argument is what, and where the results
// are found. Called for every run.
import { entryExports, type KernelLayout, type ResultType } from './assembly_request.ts'
import type { Columns, Params } from './check_columns.ts'
import type { OutTypes } from './load_options.ts'
import type { WasmArgument, WasmOutcome, WasmTask } from './wasm_task.ts'

interface Called {
  readonly layout: KernelLayout
  readonly out: OutTypes
  readonly columns: Columns
  readonly params: Params
}

/** Everything but the module. */
export function assemblyTask(called: Called): Omit<WasmTask, 'module' | 'hash'> {
  const { layout } = called
  return {
    kernel: layout.name,
    initialPages: layout.initialPages,
    allow: { trace: true },
    place: { allocate: entryExports.allocate },
    call: entryExports.run,
    args: layout.parameters.map((each) => argument(each, called)),
    results: results(called),
  }
}

function argument(
  { name, role, type }: KernelLayout['parameters'][number],
  { out, columns, params }: Called,
): WasmArgument {
  if (role === 'param') return { value: params[name] }
  if (role === 'column') return { column: columns[name], length: true }
  return { zeros: type, values: outLength(out[name], columns), length: true }
}

function outLength(out: OutTypes[string], columns: Columns): number {
  const length = typeof out === 'object' ? out.length : Object.keys(columns)[0]
  return typeof length === 'number' ? length : columns[length].length
}

function results({ layout, out }: Called): WasmTask['results'] {
  const outcome = outcomeOf(layout.result)
  const names = Object.keys(out)
  if (names.length === 0) return outcome
  const outs = names.map((name): readonly [string, WasmOutcome] => {
    const argument = layout.parameters.findIndex((each) => each.name === name)
    return [name, { from: 'argument', argument }]
  })
  const all = layout.result === 'void' ? outs : [...outs, ['result', outcome] as const]
  return Object.fromEntries(all)
}

function outcomeOf(result: ResultType): WasmOutcome {
  if (typeof result === 'object') {
    const { resultAddress: address, resultLength: length } = entryExports
    return { from: 'memory', type: result.column, address, length }
  }
  return {
    from: 'return',
    boolean: result === 'bool',
    unsigned: typeof result === 'string' && result.startsWith('u'),
  }
}

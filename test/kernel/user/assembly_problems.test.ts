// What a person reads when a kernel in AssemblyScript cannot be made: file, line, column, the
// compiler's message, the line and what of it is meant; and both sides where the declaration and
// the function differ.
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { configureKernels, loadKernel } from '../../../src/kernels.ts'
import { isError } from '../../support/coded_errors.ts'
import { type KernelFiles, kernelFiles } from '../../support/kernel_files.ts'

let files: KernelFiles

before(async () => {
  files = await kernelFiles()
  configureKernels({ cacheDir: `${files.directory}/cache` })
})

const columns = { x: 'f64' } as const

/** The message without the directory, which the file does not know. */
async function messageOf(url: URL | string, options: object): Promise<string> {
  let message = ''
  await assert.rejects(loadKernel(url, options as { columns: typeof columns }), (error: Error) => {
    message = error.message
    return isError('KERNEL_INVALID', /./)(error)
  })
  return message.replaceAll(`${files.directory}/`, '')
}

function lines(...text: readonly string[]): string {
  return text.join('\n')
}

test('every error of the compiler is listed, in imported files too', async () => {
  files.write('half.ts', 'export function half(x: f64): f64 {\n  return x / two\n}\n')
  const url = files.kernel(
    'wrong',
    `import { half } from './half'
export function f(x: Float64Array): f64 {
\tconst n: i32 = x[0]
  return half(n) + nowhere(x)
}
`,
  )
  assert.equal(
    await messageOf(url, { columns }),
    lines(
      'wrong.kernel.ts is no kernel (3 errors)',
      "  wrong.kernel.ts:3:17: Conversion from type 'f64' to 'i32' requires an explicit cast.",
      '    3 │ \tconst n: i32 = x[0]',
      '      │ \t               ~~~~',
      "  half.ts:2:14: Cannot find name 'two'.",
      '    2 │   return x / two',
      '      │              ~~~',
      "  wrong.kernel.ts:4:20: Cannot find name 'nowhere'.",
      '    4 │   return half(n) + nowhere(x)',
      '      │                    ~~~~~~~',
    ),
  )
})

test('syntax and missing imports have their place', async () => {
  const syntax = files.kernel('syntax', 'export function f(x: Float64Array): f64 { return +* 2 }\n')
  assert.match(
    await messageOf(syntax, { columns }),
    /\n {2}syntax\.kernel\.ts:1:51: Expression expected\.\n.*\n {6}│ {51}\^$/,
  )
  const missing = files.kernel(
    'missing',
    "import { a } from './nowhere'\nexport function f(x: Float64Array): f64 { return a }\n",
  )
  assert.match(
    await messageOf(missing, { columns }),
    /\n {2}missing\.kernel\.ts:1:19: File 'nowhere\.ts' not found\.\n/,
  )
})

test('a declaration that does not fit names both sides, all at once', async () => {
  const url = files.kernel(
    'ewma',
    'export function ewma(values: Float64Array, alpha: f64): Float64Array { return values }\n',
  )
  const signature = 'ewma(values: Float64Array, alpha: f64): Float64Array'
  assert.equal(
    await messageOf(url, { columns: { prices: 'f64' }, params: { beta: 'f64' } }),
    lines(
      'ewma.kernel.ts is no kernel (4 errors)',
      '  ewma.kernel.ts:1:22: the function takes values: Float64Array, which is not declared in columns',
      '    1 │ export function ewma(values: Float64Array, alpha: f64): Float64Array { return values }',
      '      │                      ~~~~~~~~~~~~~~~~~~~~',
      '  ewma.kernel.ts:1:44: the function takes alpha: f64, which is not declared in params',
      '    1 │ export function ewma(values: Float64Array, alpha: f64): Float64Array { return values }',
      '      │                                            ~~~~~~~~~~',
      `  ewma.kernel.ts:1:17: columns declares prices: 'f64', and ewma has no such parameter: ${signature}`,
      '    1 │ export function ewma(values: Float64Array, alpha: f64): Float64Array { return values }',
      '      │                 ~~~~',
      `  ewma.kernel.ts:1:17: params declares beta: 'f64', and ewma has no such parameter: ${signature}`,
      '    1 │ export function ewma(values: Float64Array, alpha: f64): Float64Array { return values }',
      '      │                 ~~~~',
    ),
  )
  const types = { columns: { values: 'f32' }, params: { alpha: 'i64' }, result: 'f64' }
  const said = await messageOf(url, types)
  assert.match(
    said,
    /1:22: columns declares values: 'f32' \(Float32Array\), and the function takes values: Float64Array: /,
  )
  assert.match(said, /1:44: params declares alpha: 'i64', and the function takes alpha: f64: /)
  assert.match(said, /1:57: result is declared as 'f64', and the function gives Float64Array: /)
  const column = { columns: { values: 'f64' }, params: { alpha: 'f64' }, result: { column: 'u8' } }
  assert.match(
    await messageOf(url, column),
    /result is declared as \{ column: 'u8' \} \(Uint8Array\), and the function gives Float64Array/,
  )
})

test('which function is the kernel has to be clear', async () => {
  const none = files.kernel('none', 'function f(x: Float64Array): f64 { return 1 }\n')
  const several = files.kernel(
    'two',
    'export function f(x: f64): f64 { return 1 }\nexport function g(x: f64): f64 { return 1 }\n',
  )
  const generic = files.kernel('generic', 'export function f<T>(x: T): T { return x }\n')
  const says = async (url: URL, options: object, message: string) =>
    assert.ok((await messageOf(url, options)).includes(message), message)
  await says(none, { columns }, 'it exports no function: write export function …')
  await says(several, { columns }, 'it exports several functions: f, g; say with name which one')
  await says(several, { columns, name: 'h' }, 'it exports no function h, only f, g')
  await says(none, { columns, name: 'h' }, 'it exports no function h, none at all')
  await says(generic, { columns }, 'generic.kernel.ts:1:17: f has type parameters')
})

test('signatures that no kernel has are refused with their place', async () => {
  const cases: readonly (readonly [string, object, string])[] = [
    ['(x: Float64Array, ...more: f64[]): f64', {}, '1:36: a kernel has no rest parameters'],
    ['(x: Float64Array): string', {}, "1:37: it gives string, and a kernel's result is a number"],
    [
      '(x: Array<f64>): f64',
      {},
      "1:19: columns declares x: 'f64' (Float64Array), and the function takes x: Array<f64>",
    ],
    [
      '(x: Float64Array, a: f64 = 1, b: f64 = 2): f64',
      { params: { b: 'f64' } },
      '1:36: a is not declared and stands before b',
    ],
  ]
  for (const [index, [signature, more, says]] of cases.entries()) {
    const text = `export function f${signature} { return 1 }\n`
    const message = await messageOf(files.kernel(`odd-${index}`, text), { columns, ...more })
    assert.ok(message.includes(says), message)
  }
})

test('a kernel has no clock, no randomness and nothing of the outside', async () => {
  const url = files.kernel(
    'outside',
    `// console.log is not for kernels
declare function other(x: f64): f64
export function f(x: Float64Array): f64 {
  console.log('x')
  return other(Math.random()) + <f64>Date.now()
}
`,
  )
  const message = await messageOf(url, { columns })
  for (const says of [
    'outside.kernel.ts:5:16: a kernel has no Math.random: the same columns must give the same',
    'outside.kernel.ts:5:38: a kernel has no Date.now: take the time as a parameter',
    'outside.kernel.ts:4:3: a kernel has no console.log: print with trace(text, n, …numbers)',
    'outside.kernel.ts:2:18: it imports outside.kernel.other, and a kernel has only its columns',
  ])
    assert.ok(message.includes(says), message)
})

test('what the compiler itself cannot bear is an error of the kernel, and the next one compiles', async () => {
  const body = `${'('.repeat(20_000)}x[0]${')'.repeat(20_000)}`
  const cases = {
    deep: `export function f(x: Float64Array): f64 { return ${body} }`,
    endless: `class A<T> { f(): f64 { return new A<A<T>>().f() } }
export function f(x: Float64Array): f64 { return new A<f64>().f() }`,
  }
  for (const [name, text] of Object.entries(cases)) {
    const message = await messageOf(files.kernel(name, text), { columns })
    const crashed = 'the compiler of AssemblyScript crashed: RangeError: Maximum call stack size'
    assert.ok(message.startsWith(`${name}.kernel.ts: ${crashed}`), message)
  }
  await loadKernel(files.kernel('fine', 'export function f(x: Float64Array): void {}'), { columns })
})

test('line ends of Windows, marks at the start and names in any letters', async () => {
  const text = '\ufeffexport function größe(wärts: Float64Array): f64 {\r\n  return x\r\n}\r\n'
  assert.equal(
    await messageOf(files.kernel('größe', text), { columns: { wärts: 'f64' } }),
    lines(
      'größe.kernel.ts is no kernel',
      "  größe.kernel.ts:2:10: Cannot find name 'x'.",
      '    2 │   return x',
      '      │          ^',
    ),
  )
})

test('files that are no kernels are refused by name', async () => {
  const missing = new URL('nowhere.kernel.ts', files.kernel('x', ''))
  assert.match(await messageOf(missing, { columns }), /^there is no file nowhere\.kernel\.ts$/)
  assert.match(await messageOf('nowhere.kernel.ts', { columns }), /^there is no file \/.*nowhere/)
  assert.match(await messageOf('kernel.js', { columns }), /files that end in \.ts$/)
  const web = new URL('https://localhost/ewma.kernel.ts')
  assert.match(await messageOf(web, { columns }), /is no file: kernels are read from disk/)
  const folder = files.write('folder.kernel.ts/x', '')
  assert.match(
    await messageOf(new URL('.', folder).href.slice(0, -1), { columns }),
    /cannot be read/,
  )
})

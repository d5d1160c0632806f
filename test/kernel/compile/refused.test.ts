// What does not compile says so: the construct, the file and line, and the line itself with a mark
// under what is meant. In the sources here, » and « are around what is to be marked.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { EuphorionError } from '../../../src/errors.ts'
import { compileSource } from '../../../src/kernels.ts'

const folder = mkdtempSync(join(tmpdir(), 'euphorion-refused-'))
const path = join(folder, 'kernel.ts')
after(() => rmSync(folder, { recursive: true }))

/** Bodies of a function of a number n and a Float64Array a. */
const bodies: Readonly<Record<string, string>> = {
  "const s = »'text'«": 'a text is outside the subset that compiles',
  'const s = »`text`«': 'a text',
  'const o = »{ x: n }«': 'an object',
  'const b = »10n«': 'a bigint',
  'const r = »/x/«': 'a regular expression',
  'const z = »null«': 'null',
  '»try { n++ } catch {}«': "'try'",
  '»for (const k in a) n++«': "'for … in'",
  '»class C {}«': 'a class',
  '»debugger«': "'debugger'",
  "return »typeof n« === 'number' ? 1 : 0": "'typeof'",
  '»delete a[0]«': "'delete'",
  'return »this«.x': "'this'",
  'const »[x, y]« = a': 'destructuring of no list',
  'const »{ length }« = a': 'destructuring',
  'return »Math.random()«': "'Math.random()' gives another value each time",
  'return »Date.now()«': "'Date.now()' gives another value each time",
  'return »performance.now()«': "'performance.now()' gives another value each time",
  '»console.log(n)«': "'console.log()'",
  'return »parseInt(n)«': "'parseInt()'",
  'return a.»reduceRight«((x, y) => x + y)': "'.reduceRight()' of a Float64Array",
  'return a.»buffer«.byteLength': "'.buffer' of a Float64Array",
  'return »new Map()«.size': "'new Map'",
  'return »new Array(n)«.length': "'new Array'",
  'return new Float64Array(»...a«).length': 'a spread argument',
  'return Math.max(»...a«)': 'a spread argument',
  'return [»...a«].length': 'a spread',
  'const l = [1, 2]\n»l[0]« = 3': 'a plain array is written: only typed arrays can be',
  'const l = [1, 2]\nl.»push«(3)': "'.push()' of a number[]",
  'return »a?.length«': "'?.'",
  'return »unknownThing«': "'unknownThing' is not known in this file",
  'const c = 1\n»c« = 2': "'c' is assigned and is no variable",
  'const c = n\n»c« = 2': "'c' is a constant and is assigned",
  'const d = »e«\nlet e = n': "'e' is used before its declaration",
  'let e\nreturn »e«': "'e' has no type here",
  'let e: number\nif (n > 1) e = 1\nreturn »e«': "'e' may be read before it is given a value",
  'let s: »string«\nreturn n': 'the type string is outside the subset',
  'let s: »number | undefined«\nreturn n': 'the type number | undefined is outside',
  '»throw n«': 'a throw of other than new Error',
  'throw new Error(»`bad ${n}`«)': 'an error whose text is no constant',
  'return »n === true« ? 1 : 0': '=== compares a number with a boolean',
  'return (»n > 1 ? n : true«) ? 1 : 0': "'?:' joins a number and a boolean",
  'return n + (»n && a«)': "'&&' joins a number and a Float64Array",
  'const g = (x: number) => x\nconst h = »g«\nreturn 1': "'g', a function as a value,",
  'return »n«[0]': 'this is a number where a typed array is needed',
  'const f32: Float32Array = »a«\nreturn 1': 'this is a Float64Array where a Float32Array is',
  'switch (n) {\n  »case a: break«\n}\nreturn 1': 'this case is a Float64Array, not a number',
  'a.fill(»a«)': 'this is a Float64Array where a number is needed',
  'for (const x of »n«) n++': "'for … of' goes over a number",
  '»a.length« = 3': 'an assignment to a property',
  'return »Math.sum(n)«': "'Math.sum()'",
  'let »x« = a\nconst g = (i: number) => {\nif (i > 0) {\nx = a.slice()\ng(i - 1)\n}\n}\ng(n)\nreturn x[0]':
    "'x', a Float64Array, is changed by a function that calls itself",
}

const files: Readonly<Record<string, string>> = {
  'export »async function f() {}«': 'an async function',
  'export »function* f() {}«': 'a generator',
  'export function f»<T>«(x: T) {}': 'a generic function',
  'export function f(»x«) { return x }': "the parameter 'x' has no type",
  'export function f(»x?: number«) {}': "an optional parameter without a default ('x?')",
  'export function f(»...x: number[]«) {}': 'a rest parameter',
  'export function f(»{ x }: { x: number }«) {}': 'destructuring in a parameter',
  'export function f(s: »string«) {}': 'the type string is outside',
  'export function f(n: number, m = »n«) {}': 'a default made of another parameter',
  'export function f(n: number): number { if (n > 1) return 1\n»}«':
    "not every way through 'f' returns a value",
  'let calls = 0\nexport function f(): number { return ++»calls« }':
    "'calls' is a variable of the module that changes, and outlives a call",
  "import fs from 'node:fs'\nexport function f() { »fs« }": "'fs' is imported from 'node:fs'",
  "import { »g« } from './missing.ts'\nexport function f() { g() }":
    "there is no file './missing.ts' beside this one",
  'const t = new Float64Array(3)\nfunction w() { t[0] = 1 }\nexport function f() { return »t«[0] }':
    "'t' is an array of the module that functions may write to",
  'const t = new Float64Array(3)\nexport function f() { g(»t«) }\nfunction g(x: Float64Array) { x.fill(1) }':
    "'t' is an array of the module that functions may write to",
  'const t = new Float64Array(3)\nexport function f() { g(»t«) }\nfunction g(x: Float64Array) { x[1] = 1 }':
    "'t' is an array of the module that functions may write to",
  'const t = new Float64Array(3)\nconst all = () => t\nexport function f() { »all()[0] = 1« }':
    'this writes to an array of the module, which outlives a call',
  'const »t = new Float64Array(3)«\nconst all = () => t\nexport function f() { all().fill(1) }':
    'this array of the module is written to, which outlives a call',
  'export function f(): number { return g(1) }\nfunction g(x: number) { return x > 0 ? »g(x - 1)« : 0 }':
    "'g' calls itself: the source has to state what it returns",
  'export function f() { return g(»true«) }\nfunction g(x: number) { return x }':
    'this is a boolean where a number is needed',
  'export function f() { return »g()« }\nfunction g(x: number) { return x }':
    "'g' is called without its argument 'x'",
  'export function f() { return »g(1, 2)« }\nfunction g(x: number) { return x }':
    "'g' takes 1 arguments, not 2",
  'export function f() { return 1 + »}«': 'this is not TypeScript: Unexpected token',
}

function refusal(source: string): EuphorionError {
  writeFileSync(path, source)
  try {
    compileSource(path, 'f')
  } catch (error) {
    assert.ok(error instanceof EuphorionError, String(error))
    assert.equal(error.code, 'KERNEL_INVALID')
    return error
  }
  assert.fail('it compiled')
}

function check(marked: string, message: string): void {
  const start = marked.indexOf('»')
  const meant = marked.slice(start + 1, marked.indexOf('«'))
  const number = marked.slice(0, start).split('\n').length
  const source = marked.replace(/[»«]/g, '')
  const error = refusal(source)
  const [head, line, marks] = error.message.split('\n')
  assert.ok(head.includes(`kernel.ts:${number}: ${message}`), `${head}\n${message}`)
  const prefix = `  ${number} | `
  assert.equal(line, prefix + source.split('\n')[number - 1])
  const column = marks.indexOf('^')
  assert.equal(line.slice(column, column + marks.slice(column).length), meant)
  assert.equal(error.place.path, `${path}:${number}:${column - prefix.length + 1}`)
}

for (const [body, message] of Object.entries(bodies)) {
  const source = `export function f(n: number, a: Float64Array) {\n${body}\n}\n`
  test(`refused: ${body.replace(/[»«]/g, '').replace(/\n/g, ' ; ')}`, () => check(source, message))
}

for (const [source, message] of Object.entries(files))
  test(`refused: ${source.replace(/[»«]/g, '').replace(/\n/g, ' ; ')}`, () =>
    check(source, message))

test('a function that is not there is refused with those that are', () => {
  writeFileSync(path, 'export function g() {}\nconst h = () => 1\n')
  assert.throws(() => compileSource(path, 'f'), {
    code: 'KERNEL_INVALID',
    message: /no function 'f' at the top of .*kernel\.ts: it has g, h$/,
  })
})

test('a file that is not there is refused', () => {
  assert.throws(() => compileSource(join(folder, 'other.ts'), 'f'), {
    code: 'KERNEL_INVALID',
    message: /other\.ts cannot be read/,
  })
})

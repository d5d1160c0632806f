// Random functions in the subset that compiles: statements and expressions of all kinds over numbers
// and typed arrays of all types, with bounded loops. Used by test/kernel/compile/random.test.ts.

import { type Random, seededRandom } from '../../src/clock.ts'

/** A program as TypeScript, and the same without types. */
export interface RandomProgram {
  readonly typed: string
  readonly plain: string
  /** Of the arrays that come after two numbers. */
  readonly arrays: readonly ArrayType[]
}

const arrayTypes = [
  'Float64Array',
  'Float32Array',
  'Int32Array',
  'Uint32Array',
  'Int16Array',
  'Uint16Array',
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
] as const

type ArrayType = (typeof arrayTypes)[number]

const literals = [
  '0',
  '1',
  '2',
  '3',
  '-1',
  '7',
  '0.5',
  '-0',
  '-0.5',
  '1.5',
  '2.5',
  '255',
  '256',
  '65535',
  '1e3',
  '2147483647',
  '-2147483648',
  '2147483648',
  '4294967295',
  '4294967296',
  '0xdeadbeef',
  '1e15',
  '9007199254740991',
  '9007199254740992',
  '-9007199254740993',
  '1e300',
  '1e-300',
  '5e-324',
  'NaN',
  'Infinity',
  '-Infinity',
  'Math.PI',
  '31',
  '32',
  '33',
  '1_000',
  '0.1',
  '1664525',
  '1013904223',
]
const wholeLiterals = [
  '0',
  '1',
  '2',
  '3',
  '-1',
  '-2',
  '7',
  '10',
  '16',
  '255',
  '256',
  '1000',
  '65536',
  '2147483647',
  '-2147483648',
  '4294967296',
  '31',
  '100003',
]
const wholeUnary = ['abs', 'floor', 'sign', 'trunc', 'clz32', 'round', 'ceil']
const unary = [
  'abs',
  'floor',
  'ceil',
  'round',
  'trunc',
  'sign',
  'sqrt',
  'fround',
  'clz32',
  'exp',
  'log',
  'sin',
  'cbrt',
]
const binary = ['+', '-', '*', '/', '%', '+', '-', '*']
const bitwise = ['&', '|', '^', '<<', '>>', '>>>']
const comparisons = ['<', '<=', '>', '>=', '===', '!==', '==', '!=']

class Generator {
  readonly #random: Random
  readonly #lines: string[] = []
  #numbers: string[] = ['a', 'b']
  #booleans: string[] = []
  /** Loop variables: not assigned. */
  #counters: string[] = []
  readonly #arrays: readonly string[]
  #indent = 1
  #names = 0
  #loops: string[] = []
  #helpers: string[]
  /** Mostly integers: their overflows, signs and divisions are the subject. */
  readonly #isWhole: boolean

  constructor(random: Random, arrays: readonly string[], helpers: string[]) {
    this.#random = random
    this.#arrays = arrays
    this.#helpers = helpers
    this.#isWhole = random() < 0.5
  }

  #below(n: number): number {
    return Math.floor(this.#random() * n)
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#below(items.length)]
  }

  #emit(line: string): void {
    this.#lines.push('  '.repeat(this.#indent) + line)
  }

  body(size: number): string {
    for (let i = 0; i < 2 + size; i++) this.#statement(size)
    this.#emit(`return ${this.#number(3)}`)
    return this.#lines.join('\n')
  }

  // Expressions

  #number(depth: number): string {
    if (depth <= 0) return this.#leaf()
    const d = depth - 1
    switch (this.#below(16)) {
      case 0:
      case 1:
      case 2:
        return `(${this.#number(d)} ${this.#pick(binary)} ${this.#number(d)})`
      case 3:
      case 4:
        return `(${this.#number(d)} ${this.#pick(bitwise)} ${this.#number(d)})`
      case 5:
        return `Math.${this.#pick(this.#isWhole ? wholeUnary : unary)}(${this.#number(d)})`
      case 6:
        return `Math.${this.#pick(this.#isWhole ? ['min', 'max'] : ['min', 'max', 'imul', 'atan2', 'hypot', 'pow'])}(${this.#number(d)}, ${this.#number(d)})`
      case 7:
      case 8:
        return this.#element(d)
      case 9:
        return `(${this.#condition(d)} ? ${this.#number(d)} : ${this.#number(d)})`
      case 10:
        return `(${this.#pick(['-', '+', '~'])} ${this.#number(d)})`
      case 11:
        return `(${this.#element(d)} ?? ${this.#number(d)})`
      case 12:
        return `(${this.#number(d)} ${this.#pick(['||', '&&'])} ${this.#number(d)})`
      case 13:
        return `Math.${this.#pick(['floor', 'trunc'])}(${this.#number(d)} / ${this.#number(d)})`
      case 14:
        return this.#effect(d)
      default:
        return this.#leaf()
    }
  }

  #leaf(): string {
    const n = this.#random()
    if (n < 0.35) return this.#pick(this.#isWhole ? wholeLiterals : literals)
    if (n < 0.5 && this.#counters.length) return this.#pick(this.#counters)
    if (n < 0.58) return `${this.#pick(this.#arrays)}.length`
    return this.#pick(this.#numbers)
  }

  #effect(depth: number): string {
    const target = this.#pick(this.#numbers)
    switch (this.#below(5)) {
      case 0:
        return `(${target} = ${this.#number(depth)})`
      case 1:
        return `${target}++`
      case 2:
        return `--${target}`
      case 3:
        return this.#helpers.length
          ? `${this.#pick(this.#helpers)}(${this.#number(depth)}, ${this.#number(depth)})`
          : target
      default:
        return `(${this.#element(depth)} ${this.#pick(['=', '+=', '*=', '|='])} ${this.#number(depth)})`
    }
  }

  #element(depth: number): string {
    return `${this.#pick(this.#arrays)}[${this.#index(depth)}]`
  }

  /** An expression of the body of a function with these parameters. */
  #with(parameters: readonly string[]): string {
    const numbers = this.#numbers
    this.#numbers = [...numbers, ...parameters, ...parameters]
    const text = this.#number(2)
    this.#numbers = numbers
    return text
  }

  #index(depth: number): string {
    const n = this.#random()
    if (n < 0.4 && this.#counters.length) return this.#pick(this.#counters)
    if (n < 0.5 && this.#counters.length)
      return `${this.#pick(this.#counters)} ${this.#pick(['+', '-'])} ${this.#below(3)}`
    if (n < 0.6) return String(this.#below(9))
    if (n < 0.7) return `${this.#number(depth - 1)} & 7`
    return this.#number(depth - 1)
  }

  #condition(depth: number): string {
    if (depth <= 0) return this.#booleans.length ? this.#pick(this.#booleans) : 'true'
    const d = depth - 1
    switch (this.#below(9)) {
      case 0:
        return `!(${this.#condition(d)})`
      case 1:
        return `(${this.#condition(d)} ${this.#pick(['&&', '||'])} ${this.#condition(d)})`
      case 2:
        return `Number.${this.#pick(['isInteger', 'isNaN', 'isFinite', 'isSafeInteger'])}(${this.#number(d)})`
      case 3:
        return `${this.#element(d)} ${this.#pick(['===', '!==', '=='])} undefined`
      case 4:
        return `${this.#element(d)} ${this.#pick(['===', '!=='])} ${this.#element(d)}`
      case 5:
        return `Object.is(${this.#number(d)}, ${this.#number(d)})`
      default:
        return `${this.#number(d)} ${this.#pick(comparisons)} ${this.#number(d)}`
    }
  }

  // Statements

  #statement(size: number): void {
    switch (this.#below(13)) {
      case 0:
      case 1:
        this.#declare()
        return
      case 2:
      case 3:
        this.#emit(`${this.#pick(this.#numbers)} ${this.#assignment()} ${this.#number(3)}`)
        return
      case 4:
      case 5:
        this.#emit(`${this.#element(2)} ${this.#assignment()} ${this.#number(3)}`)
        return
      case 6:
        this.#emit(`${this.#pick(this.#numbers)}${this.#pick(['++', '--'])}`)
        return
      case 7:
        this.#if(size)
        return
      case 8:
      case 9:
        this.#for(size)
        return
      case 10:
        this.#while(size)
        return
      case 11:
        this.#switch(size)
        return
      default:
        this.#jumpOrSwap()
    }
  }

  #assignment(): string {
    return this.#pick(['=', '=', '+=', '-=', '*=', '/=', '%=', '|=', '>>>=', '<<=', '^=', '??='])
  }

  #declare(): void {
    const name = `v${this.#names++}`
    const n = this.#random()
    if (n < 0.2) {
      this.#emit(`const ${name} = ${this.#condition(2)}`)
      this.#booleans.push(name)
    } else if (n < 0.3) {
      this.#emit(`const ${name} = (p, q) => ${this.#with(['p', 'q'])}`)
      this.#helpers = [...this.#helpers, name]
    } else if (n < 0.37) {
      const end = this.#with(['q'])
      const step = `${this.#with(['q'])} + r${name}(k - 1, ${this.#with(['q'])})`
      this.#emit(`const r${name} = (k: number, q: number): number => k <= 0 ? ${end} : ${step}`)
      this.#emit(`const ${name} = (p, q) => r${name}(p & 3, q)`)
      this.#helpers = [...this.#helpers, name]
    } else {
      this.#emit(
        `let ${name} = ${this.#random() < 0.4 ? this.#pick(this.#isWhole ? wholeLiterals : literals) : this.#number(3)}`,
      )
      this.#numbers.push(name)
    }
  }

  #block(size: number): void {
    const [numbers, booleans, counters, helpers] = [
      [...this.#numbers],
      [...this.#booleans],
      [...this.#counters],
      this.#helpers,
    ]
    this.#indent++
    for (let i = this.#below(2) + 1; i > 0; i--) this.#statement(size - 1)
    this.#indent--
    this.#numbers = numbers
    this.#booleans = booleans
    this.#counters = counters
    this.#helpers = helpers
  }

  #if(size: number): void {
    if (size <= 0) return
    this.#emit(`if (${this.#condition(3)}) {`)
    this.#block(size)
    if (this.#random() < 0.5) {
      this.#emit('} else {')
      this.#block(size)
    }
    this.#emit('}')
  }

  #for(size: number): void {
    if (size <= 0 || this.#loops.length > 2) return
    const name = `i${this.#names++}`
    const label = `l${this.#names++}`
    const outer = this.#counters
    const array = this.#pick(this.#arrays)
    const from = this.#below(3)
    const head = this.#pick([
      `let ${name} = ${from}; ${name} < ${array}.length; ${name}++`,
      `let ${name} = ${from}; ${name} < ${this.#below(7)}; ${name}++`,
      `let ${name} = ${array}.length - 1; ${name} >= 0; ${name}--`,
      `let ${name} = ${from}; ${name} <= ${array}.length - 1; ${name} += 2`,
      `let ${name} = 0; ${name} < 3; ${name} += 0.5`,
      `let ${name} = 1; ${name} < ${array}.length - 1; ${name}++`,
    ])
    this.#loops.push(label)
    this.#emit(
      this.#random() < 0.15
        ? `${label}: for (const ${name} of ${array}) {`
        : `${label}: for (${head}) {`,
    )
    this.#counters = [...outer, name]
    this.#block(size)
    this.#counters = outer
    this.#emit('}')
    this.#loops.pop()
  }

  #while(size: number): void {
    if (size <= 0 || this.#loops.length > 2) return
    const label = `l${this.#names++}`
    this.#loops.push(label)
    const fuel = `f${this.#names++}`
    this.#emit(`let ${fuel} = ${this.#below(6)}`)
    const isDo = this.#random() < 0.4
    const test = `${fuel}-- > 0 && ${this.#condition(2)}`
    this.#emit(isDo ? `${label}: do {` : `${label}: while (${test}) {`)
    this.#block(size)
    this.#emit(isDo ? `} while (${test})` : '}')
    this.#loops.pop()
  }

  #switch(size: number): void {
    if (size <= 0) return
    this.#emit(`switch (${this.#number(2)}${this.#random() < 0.5 ? ' & 3' : ''}) {`)
    for (let i = 0; i < 4; i++) {
      this.#emit(
        i === 2 && this.#random() < 0.5
          ? '  default: {'
          : `  case ${this.#random() < 0.8 ? i : this.#pick(this.#isWhole ? wholeLiterals : literals)}: {`,
      )
      this.#block(size - 1)
      if (this.#random() < 0.6) this.#emit('    break')
      this.#emit('  }')
    }
    this.#emit('}')
  }

  #jumpOrSwap(): void {
    const n = this.#random()
    if (n < 0.4 && this.#loops.length) {
      const jump = this.#pick(['break', 'continue'])
      this.#emit(`if (${this.#condition(2)}) ${jump} ${this.#pick([...this.#loops, ''])}`.trimEnd())
    } else if (n < 0.5) this.#emit(`if (${this.#condition(2)}) return ${this.#number(2)}`)
    else if (n < 0.75) {
      const [x, y] = [this.#element(1), this.#element(1)]
      this.#emit(`;[${x}, ${y}] = [${y}, ${x}]`)
    } else this.#method()
  }

  #method(): void {
    const array = this.#pick(this.#arrays)
    const [x, y] = [this.#number(1), this.#number(1)]
    this.#emit(
      this.#pick([
        `${array}.fill(${x}, ${y})`,
        `${array}.copyWithin(${x}, ${y})`,
        `${array}.reverse()`,
        `${array}.sort()`,
        `${this.#pick(this.#numbers)} = ${array}.indexOf(${x}, ${y})`,
        `${this.#pick(this.#numbers)} = ${array}.slice(${x}, ${y}).length`,
        `${this.#pick(this.#numbers)} = ${array}.subarray(${x}, ${y})[0]`,
        `${this.#pick(this.#numbers)} = ${array}.reduce((p, q, i) => p + ${this.#with(['p', 'q', 'i'])}, ${x})`,
        `${array}.set(${array}.map((q) => ${this.#with(['q'])}))`,
        `${array}.sort((p, q) => ${this.#with(['p', 'q'])})`,
        `${this.#pick(this.#numbers)} = ${array}.filter((q, i) => ${this.#with(['q', 'i'])} > ${y}).length`,
        `${array}.forEach((q) => { ${this.#pick(this.#numbers)} = ${this.#with(['q'])} })`,
        `${this.#pick(this.#numbers)} = ${array}.find((q) => q > ${x}) ?? ${y}`,
      ]),
    )
  }
}

/** @param size depth of statements, 0 to about 4 */
export function randomProgram(seed: number, size: number): RandomProgram {
  const random = seededRandom(seed)
  const types = Array.from(
    { length: 3 },
    () => arrayTypes[Math.floor(random() * arrayTypes.length)],
  )
  const names = types.map((_, i) => `x${i}`)
  const helper = new Generator(random, names.slice(0, 0).concat('h'), [])
  const helperBody = helper.body(Math.min(size, 2))
  const body = new Generator(random, names, ['helper']).body(size)
  const make = (isTyped: boolean): string => {
    const typed = (name: string, type: string): string => (isTyped ? `${name}: ${type}` : name)
    const parameters = names.map((name, i) => typed(name, types[i]))
    const start = 'const h = new Float64Array([1, -0, 2.5, NaN, 1e9])\n'
    return (
      `${isTyped ? 'export ' : ''}function helper(${typed('a', 'number')}, ${typed('b', 'number')})${isTyped ? ': number' : ''} {\n  ${start}${helperBody}\n}\n` +
      `${isTyped ? 'export ' : ''}function program(${[typed('a', 'number'), typed('b', 'number'), ...parameters].join(', ')})${isTyped ? ': number' : ''} {\n${body}\n}\n`
    )
  }
  return { typed: make(true), plain: make(false).replaceAll(': number', ''), arrays: types }
}

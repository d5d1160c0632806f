import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseInt64 } from '../../src/record/scalar_text.ts'
import type { RecordSchema } from '../../src/record/schema.ts'
import { JsonKernel } from '../support/json_kernel.ts'
import { numberText } from '../support/json_text.ts'

const one = (type: 'float64' | 'int64' | 'integer'): RecordSchema => ({
  type: 'record',
  name: 'One',
  fields: [['v', { type }]],
})
const column = (type: 'float64' | 'int64' | 'integer') => [{ path: ['v'], type }]

function assertDouble(kernel: JsonKernel, text: string) {
  assert.equal(kernel.extract(Buffer.from(`{"v":${text}}`)), 0, text)
  const [value] = kernel.values()
  assert(Object.is(value, JSON.parse(text)), `${text}: ${value} instead of ${JSON.parse(text)}`)
}

const bits = new DataView(new ArrayBuffer(8))

function doubleOf(pattern: bigint): number {
  bits.setBigUint64(0, pattern)
  return bits.getFloat64(0)
}

/** All digits of a positive finite double, and of the point half-way to the next one. */
function exactText(value: number, half: boolean): string {
  bits.setFloat64(0, value)
  const pattern = bits.getBigUint64(0)
  const exponent = pattern >> 52n
  const fraction = pattern & ((1n << 52n) - 1n)
  let mantissa = exponent === 0n ? fraction : fraction | (1n << 52n)
  let power = Number(exponent === 0n ? 1n : exponent) - 1075
  if (half) {
    mantissa = 2n * mantissa + 1n
    power--
  }
  if (power >= 0) return (mantissa << BigInt(power)).toString()
  return `${mantissa * 5n ** BigInt(-power)}e${power}`
}

const positive = fc.bigInt({ min: 1n, max: 0x7fefffffffffffffn }).map(doubleOf)

test('doubles are rounded as JSON.parse rounds, in every notation', () => {
  const kernel = new JsonKernel(one('float64'), column('float64'))
  fc.assert(
    fc.property(positive, fc.nat(20), (value, n) => {
      assertDouble(kernel, JSON.stringify(value))
      assertDouble(kernel, value.toExponential(n))
      assertDouble(kernel, `-${value.toPrecision(n + 1)}`)
      if (value > 1e-20 && value < 1e20) assertDouble(kernel, value.toFixed(n))
    }),
    { numRuns: 5000 },
  )
  fc.assert(
    fc.property(numberText, (text) => assertDouble(kernel, text)),
    { numRuns: 5000 },
  )
})

test('points half-way between two doubles, and next to them, go to the right one', () => {
  const kernel = new JsonKernel(one('float64'), column('float64'))
  const check = (value: number) => {
    const half = exactText(value, true)
    assertDouble(kernel, half)
    assertDouble(kernel, exactText(value, false))
    const [digits, exponent = '0'] = half.split('e')
    const power = Number(exponent)
    assertDouble(kernel, `${digits}0000000000000000001e${power - 19}`)
    assertDouble(kernel, `${BigInt(digits) - 1n}${'9'.repeat(19)}e${power - 19}`)
    assertDouble(kernel, `${digits.slice(0, 1)}.${digits.slice(1)}0e${power + digits.length - 1}`)
    // As near to half-way as 17 to 20 digits come.
    for (let n = 17; n <= 20; n++)
      assertDouble(kernel, `${digits.slice(0, n)}e${power + Math.max(0, digits.length - n)}`)
  }
  fc.assert(fc.property(positive, check), { numRuns: 1500 })
  // Half-way points of 64 bits: only there can a short text be a tie.
  const short = fc.tuple(
    fc.bigInt({ min: 2n ** 52n, max: 2n ** 53n - 1n }),
    fc.integer({ min: -4, max: 23 }),
  )
  fc.assert(
    fc.property(short, ([m, e]) => {
      const twice = 2n * m + 1n
      assertDouble(kernel, e < 0 ? `${twice}e${e}` : `${twice * 5n ** BigInt(e)}e${-e}`)
      assertDouble(kernel, `${twice}e${e}`)
    }),
    { numRuns: 2000 },
  )
})

test('subnormal, smallest, largest and overlong numbers', () => {
  const kernel = new JsonKernel(one('float64'), column('float64'))
  const subnormal = fc.bigInt({ min: 1n, max: 2n ** 53n }).map(doubleOf)
  fc.assert(
    fc.property(subnormal, (value) => {
      assertDouble(kernel, JSON.stringify(value))
      assertDouble(kernel, exactText(value, true))
    }),
    { numRuns: 1000 },
  )
  for (const text of [
    '5e-324',
    '2.4703282292062327208e-324',
    '2.4703282292062327209e-324',
    '2.2250738585072011e-308',
    '2.2250738585072014e-308',
    '1.7976931348623157e308',
    '1.7976931348623158e308',
    '1.7976931348623159e308',
    '179769313486231580793e289',
    '1e309',
    '-1e309',
    '1e-999999999999999999',
    '0e999999999999999999',
    '-0.0',
    '0.1',
    '123456789012345678901234567890',
    '8.5e22',
    '9007199254740993',
    '9007199254740993.0000000000000000001',
    '18446744073709551615',
    '18446744073709551616',
    `0.${'0'.repeat(400)}1e401`,
    `1${'0'.repeat(400)}e-400`,
    `0.${'0'.repeat(2000)}1`,
    '9'.repeat(400),
    `0.${'3'.repeat(2000)}`,
    `${'1'.repeat(30)}.${'1'.repeat(30)}e-30`,
  ])
    assertDouble(kernel, text)
})

test('what is no number token is refused, read or not', () => {
  for (const text of [
    '01',
    '-',
    '-01',
    '+1',
    '.5',
    '1.',
    '1.e3',
    '1e',
    '1e+',
    '0x10',
    '1_000',
    'NaN',
    'Infinity',
    '-Infinity',
    '1 2',
    '--1',
    '1e1.5',
    '00',
    '1.2.3',
    '1..2',
    '0e',
    '-.5',
    '1a',
    '123456789012345678901.',
    '12345678901234567890e',
  ]) {
    const value = Buffer.from(`{"v":${text}}`)
    for (const type of ['float64', 'int64', 'integer'] as const)
      assert.equal(new JsonKernel(one(type), column(type)).extract(value), 1, `${type} ${text}`)
    assert.equal(new JsonKernel(one('float64'), []).extract(value), 1, text)
  }
})

test('int64 keeps its digits in every notation', () => {
  const kernel = new JsonKernel(one('int64'), column('int64'))
  const check = (text: string) => {
    const expected = parseInt64(text)
    assert.equal(kernel.extract(Buffer.from(`{"v":${text}}`)), expected === undefined ? 5 : 0, text)
    if (expected !== undefined) assert.equal(kernel.values()[0], expected, text)
  }
  fc.assert(fc.property(numberText, check), { numRuns: 5000 })
  const edge = fc.tuple(
    fc.constantFrom(2n ** 63n, 10n ** 18n, 10n ** 19n, 0n, 2n ** 53n),
    fc.bigInt({ min: -20n, max: 20n }),
    fc.nat(25),
    fc.boolean(),
  )
  fc.assert(
    fc.property(edge, ([base, delta, n, minus]) => {
      const digits = (base + delta < 0n ? 0n : base + delta).toString()
      const sign = minus ? '-' : ''
      check(`${sign}${digits}`)
      check(`${sign}${digits}.${'0'.repeat(n + 1)}`)
      if (digits !== '0') check(`${sign}${digits}${'0'.repeat(n)}e-${n}`)
      check(`${sign}${digits.slice(0, 1)}.${digits.slice(1)}0e${digits.length - 1}`)
      check(`${sign}0.${'0'.repeat(n)}${digits}E+${digits.length + n}`)
      check(`${sign}${digits}.${'0'.repeat(n)}1`)
    }),
    { numRuns: 2000 },
  )
})

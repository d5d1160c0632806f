import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseDecimal, parseInt64, parseTimestamp } from '../../src/record/scalar_text.ts'

test('ISO times are milliseconds since the epoch, in UTC unless they say otherwise', () => {
  const good: [string, number][] = [
    ['1970-01-01', 0],
    ['1970-01-01T00:00', 0],
    ['1970-01-01T00:00Z', 0],
    ['1970-01-01T00:00:01', 1000],
    ['1970-01-01T00:00:00.1Z', 100],
    ['1970-01-01T00:00:00.12Z', 120],
    ['1970-01-01T00:00:00.123456789Z', 123],
    ['1970-01-01T00:00:00.0009', 0],
    ['1969-12-31T23:59:59.999Z', -1],
    ['1970-01-01T01:30:00+01:30', 0],
    ['1969-12-31T19:00:00-05:00', 0],
    ['2024-02-29T12:00:00Z', Date.UTC(2024, 1, 29, 12)],
    ['2000-02-29', Date.UTC(2000, 1, 29)],
    ['0000-01-01', -62_167_219_200_000],
    ['9999-12-31T23:59:59.999Z', 253_402_300_799_999],
  ]
  for (const [text, ms] of good) assert.equal(parseTimestamp(text), ms, text)
})

test('what is no ISO time is NaN', () => {
  const bad = [
    '',
    '1970',
    '1970-01',
    '1970-1-1',
    '1970-01-00',
    '1970-13-01',
    '1970-00-01',
    '2023-02-29',
    '1900-02-29',
    '2024-04-31',
    '1970-01-01 00:00:00',
    '1970-01-01T',
    '1970-01-01T00',
    '1970-01-01T24:00:00',
    '1970-01-01T00:60:00',
    '1970-01-01T00:00:60',
    '1970-01-01T00:00:00.',
    '1970-01-01T00:00:00.Z',
    '1970-01-01T00:00:00z',
    '1970-01-01t00:00:00Z',
    '1970-01-01T00:00:00Zx',
    '1970-01-01T00:00:00+0100',
    '1970-01-01T00:00:00+01',
    '1970-01-01T00:00:00+24:00',
    '1970-01-01T00:00:00+01:60',
    '1970-01-01T00:00:00+01:00 ',
    '1970-01-01Z',
    '+1970-01-01',
    ' 1970-01-01',
    '1970-01-01\u0000',
    '١٩٧٠-01-01',
    '1700000000000',
  ]
  for (const text of bad) assert.equal(parseTimestamp(text), Number.NaN, text)
})

test('every Date of the years 0 to 9999 comes back from its ISO text', () => {
  const ms = fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 })
  fc.assert(fc.property(ms, (at) => parseTimestamp(new Date(at).toISOString()) === at))
})

test('int64 takes every digit and refuses fractions and what needs more than 64 bits', () => {
  const good: [string, bigint][] = [
    ['0', 0n],
    ['-0', 0n],
    ['0e99999999999999999999', 0n],
    ['0.000', 0n],
    ['1e3', 1000n],
    ['1E+3', 1000n],
    ['10.0', 10n],
    ['1.50e1', 15n],
    ['1500e-2', 15n],
    ['9007199254740993', 9_007_199_254_740_993n],
    ['9223372036854775807', 2n ** 63n - 1n],
    ['-9223372036854775808', -(2n ** 63n)],
    ['92233720368547758.07e2', 2n ** 63n - 1n],
    [`1${'0'.repeat(400)}e-400`, 1n],
  ]
  for (const [token, value] of good) assert.equal(parseInt64(token), value, token)
  const bad = ['1.5', '1e-1', '9223372036854775808', '-9223372036854775809', '1e19', '1e400', '']
  for (const token of [...bad, '1e99999999999999999999', '0.99999999999999999999', 'x', '1n', '-'])
    assert.equal(parseInt64(token), undefined, token)
  fc.assert(fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (n) => parseInt64(`${n}`) === n))
})

test('decimals keep their digits and lose their exponent', () => {
  const good: [string, string][] = [
    ['0', '0'],
    ['-0', '0'],
    ['-0.00', '0.00'],
    ['1.20', '1.20'],
    ['007.5', '7.5'],
    ['12e3', '12000'],
    ['1.25e1', '12.5'],
    ['1.25e2', '125'],
    ['1.25e5', '125000'],
    ['125e-2', '1.25'],
    ['1e-3', '0.001'],
    ['-12.5E-3', '-0.0125'],
    ['123456789012345678901234567890.123', '123456789012345678901234567890.123'],
  ]
  for (const [text, canonical] of good) assert.equal(parseDecimal(text), canonical, text)
  const bad = ['', 'NaN', 'Infinity', '-', '.5', '5.', '+1', '1e', '0x1', ' 1', '1e1001', '1e-1001']
  for (const text of [...bad, '9'.repeat(1001), '1e1000'])
    assert.equal(parseDecimal(text), undefined, text)
})

test('a number of millions of digits is read in linear time', () => {
  const zeros = '0'.repeat(2_000_000)
  assert.equal(parseInt64(`1${zeros}1`), undefined)
  assert.equal(parseInt64(`1.${zeros}`), 1n)
})

// Scalars whose JSON text says more than the number that JSON.parse makes of it: ISO times, exact
// 64-bit integers, exact decimals. Pure functions of ASCII text, which the kernels mirror.

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** Longest decimal text, before and after its exponent is written out. */
const DECIMAL_CHARACTERS_MAX = 1000

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

/** Two digits at `at`, or NaN. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48
  const ones = text.charCodeAt(at + 1) - 48
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN
}

function daysInMonth(year: number, month: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  return month === 2 && leap ? 29 : DAYS[month - 1]
}

/**
 * Milliseconds since the epoch of an ISO-8601 date `YYYY-MM-DD` or date-time
 * `YYYY-MM-DDTHH:MM[:SS[.fraction]][Z|±HH:MM]`; NaN for anything else. Without an offset the time
 * is UTC, wherever the program runs; digits of the fraction beyond the third are cut off.
 */
export function parseTimestamp(text: string): number {
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2)
  const month = twoDigits(text, 5)
  const day = twoDigits(text, 8)
  if (text[4] !== '-' || text[7] !== '-') return Number.NaN
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month))) return Number.NaN
  const time = text.length === 10 ? 0 : parseTime(text)
  // Date.UTC takes years 0 to 99 for 1900 to 1999: count from a year 400 later (146,097 days).
  return Date.UTC(year + 400, month - 1, day) - 146_097 * 86_400_000 + time
}

/** The part from `T` on, in ms, its offset taken off; NaN if it is not one. */
function parseTime(text: string): number {
  const hour = twoDigits(text, 11)
  const minute = twoDigits(text, 14)
  if (text[10] !== 'T' || text[13] !== ':' || !(hour <= 23 && minute <= 59)) return Number.NaN
  let ms = hour * 3_600_000 + minute * 60_000
  let at = 16
  if (text[at] === ':') {
    const second = twoDigits(text, at + 1)
    if (!(second <= 59)) return Number.NaN
    ms += second * 1000
    at += 3
    if (text[at] === '.') {
      const start = at + 1
      let unit = 100
      for (at = start; text.charCodeAt(at) >= 48 && text.charCodeAt(at) <= 57; at++) {
        if (unit >= 1) ms += (text.charCodeAt(at) - 48) * unit
        unit = unit === 1 ? 0 : unit / 10
      }
      if (at === start) return Number.NaN
    }
  }
  return ms - parseOffset(text, at)
}

function parseOffset(text: string, at: number): number {
  if (at === text.length) return 0
  if (text[at] === 'Z') return at + 1 === text.length ? 0 : Number.NaN
  const sign = text[at] === '+' ? 1 : text[at] === '-' ? -1 : Number.NaN
  const hours = twoDigits(text, at + 1)
  const minutes = twoDigits(text, at + 4)
  if (text[at + 3] !== ':' || at + 6 !== text.length || !(hours <= 23 && minutes <= 59))
    return Number.NaN
  return sign * (hours * 3_600_000 + minutes * 60_000)
}

const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/

/**
 * The 64-bit integer that a JSON number token stands for: every digit counts, `1e3` and `10.0` are
 * integers, `-0` is 0. Undefined for a fraction, a number out of range and any other text.
 */
export function parseInt64(token: string): bigint | undefined {
  const parts = NUMBER.exec(token)
  if (parts === null) return undefined
  const [, sign, whole, fraction = '', exponent = '0'] = parts
  const digits = `${whole}${fraction}`
  let start = 0
  while (digits[start] === '0') start++
  if (start === digits.length) return 0n
  let end = digits.length
  while (digits[end - 1] === '0') end--
  const significant = digits.slice(start, end)
  // Power of ten of the last significant digit; an exponent too long for a double is ±Infinity.
  const power = Number(exponent) - fraction.length + (digits.length - end)
  if (power < 0 || significant.length + power > 19) return undefined
  const value = BigInt(`${sign}${significant}${'0'.repeat(power)}`)
  return value >= INT64_MIN && value <= INT64_MAX ? value : undefined
}

/** Whether a bigint fits 64 bits. */
export function isInt64(value: bigint): boolean {
  return value >= INT64_MIN && value <= INT64_MAX
}

/**
 * Canonical text of a decimal number: no exponent, no leading zeros, no sign of zero; the digits
 * after the point stay as written (`1.20` is not `1.2`). Undefined for any other text and for what
 * takes more than 1,000 characters.
 */
export function parseDecimal(text: string): string | undefined {
  if (text.length > DECIMAL_CHARACTERS_MAX) return undefined
  const parts = NUMBER.exec(text)
  if (parts === null) return undefined
  const [, sign, whole, fraction = '', exponent = '0'] = parts
  const shift = Number(exponent)
  if (Math.abs(shift) > DECIMAL_CHARACTERS_MAX) return undefined
  let digits = `${whole}${fraction}`
  let point = whole.length + shift
  if (point < 1) {
    digits = `${'0'.repeat(1 - point)}${digits}`
    point = 1
  }
  digits = digits.padEnd(point, '0')
  const left = digits.slice(0, point).replace(/^0+(?=\d)/, '')
  const right = digits.slice(point)
  const number = right === '' ? left : `${left}.${right}`
  const canonical = /[1-9]/.test(number) ? `${sign}${number}` : number
  return canonical.length > DECIMAL_CHARACTERS_MAX ? undefined : canonical
}

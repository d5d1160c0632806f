// ISO-8601 times in the forms that most producers write: YYYY-MM-DDTHH:MM:SS, a fraction or none,
// then Z, an offset ±HH:MM, or nothing (UTC).

/** Milliseconds since the epoch; NaN for every other form, and for times that do not exist. */
export function isoTime(p: usize, end: usize): f64 {
  if (end - p < 19) return NaN
  // Digits in their places, separators in theirs.
  const date = i8x16.sub(
    v128.load(p),
    i8x16(48, 48, 48, 48, 45, 48, 48, 45, 48, 48, 84, 48, 48, 58, 48, 48),
  )
  const limits = i8x16(9, 9, 9, 9, 0, 9, 9, 0, 9, 9, 0, 9, 9, 0, 9, 9)
  if (!i8x16.all_true(i8x16.le_u(date, limits)) || load<u8>(p, 16) != 0x3a) return NaN
  const seconds = twoDigits(p + 17)
  const year = twoDigits(p) * 100 + twoDigits(p + 2)
  const month = twoDigits(p + 5)
  const day = twoDigits(p + 8)
  const hours = twoDigits(p + 11)
  const minutes = twoDigits(p + 14)
  if (month - 1 > 11 || day - 1 >= daysInMonth(year, month)) return NaN
  if (hours > 23 || minutes > 59 || seconds > 59) return NaN
  let at = p + 19
  let ms: i32 = 0
  if (at < end && load<u8>(at) == 0x2e) {
    const fraction = ++at
    let unit: u32 = 100
    for (; at < end && <u32>load<u8>(at) - 48 <= 9; at++) {
      ms += (<u32>load<u8>(at) - 48) * unit
      unit /= 10
    }
    if (at == fraction) return NaN
  }
  ms += ((hours * 60 + minutes) * 60 + seconds) * 1000
  return <f64>daysSinceEpoch(year, month, day) * 86400000 + <f64>ms - offset(at, end)
}

/** Milliseconds of what follows the time, NaN if that is no offset. */
function offset(p: usize, end: usize): f64 {
  if (p == end) return 0
  const sign: u32 = load<u8>(p)
  if (end - p == 1) return sign == 0x5a ? 0 : NaN
  const hours = twoDigits(p + 1)
  const minutes = twoDigits(p + 4)
  if (end - p != 6 || load<u8>(p, 3) != 0x3a || hours > 23 || minutes > 59) return NaN
  const ms = <f64>((hours * 60 + minutes) * 60000)
  return sign == 0x2b ? ms : sign == 0x2d ? -ms : NaN
}

/** Large if one of the two is no digit. */
function twoDigits(p: usize): u32 {
  const tens = <u32>load<u8>(p) - 48
  const ones = <u32>load<u8>(p, 1) - 48
  return tens <= 9 && ones <= 9 ? tens * 10 + ones : 1000
}

function daysInMonth(year: u32, month: u32): u32 {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
  return 30 + ((month ^ (month >> 3)) & 1)
}

/** Of the proleptic Gregorian calendar, years counted from March so that a leap day comes last. */
function daysSinceEpoch(year: u32, month: u32, day: u32): i32 {
  const y = <i32>year - i32(month <= 2) + 400
  const dayOfYear = (153 * ((<i32>month + 9) % 12) + 2) / 5 + <i32>day - 1
  return y * 365 + y / 4 - y / 100 + y / 400 + dayOfYear - 146097 - 719468
}

// Two elements of a column at a time, as float64 whatever the column's type. Used by the column
// kernels beside this file.

/** Elements `index` and `index + 1`. */
// @ts-ignore: decorator
@inline
export function pair<T>(x: usize, index: usize): v128 {
  if (sizeof<T>() == 8) return v128.load(x + (index << 3))
  return f64x2.promote_low_f32x4(v128.load64_zero(x + (index << 2)))
}

/** The same among the last `count` elements: +0 beyond them, which is not read. */
export function restPair<T>(x: usize, count: usize, index: usize): v128 {
  if (count >= index + 2) return pair<T>(x, index)
  if (count <= index) return f64x2.splat(0)
  return f64x2.replace_lane(f64x2.splat(0), 0, element<T>(x, index))
}

/** All bits of the lanes that are among the last `count` elements. */
// @ts-ignore: decorator
@inline
export function restMask(count: usize, index: usize): v128 {
  const lanes = i64x2.replace_lane(i64x2.splat(<i64>index), 1, <i64>index + 1)
  return i64x2.lt_s(lanes, i64x2.splat(<i64>count))
}

// @ts-ignore: decorator
@inline
export function element<T>(x: usize, index: usize): f64 {
  return <f64>load<T>(x + index * sizeof<T>())
}

// @ts-ignore: decorator
@inline
export function setElement<T>(x: usize, index: usize, value: f64): void {
  store<T>(x + index * sizeof<T>(), <T>value)
}

/** Stores two elements, rounded to the column's type. */
// @ts-ignore: decorator
@inline
export function setPair<T>(x: usize, index: usize, value: v128): void {
  if (sizeof<T>() == 8) v128.store(x + (index << 3), value)
  else v128.store64_lane(x + (index << 2), f32x4.demote_f64x2_zero(value), 0)
}

/** Sixteen stripes become one sum, as reference.ts says. */
// @ts-ignore: decorator
@inline
export function joined(
  s0: v128, s1: v128, s2: v128, s3: v128, s4: v128, s5: v128, s6: v128, s7: v128,
): f64 {
  s0 = f64x2.add(f64x2.add(s0, s4), f64x2.add(s2, s6))
  s1 = f64x2.add(f64x2.add(s1, s5), f64x2.add(s3, s7))
  s0 = f64x2.add(s0, s1)
  return f64x2.extract_lane(s0, 0) + f64x2.extract_lane(s0, 1)
}

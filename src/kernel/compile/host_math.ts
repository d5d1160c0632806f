// Math.hypot as V8 computes it, step by step: asked of the host it costs several times as much as
// its arithmetic. Another engine, or another V8, may do it in another way, and is asked instead.
// Called by the lowering of Math.
const samples = [0, 3, -4, 1e-3, 0.1, 7.7, 1e200, 1e-200, 123456.789, 5e-324, Infinity, NaN]

let isKnown: boolean | undefined

/** Whether the functions of the library give what the host's Math.hypot gives. */
export function isHypotKnown(): boolean {
  isKnown ??= samples.every((x) =>
    samples.every(
      (y) =>
        Object.is(hypot2(x, y), Math.hypot(x, y)) &&
        samples.every((z) => Object.is(hypot3(x, y, z), Math.hypot(x, y, z))),
    ),
  )
  return isKnown
}

/** The same as in library.ts. */
function hypot2(x: number, y: number): number {
  const a = Math.abs(x)
  const b = Math.abs(y)
  if (a === Infinity || b === Infinity) return Infinity
  const most = Math.max(a, b)
  if (!(most > 0)) return most
  const p = a / most
  const q = b / most
  return Math.sqrt(p * p + q * q) * most
}

function hypot3(x: number, y: number, z: number): number {
  const a = Math.abs(x)
  const b = Math.abs(y)
  const c = Math.abs(z)
  if (a === Infinity || b === Infinity || c === Infinity) return Infinity
  const most = Math.max(a, b, c)
  if (!(most > 0)) return most
  const p = a / most
  const q = b / most
  const r = c / most
  const first = p * p
  const sum = first + q * q
  const lost = sum - first - q * q
  return Math.sqrt(sum + (r * r - lost)) * most
}

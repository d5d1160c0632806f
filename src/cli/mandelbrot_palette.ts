// Palettes for pictures of escape times: cycles of colours, mixed where the eye sees even steps.
// Used by mandelbrot_picture.ts.

type Triple = readonly [number, number, number]

/** Each a closed cycle, from the far outside inwards. */
const palettes = {
  night: ['#080c1f', '#163a7a', '#3f8fcf', '#d7f2fb', '#fff1c9', '#f2a33a', '#8f2d23', '#2a0f2e'],
  ice: ['#030b17', '#0a3350', '#12798f', '#7fd6d2', '#f4fffb', '#8fb7e6', '#3d4fa8', '#150f3d'],
  ember: ['#0d0406', '#45101a', '#9c2517', '#e8642b', '#ffd07a', '#fff8e6', '#a9818a', '#33202f'],
  meadow: ['#06130f', '#0f4238', '#2f8f5b', '#b5d96b', '#fbf7c6', '#e7b065', '#8a5a4b', '#26202b'],
  grey: ['#0a0a0a', '#5c5c5c', '#f2f2f2', '#8a8a8a'],
} as const

export type PaletteName = keyof typeof palettes

export const paletteNames = Object.keys(palettes) as PaletteName[]

/** Colours of a cycle in the table. */
export const PALETTE_SIZE = 2048

/** The cycle as PALETTE_SIZE colours of three bytes. */
export function paletteTable(name: PaletteName): Uint8Array {
  const stops = palettes[name].map((hex) => toLab(fromHex(hex)))
  const table = new Uint8Array(PALETTE_SIZE * 3)
  for (let k = 0; k < PALETTE_SIZE; k++) {
    const at = (k / PALETTE_SIZE) * stops.length
    const first = Math.floor(at)
    const [a, b, c, d] = [-1, 0, 1, 2].map(
      (by) => stops[(first + by + stops.length) % stops.length],
    )
    const mixed = [0, 1, 2].map((i) => spline(a[i], b[i], c[i], d[i], at - first))
    table.set(toBytes(mixed as unknown as Triple), k * 3)
  }
  return table
}

/** Catmull–Rom: passes through b and c without a corner. */
function spline(a: number, b: number, c: number, d: number, t: number): number {
  const slope = c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a))
  return b + 0.5 * t * slope
}

function fromHex(hex: string): Triple {
  const value = Number.parseInt(hex.slice(1), 16)
  return [value >> 16, (value >> 8) & 255, value & 255].map((byte) => {
    const part = byte / 255
    return part <= 0.040_45 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  }) as unknown as Triple
}

/** Linear light to OKLab (Björn Ottosson, 2020), in which equal distances look equal. */
function toLab([r, g, b]: Triple): Triple {
  const l = Math.cbrt(0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b)
  const m = Math.cbrt(0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b)
  const s = Math.cbrt(0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b)
  return [
    0.210_454_255_3 * l + 0.793_617_785 * m - 0.004_072_046_8 * s,
    1.977_998_495_1 * l - 2.428_592_205 * m + 0.450_593_709_9 * s,
    0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766 * s,
  ]
}

function toBytes([light, a, b]: Triple): Triple {
  const l = (light + 0.396_337_777_4 * a + 0.215_803_757_3 * b) ** 3
  const m = (light - 0.105_561_345_8 * a - 0.063_854_172_8 * b) ** 3
  const s = (light - 0.089_484_177_5 * a - 1.291_485_548 * b) ** 3
  return [
    toByte(4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s),
    toByte(-1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s),
    toByte(-0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701 * s),
  ]
}

function toByte(linear: number): number {
  const part = Math.min(1, Math.max(0, linear))
  const gamma = part <= 0.003_130_8 ? 12.92 * part : 1.055 * part ** (1 / 2.4) - 0.055
  return Math.round(gamma * 255)
}

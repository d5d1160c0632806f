// Pictures in a terminal: two pixels a character, the upper one as the colour of a half block, the
// lower one as what is behind it.
import type { Picture } from './mandelbrot_picture.ts'

/** Bits of colour that a terminal knows: 24, 8, or less for none. */
export type ColorDepth = number

const RESET = '\x1b[0m'
/** From dark to light, where there are no colours. */
const shades = ' .:-=+*#%@'

/** Lines of the picture, each with a line feed; its height is even. */
export function paintScreen(picture: Picture, depth: ColorDepth): string {
  const { width, height } = picture
  let text = ''
  for (let row = 0; row + 1 < height; row += 2) {
    let last = ''
    for (let column = 0; column < width; column++) {
      const upper = pixelAt(picture, row, column)
      const lower = pixelAt(picture, row + 1, column)
      if (depth < 8) {
        text += shadeOf(upper, lower)
        continue
      }
      const colors = `\x1b[38;${colorOf(upper, depth)};48;${colorOf(lower, depth)}m`
      text += `${colors === last ? '' : colors}▀`
      last = colors
    }
    text += depth < 8 ? '\n' : `${RESET}\n`
  }
  return text
}

type Pixel = readonly [number, number, number]

function pixelAt({ width, rgb }: Picture, row: number, column: number): Pixel {
  const at = 3 * (row * width + column)
  return [rgb[at], rgb[at + 1], rgb[at + 2]]
}

function colorOf([r, g, b]: Pixel, depth: ColorDepth): string {
  if (depth >= 24) return `2;${r};${g};${b}`
  const [red, green, blue] = [r, g, b].map(levelOf)
  return `5;${16 + 36 * red + 6 * green + blue}`
}

/** The nearest of the six levels 0, 95, 135, … 255. */
function levelOf(byte: number): number {
  return byte < 48 ? 0 : byte < 115 ? 1 : Math.floor((byte - 35) / 40)
}

function shadeOf(upper: Pixel, lower: Pixel): string {
  const light = [...upper, ...lower].reduce((sum, byte) => sum + byte, 0) / (6 * 256)
  return shades[Math.floor(light * shades.length)]
}

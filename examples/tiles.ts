// A picture of the Mandelbrot set from a topic of tiles: agents compute the tiles in the threads of
// the kernels, their pixels go to a topic, a table keeps them, and when it has all of them the
// picture is written. Ends by itself. It may be killed and started again: what is in the table
// stays, and a tile that is computed twice gives the same pixels twice.
//   npx euphorion worker -A tiles.ts            # writes tiles.png
//   npx euphorion table pixels -A tiles.ts      # the pixels, afterwards
// In a clone of Euphorion: node dist/examples/tiles.js worker
import { writeFile } from 'node:fs/promises'
import { App, float64, integer, max, record } from 'euphorion'
import { mandelbrot } from 'euphorion/kernels'
import { encode } from 'fast-png'

const width = 320
const height = 240
const side = 80
const iterations = 500
const region = { xFrom: -2.5, xTo: 0.5, yFrom: -1.125, yTo: 1.125 }

// With a Kafka: --broker kafka://localhost:9092
export const app = new App('tiles', { broker: 'embedded:./data' })

const Region = record('Region', {
  xFrom: float64(),
  xTo: float64(),
  yFrom: float64(),
  yTo: float64(),
})
const Tile = record('Tile', {
  tile: integer(),
  /** The pixel that it begins at. */
  left: integer(),
  bottom: integer(),
  size: integer(),
  region: Region,
  iterations: integer(),
})
const Pixel = record('Pixel', { x: integer(), y: integer(), count: integer() })

const tiles = app.topic('tiles', { key: integer(), value: Tile, keyedBy: 'tile' })
const pixels = app.topic('tile-pixels', { key: integer(), value: Pixel, keyedBy: 'x' })

// Two tiles of a partition at a time: while one waits for its pixels to be stored, the threads have
// the other. The loop acknowledges a tile when it asks for the next one, so none is lost.
app.agent(
  tiles,
  async (stream) => {
    for await (const { left, bottom, size, region, iterations } of stream) {
      const count = await mandelbrot({ nx: size, ny: size, iterations, region })
      const x = Int32Array.from(count, (_, i) => left + Math.floor(i / size))
      const y = Int32Array.from(count, (_, i) => bottom + (i % size))
      await pixels.sendMany({ value: { x, y, count } })
    }
  },
  { concurrency: 2 },
)

// max, because the pixels of a tile that was computed twice are the same ones.
const table = app
  .stream(pixels)
  .keyBy('x', 'y')
  .aggregate('pixels', (v) => ({ count: max(v.count) }))

/** The tiles of the picture; neighbours share no pixel. */
function* allTiles() {
  const dx = (region.xTo - region.xFrom) / (width - 1)
  const dy = (region.yTo - region.yFrom) / (height - 1)
  let tile = 0
  for (let left = 0; left < width; left += side)
    for (let bottom = 0; bottom < height; bottom += side) {
      const xFrom = region.xFrom + left * dx
      const yFrom = region.yFrom + bottom * dy
      const part = { xFrom, xTo: xFrom + (side - 1) * dx, yFrom, yTo: yFrom + (side - 1) * dy }
      yield { value: { tile: tile++, left, bottom, size: side, region: part, iterations } }
    }
}

let isAsked = false
app.timer('ask for the tiles', '10ms', async () => {
  if (isAsked) return
  isAsked = true
  await tiles.sendMany([...allTiles()])
})

app.timer('picture', '250ms', async () => {
  // grey by the steps, rows from the top
  const data = new Uint8Array(width * height)
  let found = 0
  for await (const { key, count } of table) {
    const steps = count ?? 0
    found++
    data[(height - 1 - key.y) * width + key.x] =
      steps === iterations ? 0 : 255 * (1 - Math.log1p(steps) / Math.log1p(iterations))
  }
  console.log(`${found} of ${width * height} pixels`)
  if (found < width * height) return
  await writeFile('tiles.png', encode({ width, height, data, channels: 1 }))
  console.log('tiles.png')
  void app.stop()
})

await app.main(import.meta)

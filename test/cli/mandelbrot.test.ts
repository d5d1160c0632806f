// `euphorion mandelbrot`: the hash of every backend, pictures the right way up, the comparison, and
// what a terminal is shown.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { decode } from 'fast-png'
import { PALETTE_SIZE, paletteNames, paletteTable } from '../../src/cli/mandelbrot_palette.ts'
import { paintPicture, shrinkPicture } from '../../src/cli/mandelbrot_picture.ts'
import { paintScreen } from '../../src/cli/mandelbrot_screen.ts'
import { regionAround } from '../../src/cli/mandelbrot_view.ts'
import { checkShape } from '../../src/kernel/mandelbrot/shape.ts'
import { nativeAddon } from '../../src/kernel/native.ts'
import { backends, hashOf, plainCounts, textbook } from '../support/mandelbrot.ts'
import { euphorion, newDirectory, runNode } from '../support/program.ts'

describe('euphorion mandelbrot', { timeout: 240_000 }, () => {
  for (const backend of backends) {
    test(`--json has the hash of the textbook's counts, ${backend}`, async (t) => {
      const cwd = await newDirectory()
      const line = `mandelbrot --size 320x240 --iterations 255 --backend ${backend} --threads 1 --json`
      const { code, out, err } = await runNode(t, [euphorion, ...line.split(' ')], { cwd })
      assert.equal(code, 0, err)
      const { ms, instructionSet, ...facts } = JSON.parse(out)
      assert.deepEqual(facts, {
        size: '320x240',
        iterations: 255,
        region: { xFrom: -2.5, xTo: 0.5, yFrom: -1.2, yTo: 1.2 },
        backend,
        threads: 1,
        shortcuts: backend !== 'js',
        steps: 4_393_770,
        sha256: textbook.small.sha256,
      })
      assert.ok(ms > 0)
      const native = nativeAddon()?.instructionSet
      assert.equal(instructionSet, { js: 'scalar', wasm: 'simd128', native }[backend])
      assert.equal(out.split('\n').length, 2)
    })
  }

  test('another region, without shortcuts', async (t) => {
    const cwd = await newDirectory()
    const region = { xFrom: -0.75, xTo: -0.74, yFrom: 0.1, yTo: 0.11 }
    const line = 'mandelbrot --size 31x47 --iterations 300 --no-shortcuts --json --region'
    const args = [euphorion, ...line.split(' '), Object.values(region).join(',')]
    const { code, out, err } = await runNode(t, args, { cwd })
    assert.equal(code, 0, err)
    const facts = JSON.parse(out)
    assert.equal(facts.sha256, hashOf(plainCounts({ nx: 31, ny: 47, iterations: 300, region })))
    assert.equal(facts.shortcuts, false)
  })

  test('native without an addon says so', async (t) => {
    const cwd = await newDirectory()
    const env = { EUPHORION_NATIVE: '0' }
    const args = [euphorion, 'mandelbrot', '--backend', 'native', '--json']
    const { code, out, err } = await runNode(t, args, { cwd, env })
    assert.deepEqual([code, out], [1, ''])
    assert.match(err, /^NATIVE_UNAVAILABLE: backend 'native': .*EUPHORION_NATIVE/)
  })

  test('-o writes a PNG with x to the right and y up, which tells where it is from', async (t) => {
    const cwd = await newDirectory()
    const line = 'mandelbrot --size 60x40 --region -2,1,-0.2,1.3 --iterations 200 -o out.png'
    const { code, out, err } = await runNode(t, [euphorion, ...line.split(' ')], { cwd })
    assert.equal(code, 0, err)
    assert.match(out, /^60 × 40, 200 iterations: .* ms by \w+ \(\w+\) on /)
    assert.match(out, /Written to out\.png/)
    const png = decode(readFileSync(join(cwd, 'out.png')))
    assert.deepEqual([png.width, png.height, png.channels, png.depth], [60, 40, 3, 8])
    const isBlack = (x: number, y: number): boolean => {
      const column = Math.round(((x + 2) / 3) * 59)
      const row = Math.round(((1.3 - y) / 1.5) * 39)
      const at = 3 * (row * 60 + column)
      return png.data.subarray(at, at + 3).every((byte) => byte === 0)
    }
    assert.ok(isBlack(-0.1, 0.2) && isBlack(-1, 0.1) && isBlack(-0.12, 0.75))
    assert.ok(!isBlack(0.9, 0.1) && !isBlack(-1.9, 1.2) && !isBlack(0.9, 1.2))
    assert.equal(png.text.Description, '--size 60x40 --iterations 200 --region -2,1,-0.2,1.3')
  })

  test('--compare has a row for each backend and number of threads, all identical', async (t) => {
    const cwd = await newDirectory()
    const line = 'mandelbrot --compare --size 90x70 --iterations 60 --threads 2 --runs 2'
    const args = [euphorion, ...line.split(' ')]
    // programs are started without the environment's settings
    const env = nativeAddon() === undefined ? { EUPHORION_NATIVE: '0' } : undefined
    const { code, out, err } = await runNode(t, [...args, '--json'], { cwd, env })
    assert.equal(code, 0, err)
    const rows = out
      .trim()
      .split('\n')
      .map((row) => JSON.parse(row))
    assert.deepEqual(
      [rows[0].backend, rows[0].threads, rows[0].ratio, rows[0].runs],
      ['js', 1, 1, 2],
    )
    for (const backend of backends) {
      for (const threads of [1, 2]) {
        assert.ok(rows.some((row) => row.backend === backend && row.threads === threads))
      }
    }
    assert.ok(rows.every((row) => row.identical && row.ms > 0 && row.ratio > 0))
    const table = await runNode(t, args, { cwd, env })
    assert.match(table.out, /^backend +instructions +shortcuts +threads +ms .*identical\n/)
    assert.match(table.out, /\nwasm +simd128 +yes +2 .* yes\n/)
    assert.equal(/^No native rows: /m.test(table.out), nativeAddon() === undefined)
  })
})

describe('pictures', () => {
  const shape = { nx: 50, ny: 30, iterations: 100 }
  const grid = checkShape(shape)
  const counts = plainCounts(shape)

  for (const palette of paletteNames) {
    test(`palette ${palette} is a cycle of small steps`, () => {
      const table = paletteTable(palette)
      for (let k = 0; k < PALETTE_SIZE; k++) {
        const next = ((k + 1) % PALETTE_SIZE) * 3
        for (let i = 0; i < 3; i++) {
          const change = Math.abs(table[k * 3 + i] - table[next + i])
          assert.ok(change <= 6, `${k}: ${change}`)
        }
      }
    })
  }

  test('points that never leave are black, others are not', () => {
    const { rgb } = paintPicture(counts, grid, 'night')
    for (let i = 0; i < 50; i++) {
      for (let j = 0; j < 30; j++) {
        const at = 3 * ((29 - j) * 50 + i)
        const isBlack = rgb.subarray(at, at + 3).every((byte) => byte === 0)
        assert.equal(isBlack, counts[i * 30 + j] === 100, `${i}, ${j}`)
      }
    }
  })

  test('colours go smoothly where the count changes by one', () => {
    const edge = { xFrom: -2.4, xTo: -1.6, yFrom: 0.9, yTo: 0.9 }
    const line = { nx: 2000, ny: 1, iterations: 50, region: edge }
    const lineCounts = plainCounts(line)
    assert.ok(new Set(lineCounts).size > 2)
    const { rgb } = paintPicture(lineCounts, checkShape(line), 'night')
    for (let at = 0; at + 3 < rgb.length; at++) {
      assert.ok(Math.abs(rgb[at] - rgb[at + 3]) <= 4, String(at))
    }
  })

  test('shrink to the mean of what each pixel covers', () => {
    const rgb = Uint8Array.from([0, 10, 20, 100, 20, 40, 50, 30, 60, 50, 40, 80])
    const small = shrinkPicture({ width: 2, height: 2, rgb }, 1, 1)
    assert.deepEqual([...small.rgb], [50, 25, 50])
    const same = shrinkPicture({ width: 2, height: 2, rgb }, 2, 2)
    assert.deepEqual(same.rgb, rgb)
  })
})

describe('in a terminal', () => {
  const picture = {
    width: 2,
    height: 2,
    rgb: Uint8Array.from([255, 0, 0, 255, 0, 0, 0, 0, 255, 0, 0, 255]),
  }

  test('two pixels are a character: the upper one before, the lower one behind', () => {
    assert.equal(paintScreen(picture, 24), '\x1b[38;2;255;0;0;48;2;0;0;255m▀▀\x1b[0m\n')
    assert.equal(paintScreen(picture, 8), '\x1b[38;5;196;48;5;21m▀▀\x1b[0m\n')
  })

  test('without colours it is light and dark', () => {
    const rgb = Uint8Array.from([0, 0, 0, 255, 255, 255, 0, 0, 0, 255, 255, 255])
    assert.equal(paintScreen({ ...picture, rgb }, 1), ' @\n')
  })
})

test('a region around a point has square pixels', () => {
  const { xFrom, xTo, yFrom, yTo } = regionAround({ x: -0.5, y: 0.25 }, 100, {
    width: 301,
    height: 101,
  })
  assert.ok(Math.abs((xTo - xFrom) / 300 - (yTo - yFrom) / 100) < 1e-15)
  assert.ok(Math.abs(yTo - yFrom - 0.024) < 1e-15)
  assert.ok(Math.abs((xFrom + xTo) / 2 + 0.5) < 1e-15)
  assert.ok(Math.abs((yFrom + yTo) / 2 - 0.25) < 1e-15)
})

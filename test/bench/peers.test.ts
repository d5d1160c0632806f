// The comparison with other tools runs at smoke size, and README.md shows what was recorded.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { mandelbrotTable } from '../../bench/peers/mandelbrot_table.ts'
import { readRows } from '../../bench/peers/results.ts'
import { replaceTable, root } from '../../bench/report/checkout.ts'
import { newDirectory } from '../support/program.ts'

const program = join(import.meta.dirname, '../../bench/peers/peers.js')

test('every peer that is there counts the same, others are left out with a reason', async () => {
  const directory = await newDirectory()
  const out = join(directory, 'rows.json')
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [program, '--only', 'mandelbrot', '--smoke', '--out', out],
    // without the packages that an --install may have left there
    { env: { ...process.env, XDG_CACHE_HOME: directory, LOCALAPPDATA: directory } },
  )
  const rows = readRows(out)
  const peers = new Set(rows.map((row) => row.peer))
  assert.ok(peers.has('euphorion js') && peers.has('euphorion wasm'))
  for (const row of rows) {
    assert.equal(row.sha256, rows[0].sha256, row.peer)
    assert.ok(row.identical && row.ms > 0 && row.version !== '', JSON.stringify(row))
    assert.match(row.date, /^\d{4}-\d\d-\d\d$/)
  }
  for (const name of ['python', 'numpy', 'numba', 'cython', 'c']) {
    const isLeftOut = new RegExp(`^${name}, 48x36x60\n {2}left out: .+`, 'm').test(stderr)
    assert.notEqual(isLeftOut, peers.has(name), `${name}: ${stderr}`)
  }
  assert.match(stdout, /\| Euphorion: plain JavaScript \| [\d.]+ \| [\d.]+ \| 1\.0 \|/)
})

test('the table in README.md is that of the recorded run', () => {
  const rows = readRows(join(root, 'bench/results/mandelbrot.json'))
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  assert.ok(replaceTable(readme, 'peers mandelbrot', mandelbrotTable(rows)) === readme)
  assert.ok(rows.every((row) => row.identical))
})

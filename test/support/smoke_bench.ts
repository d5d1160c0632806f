// Runs a bench small, and gives what it leaves. Used by test/bench.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { FigureRow } from '../../bench/report/figure.ts'

export interface SmokeRun {
  readonly stdout: string
  readonly rows: readonly FigureRow[]
  readonly svg: string
}

/** `program`: 'micro/micro', of bench/micro/micro.ts. Rejects where a bench finds a wrong answer. */
export async function smokeBench(program: string, args: readonly string[] = []): Promise<SmokeRun> {
  const out = mkdtempSync(join(tmpdir(), 'euphorion-smoke-bench-'))
  const path = join(import.meta.dirname, '../../bench', `${program}.js`)
  const words = [path, '--smoke', '--out', out, ...args]
  try {
    const { stdout } = await promisify(execFile)(process.execPath, words)
    const name = program.split('/')[0]
    const lines = readFileSync(join(out, `${name}.json`), 'utf8')
      .trim()
      .split('\n')
    const rows = lines.map((line) => JSON.parse(line) as FigureRow)
    for (const { min, median, max, ...row } of rows) {
      const text = JSON.stringify(row)
      assert.ok(min > 0 && min <= median && median <= max && Number.isFinite(max), text)
    }
    return { stdout, rows, svg: readFileSync(join(out, `${name}.svg`), 'utf8') }
  } finally {
    rmSync(out, { recursive: true, force: true })
  }
}

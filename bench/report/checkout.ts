// This checkout and the machine that it is on, as rows of results tell them.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { type Clock, systemClock } from '../../src/clock.ts'
import { packageVersion } from '../../src/package_version.ts'

/** What all rows of a run have. */
export interface Conditions {
  /** '2026-01-31' */
  readonly date: string
  /** '2 × AMD EPYC' */
  readonly cpu: string
  readonly node: string
  readonly euphorion: string
}

/** Of this checkout, wherever the program lies in it. */
export const root = findRoot(import.meta.dirname)

export function resultsFile(name: string, ending = 'json'): string {
  return join(root, 'bench/results', `${name}.${ending}`)
}

function findRoot(from: string): string {
  return existsSync(join(from, 'biome.json')) ? from : findRoot(dirname(from))
}

export function conditions(clock: Clock = systemClock): Conditions {
  return {
    date: new Date(clock.now()).toISOString().slice(0, 10),
    cpu: `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'unknown'}`,
    node: process.versions.node,
    euphorion: packageVersion(),
  }
}

/** The text with what stands between the markers of `name` replaced. */
export function replaceTable(text: string, name: string, table: string): string {
  const [begin, end] = [`<!-- ${name} -->\n`, `<!-- end of ${name} -->`]
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  assert.ok(from >= 0 && to > from, `there are no markers ${begin.trim()} and ${end}`)
  return text.slice(0, from + begin.length) + table + text.slice(to)
}

// The calibration's file: one for each machine and version, so that several may share a cache. What
// cannot be read is measured again; what cannot be written, next time. Used by calibration.ts.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { threadId } from 'node:worker_threads'
import type { ChosenBackend } from './backend.ts'
import type { Cost } from './calibration.ts'

/** What measured costs hold for. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly node: string
  readonly euphorion: string
  /** The addon's instruction set, or 'none'. */
  readonly native: string
}

export type Costs = Readonly<Partial<Record<ChosenBackend, Cost>>>

const FORMAT = 1

/** Costs by family. */
export function readCosts(directory: string | undefined, machine: Machine): Map<string, Costs> {
  if (directory === undefined) return new Map()
  try {
    const file: unknown = JSON.parse(readFileSync(pathOf(directory, machine), 'utf8'))
    const { format, families } = file as { format?: unknown; families?: Record<string, unknown> }
    if (format !== FORMAT || typeof families !== 'object') return new Map()
    return new Map(
      Object.entries(families).filter((entry): entry is [string, Costs] => isCosts(entry[1])),
    )
  } catch {
    return new Map()
  }
}

/** Adds a family to the file, which others may have written meanwhile; never half of it. */
export function writeCosts(
  directory: string | undefined,
  machine: Machine,
  family: string,
  costs: Costs,
): void {
  if (directory === undefined) return
  const path = pathOf(directory, machine)
  const all = readCosts(directory, machine).set(family, costs)
  const temporary = `${path}.${process.pid}.${threadId}`
  const text = JSON.stringify(
    { format: FORMAT, machine, families: Object.fromEntries(all) },
    null,
    2,
  )
  try {
    mkdirSync(directory, { recursive: true })
    writeFileSync(temporary, `${text}\n`)
    renameSync(temporary, path)
  } catch {
    remove(temporary)
  }
}

function remove(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    // its directory is no directory
  }
}

function pathOf(directory: string, machine: Machine): string {
  const { cpu, cores, node, euphorion, native } = machine
  const hash = createHash('sha256').update(JSON.stringify([cpu, cores, node, euphorion, native]))
  return join(directory, `calibration-${hash.digest('hex').slice(0, 16)}.json`)
}

function isCosts(value: unknown): value is Costs {
  if (typeof value !== 'object' || value === null) return false
  return Object.values(value).every((cost: Partial<Cost> | null) =>
    [cost?.fixedNs, cost?.perValueNs].every((ns) => Number.isFinite(ns) && Number(ns) >= 0),
  )
}

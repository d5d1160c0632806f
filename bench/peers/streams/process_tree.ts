// What a process and those that it started use, as Linux tells it. Used by measure.ts.
import { readdirSync, readFileSync } from 'node:fs'

export interface Usage {
  /** Of processes that have ended too, once their parents know. */
  readonly cpuSeconds: number
  /** The peaks of all of them, added up. */
  readonly residentMiB: number
}

/** USER_HZ of every Linux that Node runs on. */
const TICKS_PER_SECOND = 100

/** Undefined where there is no /proc, or no such process. */
export function usageOfTree(pid: number): Usage | undefined {
  const parents = new Map<number, { readonly parent: number; readonly ticks: number }>()
  for (const name of entriesOf('/proc')) {
    const stat = /^\d+$/.test(name) ? read(`/proc/${name}/stat`) : undefined
    if (stat === undefined) continue
    // the name, in brackets, may have spaces and brackets in it
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
    parents.set(Number(name), { parent: Number(fields[1]), ticks })
  }
  if (!parents.has(pid)) return undefined
  let ticks = 0
  let residentMiB = 0
  for (const [each, facts] of parents) {
    if (!descends(each, pid, parents)) continue
    ticks += facts.ticks
    residentMiB += peakMiB(each)
  }
  return { cpuSeconds: ticks / TICKS_PER_SECOND, residentMiB }
}

function descends(
  pid: number,
  from: number,
  parents: ReadonlyMap<number, { readonly parent: number }>,
): boolean {
  const seen = new Set<number>()
  for (let at = pid; at !== from; at = parents.get(at)!.parent) {
    if (!parents.has(at) || seen.has(at)) return false
    seen.add(at)
  }
  return true
}

function peakMiB(pid: number): number {
  const found = /^VmHWM:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`) ?? '')
  return found === null ? 0 : Number(found[1]) / 1024
}

function entriesOf(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
}

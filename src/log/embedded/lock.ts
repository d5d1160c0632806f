// One process at a time: numbered lock files of which the highest counts. A new owner adds the next
// number, which only one process can create; the highest file is never removed, only marked as
// released, so that nobody can begin to count again from an older view.
import * as fs from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { EuphorionError } from '../../errors.ts'
import { fileError, replaceFile } from './files.ts'

export interface LockOwner {
  readonly pid: number
  readonly host: string
  /** Tells this start of the machine from others; '' where the system does not say. */
  readonly boot: string
  /** Tells this process from a later one with its pid; '' where the system does not say. */
  readonly started: string
}

/** This process holds the directory until `release` is called or it dies. */
export interface Lock {
  release(): Promise<void>
}

/** The lock, or the owner that holds it. */
export type LockResult = { readonly lock: Lock } | { readonly owner: LockOwner }

const prefix = 'lock.'
/** Rounds of a race with other starters before giving up. */
const attemptsMax = 100
/** Made by this process, which may try several times at once. */
let candidates = 0

export async function acquireLock(directory: string): Promise<LockResult> {
  const self: LockOwner = {
    pid: process.pid,
    host: hostname(),
    boot: readProc('/proc/sys/kernel/random/boot_id'),
    started: processStart(process.pid),
  }
  const candidate = join(directory, `candidate.${process.pid}.${++candidates}.tmp`)
  try {
    await fs.promises.writeFile(candidate, JSON.stringify(self))
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const highest = await highestLock(directory)
      const owner = highest === 0 ? undefined : await readOwner(lockPath(directory, highest))
      if (owner && isAlive(owner, self)) return { owner }
      const path = lockPath(directory, highest + 1)
      if (!(await createFrom(candidate, path))) continue
      // An older view may have created a number that is behind: then another process won.
      if ((await highestLock(directory)) !== highest + 1) {
        await fs.promises.rm(path, { force: true })
        continue
      }
      await removeBelow(directory, highest + 1)
      return { lock: { release: () => replaceFile(path, '', false) } }
    }
  } catch (error) {
    throw fileError(error, directory)
  } finally {
    await fs.promises.rm(candidate, { force: true })
  }
  throw new EuphorionError('LOG_LOCKED', `other processes keep taking the lock of ${directory}`)
}

function lockPath(directory: string, number: number): string {
  return join(directory, `${prefix}${number}`)
}

async function lockNumbers(directory: string): Promise<number[]> {
  const names = await fs.promises.readdir(directory)
  return names.filter((name) => /^lock\.\d+$/.test(name)).map((name) => Number(name.slice(5)))
}

async function highestLock(directory: string): Promise<number> {
  return Math.max(0, ...(await lockNumbers(directory)))
}

async function removeBelow(directory: string, number: number): Promise<void> {
  for (const lower of await lockNumbers(directory))
    if (lower < number) await fs.promises.rm(lockPath(directory, lower), { force: true })
}

/** Creates `path` with the candidate's contents in one step; false when it exists. */
async function createFrom(candidate: string, path: string): Promise<boolean> {
  try {
    await fs.promises.link(candidate, path)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return false
    // File systems without hard links.
    try {
      await fs.promises.copyFile(candidate, path, fs.constants.COPYFILE_EXCL)
      return true
    } catch (copyError) {
      if ((copyError as NodeJS.ErrnoException).code === 'EEXIST') return false
      throw copyError
    }
  }
}

/** Undefined when the lock was released, or its file is gone or empty. */
async function readOwner(path: string): Promise<LockOwner | undefined> {
  try {
    const text = await fs.promises.readFile(path, 'utf8')
    return text === '' ? undefined : (JSON.parse(text) as LockOwner)
  } catch {
    return undefined
  }
}

function isAlive(owner: LockOwner, self: LockOwner): boolean {
  if (owner.boot !== self.boot) return owner.host !== self.host
  if (owner.host !== self.host) return true
  try {
    process.kill(owner.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  return owner.started === processStart(owner.pid) && !isZombie(owner.pid)
}

function readProc(path: string): string {
  try {
    return fs.readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}

/** The fields behind a process's name, on Linux. */
function processFacts(pid: number): string[] {
  const stat = readProc(`/proc/${pid}/stat`)
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

/** Start time of a process in clock ticks since boot, on Linux. */
function processStart(pid: number): string {
  return processFacts(pid)[19] ?? ''
}

/** Dead to its last thread, but its parent has not asked how it ended: in containers nobody may. */
function isZombie(pid: number): boolean {
  if (processFacts(pid)[0] !== 'Z') return false
  try {
    return fs.readdirSync(`/proc/${pid}/task`).length <= 1
  } catch {
    return true
  }
}

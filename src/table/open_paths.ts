// Which directories of stores this process has open. Called by the openers of RocksDB stores: each
// engine knows its own locks only, and the lock of a file does not hold within a process.
import { mkdir, realpath } from 'node:fs/promises'
import { EuphorionError } from '../errors.ts'

const open = new Set<string>()

/**
 * Makes the directory if need be; resolves with what lets go of it. Rejects with STORE_LOCKED while
 * it is taken.
 */
export async function takePath(path: string): Promise<() => void> {
  await mkdir(path, { recursive: true })
  const real = await realpath(path)
  if (open.has(real))
    throw new EuphorionError('STORE_LOCKED', `the store at ${path} is open in this process`, {
      place: { path },
    })
  open.add(real)
  return () => open.delete(real)
}

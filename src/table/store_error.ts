// What a store's driver says, as coded errors. Called by the implementations of Store.
import { EuphorionError } from '../errors.ts'

/** What both versions of RocksDB say of files that a newer one has written. */
const FOREIGN =
  /unsupported format_version|unknown (Footer version|checksum type)|VersionEdit: unknown/i

/** A failed call as DISK_FULL, STORE_INCOMPATIBLE or STORE_FAILED, with the store's path. */
export function storeError(doing: string, path: string, cause: unknown): EuphorionError {
  if (cause instanceof EuphorionError) return cause
  const text = textOf(cause)
  if (FOREIGN.test(text))
    return new EuphorionError(
      'STORE_INCOMPATIBLE',
      `the store at ${path} was written in a way that this one cannot read: ${text}`,
      { cause, place: { path } },
    )
  if (/No space left on device|ENOSPC/.test(text))
    return new EuphorionError('DISK_FULL', `no space left on the disk of the store at ${path}`, {
      cause,
      place: { path },
    })
  return new EuphorionError('STORE_FAILED', `cannot ${doing} the store at ${path}: ${text}`, {
    cause,
    place: { path },
  })
}

/** A failed open, which may also be STORE_LOCKED. */
export function openError(path: string, cause: unknown): EuphorionError {
  if (/lock hold by current process|LOCK: (Resource temporarily|No locks)/i.test(textOf(cause)))
    return new EuphorionError('STORE_LOCKED', `the store at ${path} is open in another process`, {
      cause,
      place: { path },
    })
  return storeError('open', path, cause)
}

export function storeClosed(path: string): EuphorionError {
  return new EuphorionError('STORE_FAILED', `the store at ${path} is closed`, { place: { path } })
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}

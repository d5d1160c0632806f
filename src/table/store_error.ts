// What a store's driver says, as coded errors. Called by the implementations of Store.
import { EuphorionError } from '../errors.ts'

/** A failed call as DISK_FULL or STORE_FAILED, with the store's path. */
export function storeError(doing: string, path: string, cause: unknown): EuphorionError {
  if (cause instanceof EuphorionError) return cause
  const text = cause instanceof Error ? cause.message : String(cause)
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

export function storeClosed(path: string): EuphorionError {
  return new EuphorionError('STORE_FAILED', `the store at ${path} is closed`, { place: { path } })
}

// The few file operations of the embedded log, as promises over descriptors, with the system's
// errors turned into coded ones.
import * as fs from 'node:fs'
import { promisify } from 'node:util'
import { EuphorionError } from '../../errors.ts'

const write = promisify(fs.writev)
const openFile = promisify(fs.open)
const closeFile = promisify(fs.close)
const datasync = promisify(fs.fdatasync)
const truncate = promisify(fs.ftruncate)

export { closeFile, datasync, openFile, truncate }

/** DISK_FULL or LOG_FAILED for what the system said. */
export function fileError(cause: unknown, path: string): EuphorionError {
  if (cause instanceof EuphorionError) return cause
  const code = (cause as NodeJS.ErrnoException).code
  return code === 'ENOSPC' || code === 'EDQUOT'
    ? new EuphorionError('DISK_FULL', 'the disk of the embedded log is full', {
        cause,
        place: { path },
      })
    : new EuphorionError('LOG_FAILED', `the embedded log cannot use ${path}`, {
        cause,
        place: { path },
      })
}

/** Reads up to `length` bytes into target[at …); fewer only at the end of the file. */
export function readAt(
  fd: number,
  target: Uint8Array,
  at: number,
  length: number,
  position: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    let done = 0
    const more = (): void => {
      fs.read(fd, target, at + done, length - done, position + done, (error, count) => {
        if (error) return reject(error)
        done += count
        if (count === 0 || done === length) resolve(done)
        else more()
      })
    }
    if (length === 0) resolve(0)
    else more()
  })
}

/** Writes all of `buffers`, one behind the other, from `position` on. */
export async function writeAt(
  fd: number,
  buffers: readonly Uint8Array[],
  position: number,
): Promise<void> {
  let rest = buffers
  let at = position
  while (rest.length > 0) {
    let { bytesWritten } = await write(fd, rest as Uint8Array[], at)
    at += bytesWritten
    const left: Uint8Array[] = []
    for (const buffer of rest) {
      if (bytesWritten >= buffer.length) bytesWritten -= buffer.length
      else {
        left.push(bytesWritten > 0 ? buffer.subarray(bytesWritten) : buffer)
        bytesWritten = 0
      }
    }
    rest = left
  }
}

/** Replaces a file as a whole: readers and a crash see the old or the new contents. */
export async function replaceFile(
  path: string,
  bytes: Uint8Array | string,
  sync: boolean,
): Promise<void> {
  const temporary = `${path}.tmp`
  const fd = await openFile(temporary, 'w')
  try {
    await writeAt(fd, [typeof bytes === 'string' ? Buffer.from(bytes) : bytes], 0)
    if (sync) await datasync(fd)
  } finally {
    await closeFile(fd)
  }
  await fs.promises.rename(temporary, path)
}

/** The file's contents, or undefined where there is none. */
export async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await fs.promises.readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw fileError(error, path)
  }
}

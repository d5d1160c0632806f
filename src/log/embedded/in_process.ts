// Embedded logs that this process has open: several apps of one program share one. Called by
// openLog.
import { resolve } from 'node:path'
import { EuphorionError } from '../../errors.ts'
import type { Log } from '../log.ts'
import { EmbeddedLog, openEmbeddedLog } from './embedded_log.ts'
import type { EmbeddedLogOptions } from './options.ts'

interface Shared {
  readonly opening: Promise<EmbeddedLog | undefined>
  readonly fsync: EmbeddedLogOptions['fsync']
}

const logs = new Map<string, Shared>()

/**
 * As openEmbeddedLog; but where this process has the log open it is the same log, which the last
 * close() closes. Rejects with SETTING_INVALID where the two do not agree on `fsync`.
 */
export async function shareEmbeddedLog(
  directory: string,
  options: EmbeddedLogOptions,
): Promise<Log> {
  const root = resolve(directory)
  const { fsync = 'interval' } = options
  for (let known = logs.get(root); known !== undefined; known = logs.get(root)) {
    // Whoever opens it learns why it failed; here it is tried anew.
    const log = await known.opening.catch(() => undefined)
    if (log === undefined) continue
    if (!log.retain()) {
      await log.close().catch(() => undefined)
      continue
    }
    if (known.fsync === fsync) return log
    await log.close()
    const message = `the embedded log is open in this process with fsync '${known.fsync}'`
    throw new EuphorionError('SETTING_INVALID', message, { place: { path: root } })
  }
  const opening = openEmbeddedLog(root, options)
  const shared: Shared = { opening: opening.then(ownedOnly), fsync }
  logs.set(root, shared)
  const forget = (): void => {
    if (logs.get(root) === shared) logs.delete(root)
  }
  void shared.opening.then(
    (log) => (log === undefined ? forget() : log.closed.then(forget)),
    forget,
  )
  return opening
}

/** What was reached through another process is no log of this one. */
function ownedOnly(log: Log): EmbeddedLog | undefined {
  return log instanceof EmbeddedLog ? log : undefined
}

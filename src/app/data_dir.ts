// Where the state of an app is in its data directory, for the worker and for other commands.
import { join, resolve } from 'node:path'

/** Stores of tables: `{dataDir}/{app}/tables/{topic}/{partition}`. */
export function tablesPath(dataDir: string, appId: string): string {
  return join(dataDir, appId, 'tables')
}

/** The socket of the app's worker; the same for all who name the directory in their way. */
export function workerSocket(dataDir: string, appId: string): string {
  return resolve(dataDir, appId, 'worker.sock')
}

// Where the state of an app is in its data directory, for the worker and for other commands.
import { join, resolve } from 'node:path'

/** Stores of tables: `{dataDir}/{app}/tables/{topic}/{partition}`. */
export function tablesPath(dataDir: string, appId: string): string {
  return join(dataDir, appId, 'tables')
}

/** Copies of global tables of one of the app's workers: `…/{topic}/{partition}` in it. */
export function globalPath(dataDir: string, appId: string, worker: number): string {
  return join(dataDir, appId, 'global', String(worker))
}

/** Everything of an app's state that a disk has. */
export function statePaths(dataDir: string, appId: string): string[] {
  return [tablesPath(dataDir, appId), join(dataDir, appId, 'global')]
}

/** Workers of one app that answer queries on one machine. */
const WORKERS_MAX = 16

/**
 * Where workers of the app answer: each has the first that nobody has. The same for all who name
 * the directory in their way.
 */
export function workerSockets(dataDir: string, appId: string): string[] {
  return Array.from({ length: WORKERS_MAX }, (_, index) =>
    resolve(dataDir, appId, `worker-${index}.sock`),
  )
}

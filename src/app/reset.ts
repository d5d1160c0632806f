// Forgets what an app has worked out: its changelogs, its offsets and its state on this machine, so
// that it begins anew. Called by `euphorion reset`.
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { EuphorionError } from '../errors.ts'
import type { Log } from '../log/log.ts'
import type { Settings } from '../settings.ts'
import { changelogTopic } from '../table/changelog_topics.ts'
import { connectLocal } from '../wire/local_socket.ts'
import { statePaths, workerSockets } from './data_dir.ts'

export interface ResetOptions {
  readonly log: Log
  readonly appId: string
  readonly settings: Pick<Settings, 'dataDir'>
  /** Names of all tables of the program. */
  readonly tables: readonly string[]
}

/** What would go. Topics that the app reads, and those that it writes results to, stay. */
export interface ResetPlan {
  readonly changelogs: readonly string[]
  /** The consumer group, whose offsets go. */
  readonly group: string
  /** Of this machine. Other machines keep theirs, which their workers find outdated. */
  readonly directories: readonly string[]
}

export async function planReset(options: ResetOptions): Promise<ResetPlan> {
  const { log, appId, settings, tables } = options
  const existing = new Set((await log.topics()).map(({ name }) => name))
  const changelogs = tables
    .map((table) => changelogTopic(appId, table))
    .filter((topic) => existing.has(topic))
  const directories = statePaths(settings.dataDir, appId).filter((path) => existsSync(path))
  return { changelogs, group: appId, directories }
}

/**
 * Rejects with STORE_LOCKED while a worker of this machine runs, with LOG_FAILED while the group
 * has members; then nothing is gone. What was begun can be called again.
 */
export async function reset(options: ResetOptions, plan: ResetPlan): Promise<void> {
  const { log, appId, settings } = options
  await checkStopped(settings.dataDir, appId)
  await log.forgetGroup(plan.group)
  for (const topic of plan.changelogs) await log.deleteTopic(topic)
  for (const path of plan.directories) await rm(path, { recursive: true, force: true })
}

async function checkStopped(dataDir: string, appId: string): Promise<void> {
  for (const path of workerSockets(dataDir, appId)) {
    const worker = await connectLocal(path, { unavailable: 'QUERY_UNAVAILABLE' }).catch(() => {})
    if (worker === undefined) continue
    worker.close()
    const message = `a worker of ${appId} runs on this machine: stop it first`
    throw new EuphorionError('STORE_LOCKED', message, { place: { path: dataDir } })
  }
}

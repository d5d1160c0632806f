// Forked by the long test of agents: a worker that answers until SIGTERM. It tells its parent when
// partitions come and go, what memory it has, and what goes wrong.
import { runUntilSignal } from '../../src/app/signals.ts'
import { systemClock } from '../../src/clock.ts'
import type { Logger, SettingsInput } from '../../src/index.ts'
import { askingApp } from './asking_app.ts'
import { tellMemory, tellParent } from './asking_news.ts'

export interface AskingJob {
  /** Begins the names of the agents' topics. */
  readonly topics: string
  readonly appId: string
  readonly settings: SettingsInput
}

const { topics, appId, settings } = JSON.parse(process.argv[2]) as AskingJob
const tell = tellParent()
const nothing = (): void => undefined
const logger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: ({ err, ...fields }: { err?: unknown }, message?: string) => {
    const cause = err instanceof Error ? err.stack : String(err ?? '')
    tell({ kind: 'trouble', text: `${message} ${JSON.stringify(fields)} ${cause}` })
  },
}

const { app } = askingApp(topics, appId, { ...settings, logger })
const moved = (isComplete: boolean) => () =>
  tell({ kind: 'moved', atMs: systemClock.now(), isComplete })
app.on('partitionsAssigned', moved(false))
app.on('partitionsRevoked', moved(false))
app.on('rebalanceComplete', moved(true))
const end = tellMemory(tell)
process.exitCode = await runUntilSignal(app)
end()
process.disconnect?.()

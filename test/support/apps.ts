// Apps inside a test's own process, on an embedded log in a directory that goes away with the test.
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { App } from '../../src/app/app.ts'
import type { AppOptions } from '../../src/app/app_options.ts'
import type { Logger } from '../../src/logger.ts'

/** What was logged, a line each: level, message, error. */
export class Lines implements Logger {
  readonly lines: string[] = []
  #add(level: string, fields: object, message?: string): void {
    const { err, ...rest } = fields as { err?: unknown }
    const error = err instanceof Error ? ` ${err.message}` : ''
    this.lines.push(`${level} ${message ?? ''}${error} ${JSON.stringify(rest)}`)
  }
  debug = (fields: object, message?: string): void => this.#add('debug', fields, message)
  info = (fields: object, message?: string): void => this.#add('info', fields, message)
  warn = (fields: object, message?: string): void => this.#add('warn', fields, message)
  error = (fields: object, message?: string): void => this.#add('error', fields, message)
}

/** Settings of an app that keeps everything in `directory` and cuts often. */
export const inFolder = (directory: string): AppOptions => ({
  broker: `embedded:${join(directory, 'log')}`,
  dataDir: join(directory, 'state'),
  commitIntervalMs: 20,
  threads: 1,
  memoryMib: 32,
  batchBytes: '64 KiB',
  topicPartitions: 2,
  logger: new Lines(),
})

/** Stopped at the test's end, if it runs then. */
export function newApp(t: TestContext, directory: string, options: AppOptions = {}): App {
  const app = new App('tested', { ...inFolder(directory), ...options })
  t.after(() => app.stop())
  return app
}

const LOOK_MS = 5
const LOOKS_MAX = 4000

/** Looks until `look` gives something that holds, and returns it. */
export async function until<T>(look: () => T | Promise<T>): Promise<NonNullable<T>> {
  for (let looks = 0; looks < LOOKS_MAX; looks++) {
    const found = await look()
    if (found) return found
    await setTimeout(LOOK_MS)
  }
  throw new Error(`never held: ${look}`)
}

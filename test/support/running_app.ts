// What tests of whole apps share: an app with a log of what it says, records put into its topics,
// and waiting for what it has done.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { App, type AppOptions, EuphorionError, type Logger } from '../../src/index.ts'
import type { Log, LogRecord } from '../../src/log/log.ts'
import { unique } from './log.ts'

export interface LogLine {
  readonly level: keyof Logger
  readonly fields: Readonly<Record<string, unknown>>
  readonly message: string
}

export interface TestApp {
  readonly app: App
  readonly lines: LogLine[]
}

const made: App[] = []

/**
 * An app that keeps what it logs; its id is new unless given. Stopped at the end of inTemporary.
 */
export function testApp(options: AppOptions, id = unique('app')): TestApp {
  const lines: LogLine[] = []
  const keep =
    (level: keyof Logger) =>
    (fields: object, message: string): void => {
      lines.push({ level, fields: fields as LogLine['fields'], message })
    }
  const logger = {
    debug: keep('debug'),
    info: keep('info'),
    warn: keep('warn'),
    error: keep('error'),
  }
  const app = new App(id, { commitIntervalMs: 20, threads: 2, memoryMib: 64, logger, ...options })
  made.push(app)
  return { app, lines }
}

export async function inTemporary(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'euphorion-app-'))
  try {
    await work(directory)
  } finally {
    await Promise.allSettled(made.splice(0).map((app) => app.stop()))
    rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** Creates the topic and stores the records of each partition, some to a batch. */
export async function fillTopic(
  log: Log,
  topic: string,
  partitions: readonly (readonly LogRecord[])[],
  recordsPerBatch = 100,
): Promise<void> {
  const config = { retentionMs: -1, maxMessageBytes: 12 * 1024 ** 2 }
  await log.createTopic(topic, { partitions: partitions.length, config })
  const producer = await log.producer()
  for (const [partition, records] of partitions.entries()) {
    for (let at = 0; at < records.length; at += recordsPerBatch)
      await producer.append(topic, partition, records.slice(at, at + recordsPerBatch))
  }
  await producer.close()
}

/** Waits for it; the test's own time-out is the bound. Rejects when the app fails. */
export async function until(app: App, holds: () => boolean | Promise<boolean>): Promise<void> {
  const ended = app.ended
  ended.catch(() => undefined)
  while (!(await Promise.race([holds(), ended]))) await setTimeout(10)
}

/** Waits until the app has committed everything that its topic has. */
export async function caughtUp(app: App, topic: string): Promise<void> {
  const log = await app.log()
  await until(app, async () => {
    const committed = await committedBy(log, app.id, topic)
    const ends = await log.offsets(topic)
    const lanes = app.statistics().filter((lane) => lane.topic === topic)
    return ends.every(({ partition, earliest, latest }) => {
      if (latest === earliest) return true
      const own = lanes.filter((lane) => lane.partition === partition)
      // stores are written after the group has the offsets
      if (own.some(({ storedOffset, stopped }) => !stopped && storedOffset < latest)) return false
      return committed.get(partition) === latest
    })
  })
}

/** Offsets by partition; none while the coordinator of a new group is not ready. */
async function committedBy(
  log: Log,
  groupId: string,
  topic: string,
): Promise<ReadonlyMap<number, number>> {
  try {
    return await log.committed(groupId, topic)
  } catch (error) {
    if (error instanceof EuphorionError && error.retriable) return new Map()
    throw error
  }
}

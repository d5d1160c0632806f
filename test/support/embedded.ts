// What the tests of the embedded log share: a directory that goes away, and a log in it.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EmbeddedLog, openEmbeddedLog } from '../../src/log/embedded/embedded_log.ts'
import type { EmbeddedLogOptions } from '../../src/log/embedded/options.ts'
import type { Log, StoredRecord } from '../../src/log/log.ts'

export async function inDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'euphorion-embedded-'))
  try {
    await work(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Opens the log as its owner. */
export async function openOwned(
  directory: string,
  options: EmbeddedLogOptions = {},
): Promise<EmbeddedLog> {
  const log = await openEmbeddedLog(directory, { maintenanceIntervalMs: 0, ...options })
  if (!(log instanceof EmbeddedLog)) throw new Error('another process owns the log')
  return log
}

export async function withLog(
  directory: string,
  options: EmbeddedLogOptions,
  work: (log: EmbeddedLog) => Promise<void>,
): Promise<void> {
  const log = await openOwned(directory, options)
  try {
    await work(log)
  } finally {
    await log.close()
  }
}

export async function readAll(log: Log, topic: string, partition = 0): Promise<StoredRecord[]> {
  const all: StoredRecord[] = []
  const { earliest, latest } = (await log.offsets(topic))[partition]
  let from = earliest
  while (from < latest) {
    const some = await log.read(topic, partition, from)
    if (some.length === 0) break
    all.push(...some)
    from = some[some.length - 1].offset + 1
  }
  return all
}

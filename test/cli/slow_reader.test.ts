// Whoever reads what a command prints may be slow: nothing of it is lost at the end.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { App, count, type Settings, string } from '../../src/index.ts'
import { inDirectory } from '../support/embedded.ts'
import { euphorion } from '../support/program.ts'

const ROWS = 20_000

/** A store with a row a key. */
async function fillTable(settings: Partial<Settings>): Promise<void> {
  const app = new App('slow', { ...settings, logLevel: 'silent', topicPartitions: 1 })
  const names = app.topic('names', { key: string() })
  app.stream(names).aggregate('counts', () => ({ views: count() }))
  await app.start()
  await Promise.all(
    Array.from({ length: ROWS }, (_, row) => names.send({ key: `name-${row}`, value: null })),
  )
  const counted = () => app.statistics().reduce((sum, lane) => sum + lane.counted, 0)
  while (counted() < ROWS) await pause(10)
  await app.stop()
}

test('a table arrives whole at a slow reader', async () => {
  await inDirectory(async (cwd) => {
    await fillTable({ broker: `embedded:${cwd}/log`, dataDir: `${cwd}/data`, fsync: 'never' })
    const child = spawn(process.execPath, [euphorion, 'table', 'counts', '--format', 'jsonl'], {
      cwd,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const closed = once(child, 'close')
    let rows = 0
    for await (const chunk of child.stdout) {
      rows += String(chunk).split('\n').length - 1
      await pause(5)
    }
    assert.deepEqual(await closed, [0, null])
    assert.equal(rows, ROWS)
  })
})

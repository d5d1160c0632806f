// A hundred workers in a row are killed with kill -9, over one topic with four tables, and with
// more state than memory; what the last one leaves has no wrong cell.
import { join } from 'node:path'
import { test } from 'node:test'
import { inDirectory } from '../support/crash_lives.ts'
import { tryCrashes } from '../support/crash_trial.ts'

const KILLS = Number(process.env.EUPHORION_TEST_KILLS ?? 100)

test(`W1, hopping, unwindowed and late: ${KILLS} times kill -9`, (t) =>
  inDirectory((directory) =>
    tryCrashes(t, directory, {
      broker: `embedded:${join(directory, 'log')}`,
      kills: KILLS,
      views: { events: 600_000, batchRecords: 400, seed: 41, keys: 20_000 },
      tables: ['w1', 'w2', 'w3', 'late'],
    }),
  ))

test(`more state than memory, results in topics: ${KILLS} times kill -9`, (t) =>
  inDirectory((directory) =>
    tryCrashes(t, directory, {
      broker: `embedded:${join(directory, 'log')}`,
      kills: KILLS,
      views: { events: 400_000, batchRecords: 500, seed: 42, keys: 60_000 },
      tables: ['w1', 'w2', 'w3'],
      results: { changes: 'changes', finals: 'finals' },
      settings: {
        memoryMib: 32,
        batchBytes: '512KiB',
        fetchesInFlight: 40,
        commitIntervalMs: '60ms',
      },
    }),
  ))

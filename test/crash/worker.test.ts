// Workers that aggregate page views of an embedded log are killed with kill -9 in the middle of
// batches and of cuts, ten times in a row; what the last one leaves is what one undisturbed worker
// on the plain kernels computes in memory.
import { join } from 'node:path'
import { test } from 'node:test'
import { inDirectory } from '../support/crash_lives.ts'
import { type CrashTrial, tryCrashes } from '../support/crash_trial.ts'
import { rocksdbKinds } from '../support/stores.ts'

type Trial = Omit<CrashTrial, 'broker' | 'kills'>

/** On each kind of store that this machine has. */
function killTen(title: string, trial: Trial): void {
  for (const store of rocksdbKinds)
    test(`${store}: ${title}`, (t) =>
      inDirectory((directory) =>
        tryCrashes(t, directory, {
          ...trial,
          settings: { ...trial.settings, store },
          broker: `embedded:${join(directory, 'log')}`,
          kills: 10,
        }),
      ))
}

killTen('W1: after ten times kill -9 every cell is exact', {
  views: { events: 600_000, batchRecords: 500, seed: 11 },
  tables: ['w1'],
})

killTen('W1 with changes and final results in topics: after ten times kill -9 none is missing', {
  views: { events: 400_000, batchRecords: 500, seed: 12, keys: 500 },
  tables: ['w1'],
  results: { changes: 'changes', finals: 'finals' },
})

killTen('hopping, unwindowed and late: after ten times kill -9 every cell is exact', {
  views: { events: 150_000, batchRecords: 250, seed: 13, partitions: 3 },
  tables: ['w1', 'w2', 'w3', 'late'],
})

killTen('more state than memory: after ten times kill -9 every cell is exact', {
  views: { events: 200_000, batchRecords: 500, seed: 14, keys: 60_000 },
  tables: ['w1', 'w2', 'w3'],
  // fetched batches take most of the memory: a lane's table is left 500 KB, and needs three times
  // that
  settings: {
    memoryMib: 32,
    batchBytes: '512KiB',
    fetchesInFlight: 40,
    commitIntervalMs: '60ms',
  },
})

// Fifty million page views of an embedded log through one worker: its resident memory does not grow
// once it is warm, and stays below 300 MiB.
import { join } from 'node:path'
import { test } from 'node:test'
import { soak } from '../support/soak.ts'

test('W1 over 50 million events keeps its memory', (t) =>
  soak(t, {
    broker: (directory) => `embedded:${join(directory, 'log')}`,
    topic: 'page-views',
    views: { events: 50_000_000 },
    every: 1_000_000,
  }))

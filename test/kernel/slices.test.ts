// Slices against the naive definition: a record is in a window iff start ≤ t < start + size.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { WindowPlan } from '../../src/kernel/plan.ts'
import {
  firstOpenWindow,
  firstWindow,
  lastWindow,
  skippedFor,
  sliceEnd,
  sliceStart,
  slicesOfWindow,
} from '../../src/kernel/slices.ts'

const windows = fc
  .record({
    sizeMs: fc.integer({ min: 1, max: 60 }),
    step: fc.integer({ min: 1, max: 60 }),
    graceMs: fc.integer({ min: 0, max: 40 }),
  })
  .map(
    ({ sizeMs, step, graceMs }): WindowPlan => ({
      sizeMs,
      stepMs: Math.min(step, sizeMs),
      graceMs,
      retentionMs: 0,
    }),
  )
const times = fc.oneof(
  fc.integer({ min: -200, max: 200 }),
  fc.integer({ min: 1_700_000_000_000, max: 1_700_000_000_500 }),
)

/** Starts of every window that holds `t`, by trying them all. */
function naiveWindows(window: WindowPlan, t: number): number[] {
  const found: number[] = []
  for (let start = t - window.sizeMs; start <= t; start++)
    if (start % window.stepMs === 0 && start <= t && t < start + window.sizeMs) found.push(start)
  return found
}

test('a slice holds its time, and all its times share the same windows', () => {
  fc.assert(
    fc.property(windows, times, (window, t) => {
      const start = sliceStart(window, t)
      const end = sliceEnd(window, start)
      assert.ok(start <= t && t < end)
      const expected = naiveWindows(window, t)
      for (let other = start; other < end; other++) {
        assert.equal(sliceStart(window, other), start)
        assert.deepEqual(naiveWindows(window, other), expected)
      }
      assert.equal(firstWindow(window, start) + 0, expected[0] + 0)
      assert.equal(firstWindow(window, t) + 0, expected[0] + 0)
      assert.equal(lastWindow(window, start) + 0, expected.at(-1)! + 0)
    }),
  )
})

test('the slices of a window cover it without gap, at most two a step', () => {
  fc.assert(
    fc.property(windows, times, (window, t) => {
      const start = lastWindow(window, t)
      const slices = slicesOfWindow(window, start)
      assert.ok(slices.length <= 2 * Math.ceil(window.sizeMs / window.stepMs))
      let at = start
      for (const slice of slices) {
        assert.equal(slice, at)
        assert.equal(sliceStart(window, slice), slice)
        at = sliceEnd(window, slice)
      }
      assert.equal(at, start + window.sizeMs)
    }),
  )
})

test('skipped counts the windows of the slice that are closed, -1 when all are', () => {
  const ahead = fc.integer({ min: -150, max: 150 })
  fc.assert(
    fc.property(windows, times, ahead, (window, t, delta) => {
      const streamTime = t + delta
      const all = naiveWindows(window, t)
      const open = all.filter((start) => start + window.sizeMs + window.graceMs > streamTime)
      const expected = open.length === 0 ? -1 : all.length - open.length
      assert.equal(skippedFor(window, sliceStart(window, t), streamTime), expected)
      if (open.length > 0)
        assert.equal(Math.max(firstOpenWindow(window, streamTime), all[0]) + 0, open[0] + 0)
    }),
  )
})

test('before the first record nothing is skipped', () => {
  const window = { sizeMs: 60, stepMs: 10, graceMs: 5, retentionMs: 0 }
  assert.equal(skippedFor(window, 100, Number.NEGATIVE_INFINITY), 0)
})

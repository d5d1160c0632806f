// Where compiled kernels and the calibration are kept.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { defaultCacheDir } from '../../../src/kernel/offload/options.ts'

test('the cache is where the platform has the user’s', () => {
  const home = '/h'
  assert.equal(defaultCacheDir('linux', {}, home), join('/h', '.cache', 'euphorion'))
  assert.equal(defaultCacheDir('linux', { XDG_CACHE_HOME: '/c' }, home), join('/c', 'euphorion'))
  const relative = { XDG_CACHE_HOME: 'c' }
  assert.equal(defaultCacheDir('linux', relative, home), join('/h', '.cache', 'euphorion'))
  assert.equal(defaultCacheDir('darwin', {}, home), join('/h', 'Library', 'Caches', 'euphorion'))
  const local = { LOCALAPPDATA: '/l' }
  assert.equal(defaultCacheDir('win32', local, home), join('/l', 'euphorion'))
  assert.equal(defaultCacheDir('win32', {}, home), join('/h', 'AppData', 'Local', 'euphorion'))
})

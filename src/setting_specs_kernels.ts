// Settings of the kernels.
import { availableParallelism } from 'node:os'
import { choice, duration, HOUR_MS, integer, type SettingSpec, text } from './setting_spec.ts'

export const kernelSettings = {
  backend: choice(['auto', 'wasm', 'js'], 'auto', { help: 'What runs the kernels.' }),
  kernelThreads: integer({
    default: Math.max(1, Math.min(4, availableParallelism())),
    min: 1,
    max: 64,
    help: 'Threads of the pool for numeric kernels. Default: the cores, at most 4.',
  }),
  kernelQueueTasks: integer({
    default: 1000,
    min: 1,
    max: 1_000_000,
    help: 'Most kernel calls that wait for a thread before one more is refused.',
  }),
  kernelTimeoutMs: duration({
    default: 60_000,
    min: 1,
    max: 24 * HOUR_MS,
    help: "Time after which a user's kernel is ended.",
  }),
  kernelMemoryMib: integer({
    default: 256,
    min: 16,
    max: 2048,
    help: 'Budget of the memory that numeric kernels share, and of that of one user kernel, in MiB.',
  }),
  kernelBackend: choice(['auto', 'js', 'wasm', 'native'], 'auto', {
    help: 'What runs numeric kernels. auto: by size, as measured on this machine.',
  }),
  cacheDir: text({
    help: 'Directory of compiled kernels and of the calibration. Default: the cache of the user.',
  }),
} as const satisfies Record<string, SettingSpec>

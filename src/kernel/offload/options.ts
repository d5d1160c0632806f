// Settings of numeric kernels: given in code before the first use, or by an app that starts, or by
// euphorion.config.json and the environment. Read when the pool is made.
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { readConfigFile } from '../../config_file.ts'
import { EuphorionError } from '../../errors.ts'
import { resolveSettings, type SettingsSource } from '../../settings.ts'
import type { KernelBackend } from './backend.ts'

/** Settings of kernels as code gives them. */
export interface KernelOptions {
  /** Threads of the pool, 1 to 64. Default: the cores, at most 4. */
  readonly threads?: number
  /** Most calls that wait for a thread. Default 1000. */
  readonly queueTasks?: number
  /** Time after which a user's kernel is ended: ms, or text as '10s'. Default one minute. */
  readonly timeoutMs?: number | string
  /** Budget of the memory that kernels share, and of that of one user's kernel. Default 256. */
  readonly memoryMib?: number
  /** Directory of compiled kernels and of the calibration. Default: in the user's cache. */
  readonly cacheDir?: string
  /** Default 'auto'. */
  readonly backend?: KernelBackend
}

/** The settings in effect. */
export interface KernelSettings {
  readonly threads: number
  readonly queueTasks: number
  readonly timeoutMs: number
  readonly memoryMib: number
  /** An absolute path; need not exist. */
  readonly cacheDir: string
  readonly backend: KernelBackend
}

/** The name that each option has among all settings. */
const settingOf = {
  threads: 'kernelThreads',
  queueTasks: 'kernelQueueTasks',
  timeoutMs: 'kernelTimeoutMs',
  memoryMib: 'kernelMemoryMib',
  cacheDir: 'cacheDir',
  backend: 'kernelBackend',
} as const satisfies Record<keyof KernelOptions, string>

let code: SettingsSource = {}
let ofApp: { readonly code: SettingsSource; readonly cli: SettingsSource } = { code: {}, cli: {} }
let settings: KernelSettings | undefined

/**
 * Sets what the pool of numeric kernels is made with; the environment (EUPHORION_KERNEL_THREADS …)
 * and euphorion.config.json beat it. Throws KERNEL_INVALID once a kernel was used, and
 * SETTING_INVALID.
 */
export function configureKernels(options: KernelOptions): void {
  if (settings !== undefined) {
    const message = 'configureKernels() was called after the first use of a kernel'
    throw new EuphorionError('KERNEL_INVALID', message)
  }
  const given: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(settingOf, name)) {
      const known = Object.keys(settingOf).join(', ')
      throw new EuphorionError('KERNEL_INVALID', `there is no option ${name}: there are ${known}`)
    }
    given[settingOf[name as keyof KernelOptions]] = value
  }
  resolveSettings({ code: given })
  code = { ...code, ...given }
}

/**
 * Takes over what an app that starts was given for kernels; without effect once a kernel was used.
 */
export function adoptKernelSettings(appCode: SettingsSource, cli: SettingsSource): void {
  ofApp = { code: ofKernels(appCode), cli: ofKernels(cli) }
}

/** In a thread of the pool: what the pool was made with holds there too. */
export function inheritKernelSettings(given: Partial<KernelSettings>): void {
  const entries = Object.entries(settingOf).map(([name, setting]) => [
    setting,
    given[name as keyof KernelSettings],
  ])
  ofApp = { code: {}, cli: Object.fromEntries(entries) }
}

function ofKernels(source: SettingsSource): SettingsSource {
  const names: readonly string[] = Object.values(settingOf)
  return Object.fromEntries(Object.entries(source).filter(([name]) => names.includes(name)))
}

/** The settings, fixed by the first call. Throws SETTING_INVALID. */
export function kernelSettings(): KernelSettings {
  if (settings !== undefined) return settings
  const { kernelThreads, kernelQueueTasks, kernelTimeoutMs, kernelMemoryMib, ...rest } =
    resolveSettings({
      code: { ...ofApp.code, ...code },
      file: readConfigFile(process.cwd()),
      env: process.env,
      cli: ofApp.cli,
    })
  settings = {
    threads: kernelThreads,
    queueTasks: kernelQueueTasks,
    timeoutMs: kernelTimeoutMs,
    memoryMib: kernelMemoryMib,
    cacheDir: rest.cacheDir === undefined ? defaultCacheDir() : resolve(rest.cacheDir),
    backend: rest.kernelBackend,
  }
  return settings
}

/** The user's cache as the platform has it, then `euphorion`. */
export function defaultCacheDir(
  platform: string = process.platform,
  env: Readonly<Record<string, string | undefined>> = process.env,
  home = homedir(),
): string {
  return join(cacheOfUser(platform, env, home), 'euphorion')
}

function cacheOfUser(
  platform: string,
  env: Readonly<Record<string, string | undefined>>,
  home: string,
): string {
  if (platform === 'win32') return env.LOCALAPPDATA || join(home, 'AppData', 'Local')
  if (platform === 'darwin') return join(home, 'Library', 'Caches')
  // the specification has relative paths ignored
  return env.XDG_CACHE_HOME?.startsWith('/') ? env.XDG_CACHE_HOME : join(home, '.cache')
}

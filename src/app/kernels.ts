// What an app that starts has to do with numeric kernels. Called by App.start.
import { EuphorionError } from '../errors.ts'
import { isKernelThread } from '../kernel/offload/kernel_thread.ts'
import { adoptKernelSettings } from '../kernel/offload/options.ts'
import type { SettingsSource } from '../settings.ts'

/**
 * Their pool gets the app's settings, if it is not there yet. Throws APP_INVALID in a thread of the
 * pool, which imports the program for its kernels only.
 */
export function beginKernels(code: SettingsSource, cli: SettingsSource): void {
  if (isKernelThread()) {
    const message = 'the module of a kernel starts an app: use app.main(import.meta) there'
    throw new EuphorionError('APP_INVALID', message)
  }
  adoptKernelSettings(code, cli)
}

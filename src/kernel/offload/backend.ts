// Which implementation of a kernel runs. Used by every kernel that has more than one.
import { EuphorionError } from '../../errors.ts'
import { nativeAddon, whyNoNative } from '../native.ts'

/** `auto` chooses by size, from what was measured on this machine. */
export type KernelBackend = 'auto' | 'js' | 'wasm' | 'native'

/** What `auto` can become. */
export type ChosenBackend = Exclude<KernelBackend, 'auto'>

/** Throws NATIVE_UNAVAILABLE, saying why, when `backend` is native and the addon is not there. */
export function requireBackend(backend: KernelBackend): void {
  if (backend !== 'native' || nativeAddon() !== undefined) return
  throw new EuphorionError('NATIVE_UNAVAILABLE', `backend 'native': ${whyNoNative()}`)
}

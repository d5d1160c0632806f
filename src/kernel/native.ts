// The native addon, where one can be loaded. Used by kernels that have a native twin.

/** What the addon exports. */
export interface NativeAddon {
  /** Chosen when it was loaded, by what the processor has. */
  readonly instructionSet: 'avx512' | 'avx2' | 'sse2'
}

/** The addon, loaded at the first call; undefined where there is none. */
export function nativeAddon(): NativeAddon | undefined {
  return undefined
}

/** Why nativeAddon() is undefined, as a half sentence. */
export function whyNoNative(): string {
  return 'there is no addon for this platform'
}

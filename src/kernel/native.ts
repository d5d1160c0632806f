// The native addon: its functions, and the loader that finds it. A build of this checkout comes
// first, then the package for this platform; without either there are reasons, and the kernels of
// WebAssembly. Asked by the threads of both pools and by whoever runs a kernel on its own thread.
import { createRequire } from 'node:module'
import type { PieceKernels } from './column/piece_kernels.ts'

/** Of the functions below and their arguments; native/addon/addon.cc has the same number. */
const INTERFACE_VERSION = 2

/** What arithmetic the kernels are made of. `scalar` is always there. */
export type InstructionSet = 'scalar' | 'neon' | 'sse2' | 'avx2' | 'avx512'

/**
 * Functions in C++. They run to their end on the calling thread, take typed arrays over shared
 * memory as well as others, and throw TypeError or RangeError at arguments that cannot be right.
 */
export interface NativeAddon {
  readonly interfaceVersion: number
  /** The set in use: at first the widest that this machine has, or what EUPHORION_NATIVE names. */
  readonly instructionSet: InstructionSet
  /** The sets that this machine has, the widest last. */
  readonly instructionSets: readonly InstructionSet[]
  /** For tests and benches; holds for all threads of the process. RangeError where it is not. */
  useInstructionSet(name: InstructionSet): void
  /** CRC-32C of the bytes from `start` (default 0) up to `end` (default: all). */
  crc32c(bytes: Uint8Array, start?: number, end?: number): number
  /**
   * Escape times of points first … end - 1 of an nx × ny grid into counts[point - first]; a point
   * is i * ny + j, i along x. With `shortcuts`, points known to be in the set are not iterated to
   * the end. `iterations` is at most 2³¹ - 1; no call ends early.
   */
  mandelbrotPoints(
    counts: Int32Array,
    nx: number,
    ny: number,
    xFrom: number,
    xTo: number,
    yFrom: number,
    yTo: number,
    iterations: number,
    shortcuts: boolean,
    first: number,
    end: number,
  ): void
  /** The column kernels: PieceKernels of column/. */
  readonly columns: PieceKernels
}

/** Somewhere an addon may be. */
export interface NativeCandidate {
  readonly name: string
  load(): unknown
}

/** The addon, or why there is none: a reason per candidate. */
export interface NativeLoad {
  readonly addon?: NativeAddon
  readonly reasons: readonly string[]
}

// The requires are literal so that bundlers and file tracers see them.
const require = createRequire(import.meta.url)

/** As TypeScript this file lies in src/kernel, compiled in dist/src/kernel. */
const localBuild: NativeCandidate = {
  name: 'local build',
  load: () =>
    new URL(import.meta.url).pathname.endsWith('.ts')
      ? require('../../dist/native/euphorion.node')
      : require('../../native/euphorion.node'),
}

/** npm installs the one whose libc fits, so on Linux at most one of two is there. */
const platformPackages: Readonly<Record<string, readonly NativeCandidate[]>> = {
  'linux-x64': [
    inPackage('@euphorion/native-linux-x64', () => require('@euphorion/native-linux-x64')),
    inPackage('@euphorion/native-linuxmusl-x64', () => require('@euphorion/native-linuxmusl-x64')),
  ],
  'linux-arm64': [
    inPackage('@euphorion/native-linux-arm64', () => require('@euphorion/native-linux-arm64')),
    inPackage('@euphorion/native-linuxmusl-arm64', () =>
      require('@euphorion/native-linuxmusl-arm64'),
    ),
  ],
  'darwin-x64': [
    inPackage('@euphorion/native-darwin-x64', () => require('@euphorion/native-darwin-x64')),
  ],
  'darwin-arm64': [
    inPackage('@euphorion/native-darwin-arm64', () => require('@euphorion/native-darwin-arm64')),
  ],
}

function inPackage(name: string, load: () => unknown): NativeCandidate {
  return { name: `package ${name}`, load }
}

/** Where this process looks, in this order. */
function candidatesHere(): readonly NativeCandidate[] {
  return [localBuild, ...(platformPackages[`${process.platform}-${process.arch}`] ?? [])]
}

/**
 * The first candidate that loads and has the right interface. `wanted` is EUPHORION_NATIVE: '0' is
 * never, the name of an instruction set is that one or nothing.
 */
export function loadNative(
  candidates: readonly NativeCandidate[],
  wanted: string | undefined,
): NativeLoad {
  if (wanted === '0') return { reasons: ['EUPHORION_NATIVE is 0'] }
  const reasons: string[] = []
  for (const { name, load } of candidates) {
    try {
      return { addon: prepared(load(), wanted), reasons }
    } catch (error) {
      reasons.push(`${name}: ${reasonOf(error)}`)
    }
  }
  return { reasons }
}

function prepared(loaded: unknown, wanted: string | undefined): NativeAddon {
  const addon = loaded as NativeAddon
  const version = (loaded as Partial<NativeAddon> | undefined)?.interfaceVersion
  if (version !== INTERFACE_VERSION)
    throw new Error(`its interface is ${version}, ${INTERFACE_VERSION} is needed: build it anew`)
  if (wanted !== undefined && isInstructionSet(wanted)) addon.useInstructionSet(wanted)
  return addon
}

function isInstructionSet(name: string): name is InstructionSet {
  return ['scalar', 'neon', 'sse2', 'avx2', 'avx512'].includes(name)
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return 'not there'
  return error.message.split('\n')[0]
}

let known: NativeLoad | undefined

function load(): NativeLoad {
  known ??= loadNative(candidatesHere(), process.env.EUPHORION_NATIVE)
  return known
}

/** The addon of this thread; undefined where none loads. Looked for once. */
export function nativeAddon(): NativeAddon | undefined {
  return load().addon
}

/** Every place that was looked at and what was wrong with it, as one line; '' where one loaded. */
export function whyNoNative(): string {
  const { addon, reasons } = load()
  if (addon !== undefined) return ''
  const none = `there is none for ${process.platform} ${process.arch}`
  return reasons.length === 0 ? none : reasons.join('; ')
}

// The column kernels as families of the calibration: what each pass costs on the calling thread, in
// each backend, with its columns in the shared memory and with columns that WebAssembly must copy.
// Called by choice.ts.
import type { ChosenBackend } from '../offload/backend.ts'
import type { Cost, KernelFamily } from '../offload/calibration.ts'
import { runLocally } from './local_pass.ts'
import { allocateColumn } from './memory.ts'
import type { Pass } from './pass.ts'
import { bucketSlots, type FloatColumn, type PieceKernels } from './piece_kernels.ts'

type KernelName = keyof PieceKernels

/**
 * Nanoseconds a value, of one machine: js, wasm, native. The calibration finds those of another.
 */
const nominalNs: Readonly<Record<KernelName, readonly [js: number, wasm: number, native: number]>> =
  {
    sum: [0.7, 0.18, 0.1],
    dot: [1.5, 0.3, 0.2],
    minMax: [1.5, 0.3, 0.1],
    finiteRange: [1.5, 0.4, 0.25],
    moments: [4, 0.55, 0.3],
    comoments: [8, 1.5, 0.65],
    logCounts: [7, 2.4, 1.4],
    ewma: [2, 1.7, 1.7],
    zScores: [1.2, 0.65, 0.35],
    zFlags: [1.5, 0.25, 0.12],
    movingAverage: [3, 1, 1.1],
  }
/** Copying float64 into the shared memory, or out of it. */
const COPY_NS = 0.32
const FIXED_NS = { js: 500, wasm: 1500, native: 1200 } as const
const BUCKETS = 2048
const WINDOW = 100

const inPlace = new Map<KernelName, KernelFamily>()
const copied = new Map<KernelName, KernelFamily>()

export function familyOf({ kernel }: Pass, isInPlace: boolean): KernelFamily {
  const families = isInPlace ? inPlace : copied
  let family = families.get(kernel)
  if (family === undefined) {
    family = {
      name: `column ${kernel}${isInPlace ? '' : ', copied'}`,
      nominal: nominalOf(kernel, isInPlace),
      sizes: [100, 20_000],
      prepare: (backend, size) => prepare(kernel, isInPlace, backend, size),
    }
    families.set(kernel, family)
  }
  return family
}

function nominalOf(kernel: KernelName, isInPlace: boolean): Readonly<Record<ChosenBackend, Cost>> {
  const [js, wasm, native] = nominalNs[kernel]
  const copies = isInPlace ? 0 : columnCount(kernel) * COPY_NS
  return {
    js: { fixedNs: FIXED_NS.js, perValueNs: js },
    wasm: { fixedNs: FIXED_NS.wasm, perValueNs: wasm + copies },
    native: { fixedNs: FIXED_NS.native, perValueNs: native },
  }
}

/** Columns that go in or out. */
function columnCount(kernel: KernelName): number {
  const isSeries = kernel === 'ewma' || kernel === 'zScores' || kernel === 'movingAverage'
  return isSeries || kernel === 'dot' || kernel === 'comoments' ? 2 : 1
}

function prepare(
  kernel: KernelName,
  isInPlace: boolean,
  backend: ChosenBackend,
  size: number,
): () => unknown {
  const floats = (): FloatColumn =>
    isInPlace ? allocateColumn('f64', size) : new Float64Array(size)
  const x = floats()
  for (let i = 0; i < size; i++) x[i] = ((i * 7919) % 1000) + 0.25
  const y = kernel === 'dot' || kernel === 'comoments' ? floats() : undefined
  const pass: Pass = { kernel, x, y, ...partsOf(kernel, floats, size, isInPlace) }
  return () => runLocally('calibration', pass, backend)
}

/** What each kernel has besides its columns. */
function partsOf(
  kernel: KernelName,
  floats: () => FloatColumn,
  size: number,
  isInPlace: boolean,
): Pick<Pass, 'numbers' | 'out' | 'counters'> {
  switch (kernel) {
    case 'ewma':
      return { numbers: [0.1, 0], out: floats() }
    case 'zScores':
      return { numbers: [500, 300], out: floats() }
    case 'zFlags': {
      const out = isInPlace ? allocateColumn('u8', size) : new Uint8Array(size)
      return { numbers: [500, 300], out }
    }
    case 'movingAverage':
      return { numbers: [Math.min(WINDOW, size)], out: floats() }
    case 'logCounts':
      return { numbers: [35, 35_000, 35_000], counters: bucketSlots.buckets + 2 * BUCKETS }
    default:
      return { numbers: [] }
  }
}

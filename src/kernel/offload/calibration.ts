// Which backend is the fastest for a size, and whether the size is worth another thread. Measured
// once a machine, when a family of kernels is first run with backend 'auto', and kept in cacheDir.
// Called by kernels that have several backends.
//
//  cost(size) = fixed + size × per value, measured at two sizes for each backend
import { availableParallelism, cpus } from 'node:os'
import { type Clock, systemClock } from '../../clock.ts'
import { EuphorionError } from '../../errors.ts'
import { packageVersion } from '../../package_version.ts'
import { nativeAddon } from '../native.ts'
import { type ChosenBackend, type KernelBackend, requireBackend } from './backend.ts'
import { type Costs, type Machine, readCosts, writeCosts } from './calibration_file.ts'
import { kernelSettings } from './options.ts'

/** What one call costs on the calling thread, in nanoseconds. */
export interface Cost {
  readonly fixedNs: number
  readonly perValueNs: number
}

/** Kernels whose calls cost the same, or one kernel. */
export interface KernelFamily {
  /** Names it in the cache: change it when the implementation does. */
  readonly name: string
  /** The backends that it has, with what they cost until it is measured. */
  readonly nominal: Readonly<Partial<Record<ChosenBackend, Cost>>>
  /** Numbers of values at which calls are measured; one of the large size takes some 100 µs. */
  readonly sizes: readonly [small: number, large: number]
  /** A call over so many values, its data made: what it costs is measured. */
  prepare(backend: ChosenBackend, size: number): () => unknown
}

export interface Choice {
  readonly backend: ChosenBackend
  /** It takes less than a hand-over to another thread. */
  readonly onCallingThread: boolean
  /** What it costs on the calling thread, as far as is known. */
  readonly costNs: number
}

/** A hand-over costs the calling thread about this: below it off-loading frees nothing. */
export const HAND_OVER_NS = 50_000
/** For one backend at one size. */
const SAMPLE_MS = 1.5
/** On a busy machine one sample may have waited longer than all of them take. */
const SAMPLES_MIN = 5
/** Of all families together, in one process; after it what is not measured is nominal. */
const TOTAL_MS = 300

export interface CalibrationOptions {
  readonly machine: Machine
  /** Where it is kept; undefined: nowhere. */
  readonly directory: string | undefined
  /** false: costs are nominal unless they are in the directory. */
  readonly isMeasuring: boolean
  readonly hasNative: boolean
  readonly clock?: Clock
}

export class Calibration {
  readonly #options: CalibrationOptions
  readonly #clock: Clock
  readonly #choices = new Map<string, number>()
  #costs: Map<string, Costs> | undefined
  #spentMs = 0

  constructor(options: CalibrationOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  /** The backend that is the fastest at that size; with `backend`, that one. */
  choose(family: KernelFamily, size: number, backend: KernelBackend = 'auto'): Choice {
    const costs = this.#costsOf(family, backend)
    let chosen: ChosenBackend = 'js'
    let leastNs = Number.POSITIVE_INFINITY
    for (const each of backend === 'auto' ? this.#backendsOf(family) : [backend]) {
      const { fixedNs = 0, perValueNs = 0 } = costs[each] ?? {}
      const ns = fixedNs + size * perValueNs
      if (ns >= leastNs) continue
      chosen = each
      leastNs = ns
    }
    const onCallingThread = leastNs < HAND_OVER_NS
    const name = `${family.name} ${chosen}${onCallingThread ? ' here' : ''}`
    this.#choices.set(name, (this.#choices.get(name) ?? 0) + 1)
    return { backend: chosen, onCallingThread, costNs: leastNs }
  }

  /** How often each was chosen: 'sum wasm', or 'sum wasm here' for the calling thread. */
  get choices(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#choices)
  }

  #backendsOf({ nominal }: KernelFamily): ChosenBackend[] {
    const all = Object.keys(nominal) as ChosenBackend[]
    return this.#options.hasNative ? all : all.filter((each) => each !== 'native')
  }

  #costsOf(family: KernelFamily, backend: KernelBackend): Costs {
    const { machine, directory, isMeasuring } = this.#options
    this.#costs ??= readCosts(directory, machine)
    const known = this.#costs.get(family.name)
    const isKnown = this.#backendsOf(family).every((each) => known?.[each] !== undefined)
    if (known !== undefined && isKnown) return known
    // one backend that was asked for by name is run whatever it costs
    if (!isMeasuring || backend !== 'auto' || this.#spentMs >= TOTAL_MS) return family.nominal
    const measured = this.#measure(family)
    this.#costs.set(family.name, measured)
    writeCosts(directory, machine, family.name, measured)
    return measured
  }

  #measure(family: KernelFamily): Costs {
    const began = this.#clock.monotonic()
    const costs: Partial<Record<ChosenBackend, Cost>> = {}
    for (const backend of this.#backendsOf(family)) {
      const [small, large] = family.sizes
      const smallNs = this.#timeOf(family.prepare(backend, small))
      const largeNs = this.#timeOf(family.prepare(backend, large))
      const perValueNs = Math.max(0, (largeNs - smallNs) / (large - small))
      costs[backend] = { fixedNs: Math.max(0, smallNs - small * perValueNs), perValueNs }
    }
    this.#spentMs += this.#clock.monotonic() - began
    return costs
  }

  /** Nanoseconds of one call: the least of several, the first ones being for the engine. */
  #timeOf(call: () => unknown): number {
    const end = this.#clock.monotonic() + SAMPLE_MS
    let least = Number.POSITIVE_INFINITY
    let calls = 1
    let began = this.#clock.monotonic()
    for (let sample = 1; ; sample++) {
      for (let i = 0; i < calls; i++) call()
      const now = this.#clock.monotonic()
      least = Math.min(least, (now - began) / calls)
      if (now >= end && sample >= SAMPLES_MIN) return least * 1e6
      // a sample is long against the resolution of the clock
      if (now - began < SAMPLE_MS / 10) calls *= 2
      began = now
    }
  }
}

let calibration: Calibration | undefined

/**
 * The process's. In tests (`node --test`) nothing is measured, so that they are repeatable and
 * leave nothing behind.
 */
function ofProcess(): Calibration {
  const isTest = process.env.NODE_TEST_CONTEXT !== undefined
  calibration ??= new Calibration({
    machine: thisMachine(),
    directory: isTest ? undefined : kernelSettings().cacheDir,
    isMeasuring: !isTest,
    hasNative: nativeAddon() !== undefined,
  })
  return calibration
}

/**
 * What runs a call over `size` values. `backend` as the caller was given it; undefined: as the
 * setting kernelBackend says, where the family has that one. Throws NATIVE_UNAVAILABLE, and
 * KERNEL_INVALID for another that the family does not have.
 */
export function chooseBackend(family: KernelFamily, size: number, backend?: KernelBackend): Choice {
  const preset = kernelSettings().backend
  const wanted = backend ?? (isOf(family, preset) ? preset : 'auto')
  requireBackend(wanted)
  if (!isOf(family, wanted)) {
    const known = Object.keys(family.nominal).join(', ')
    const message = `${family.name} has no backend '${wanted}': there are ${known}`
    throw new EuphorionError('KERNEL_INVALID', message)
  }
  return ofProcess().choose(family, size, wanted)
}

function isOf({ nominal }: KernelFamily, backend: KernelBackend): boolean {
  return backend === 'auto' || nominal[backend] !== undefined
}

/** How often backend 'auto' and others were run, by family: 'sum wasm', 'sum wasm here'. */
export function kernelChoices(): Readonly<Record<string, number>> {
  return calibration?.choices ?? {}
}

function thisMachine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    node: process.version,
    euphorion: packageVersion(),
    native: nativeAddon()?.instructionSet ?? 'none',
  }
}

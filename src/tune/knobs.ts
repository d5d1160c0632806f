// The settings that `tune` turns, each as a scale of values within the setting's own bounds: near
// ones differ little, those far apart by a power of two or ten. Used by the search and the command.
import type { NumberSpec, SettingSpec } from '../setting_spec.ts'
import { settingSpecs } from '../setting_specs.ts'
import type { SettingName } from '../settings.ts'
import { formatBytes, formatDuration } from '../units.ts'

export const knobNames = [
  'threads',
  'commitIntervalMs',
  'batchBytes',
  'fetchesInFlight',
  'backend',
  'memoryMib',
  'laneQueueBatches',
  'writeBufferMib',
  'cacheMib',
  'commitBytes',
  'changelogCompression',
  'tableCacheEntries',
] as const satisfies readonly SettingName[]

export type KnobName = (typeof knobNames)[number]
export type KnobValue = number | string

/** Values of knobs; settings that are no knobs stay what they are. */
export type Candidate = Readonly<Partial<Record<KnobName, KnobValue>>>

export interface Knob {
  readonly name: KnobName
  /** From the least to the most; of a choice in no order. */
  readonly values: readonly KnobValue[]
  readonly isOrdered: boolean
}

/** What bounds the scales besides the settings' own bounds. */
export interface Machine {
  readonly cores: number
  readonly memoryMib: number
}

const KIB = 1024
const MIB = 1024 * KIB

const powers = (from: number, to: number): number[] => {
  const values: number[] = []
  for (let value = from; value <= to; value *= 2) values.push(value)
  return values
}

const threadCounts = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32]

/** A worker is not alone on its machine. */
const MEMORY_SHARE = 4

function scaleOf(name: KnobName, { cores, memoryMib }: Machine): readonly KnobValue[] {
  const part = Math.max(32, Math.floor(memoryMib / MEMORY_SHARE))
  switch (name) {
    case 'threads':
      return threadCounts.filter((count) => count <= Math.max(2, 2 * cores))
    case 'batchBytes':
      return powers(16 * KIB, 16 * MIB)
    case 'commitIntervalMs':
      return [10, 25, 50, 100, 250, 500, 1000]
    case 'fetchesInFlight':
      return powers(1, 32)
    case 'backend':
      return ['auto', 'js']
    case 'memoryMib':
      return powers(64, Math.min(1024, part))
    case 'laneQueueBatches':
      return powers(1, 16)
    case 'writeBufferMib':
      return powers(1, 64)
    case 'cacheMib':
      return powers(8, Math.min(512, part))
    case 'commitBytes':
      return powers(4 * MIB, 256 * MIB)
    case 'changelogCompression':
      return ['none', 'lz4', 'snappy', 'zstd']
    case 'tableCacheEntries':
      return [10_000, 50_000, 200_000, 1_000_000]
  }
}

export function knobsOf(names: readonly KnobName[], machine: Machine): readonly Knob[] {
  return names.map((name) => {
    const spec: SettingSpec = settingSpecs[name]
    const scale = scaleOf(name, machine)
    if (spec.type === 'choice') return { name, values: scale, isOrdered: false }
    const { min, max } = spec as NumberSpec
    const values = scale.filter((value) => Number(value) >= min && Number(value) <= max)
    return { name, values, isOrdered: true }
  })
}

/**
 * Values `steps` up or down the scale from one that need not be on it; all others of a choice.
 * Nearest first.
 */
export function neighbours({ values, isOrdered }: Knob, at: KnobValue, steps: number): KnobValue[] {
  if (!isOrdered) return values.filter((value) => value !== at)
  const above = values.filter((value) => value > at)
  const below = values.filter((value) => value < at).reverse()
  return [above, below].flatMap((side) => {
    const value = side[Math.min(steps, side.length) - 1]
    return value === undefined ? [] : [value]
  })
}

/** Has values of what adaptFetches would turn meanwhile. */
export function turnsFetches({ batchBytes, fetchesInFlight }: Candidate): boolean {
  return batchBytes !== undefined || fetchesInFlight !== undefined
}

/** '1 MiB', '250 ms', '4'. */
export function showKnob(name: KnobName, value: KnobValue): string {
  const { type } = settingSpecs[name]
  if (type === 'bytes') return formatBytes(Number(value))
  if (type === 'duration') return formatDuration(Number(value))
  return String(value)
}

/** What differs, as 'batchBytes 1 MiB, threads 2'; 'the start' where nothing does. */
export function showDifference(from: Candidate, to: Candidate): string {
  const names = differing(from, to)
  return names.map((name) => `${name} ${showKnob(name, to[name]!)}`).join(', ') || 'the start'
}

/** Knobs whose values differ, in the order of knobNames. */
export function differing(from: Candidate, to: Candidate): KnobName[] {
  return knobNames.filter((name) => to[name] !== undefined && to[name] !== from[name])
}

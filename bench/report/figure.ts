// What a bench finds of one case: the least, the median and the most of its samples.
import assert from 'node:assert/strict'
import { medianOf } from '../../src/tune/comparison.ts'
import type { Conditions } from './checkout.ts'

export type Fact = string | number | boolean

export interface Figure {
  /** Cases of a group are compared with each other: 'JSON of a page view'. */
  readonly group: string
  /** 'url, ts and ms, WebAssembly' */
  readonly case: string
  /** 'ns/record', 'events/s', 'ms': of the three numbers. */
  readonly unit: string
  readonly better: 'less' | 'more'
  readonly min: number
  readonly median: number
  readonly max: number
  readonly samples: number
  /** What else is known: sizes, settings, counts. */
  readonly facts: Readonly<Record<string, Fact>>
}

/** One line of bench/results/NAME.json. */
export interface FigureRow extends Figure, Conditions {
  readonly bench: string
  readonly seed: number
  /** So short that its figures mean nothing. */
  readonly smoke?: boolean
}

export type FigureSpec = Pick<Figure, 'group' | 'case' | 'unit' | 'better'> & {
  /** At least one. */
  readonly samples: readonly number[]
  readonly facts?: Readonly<Record<string, Fact | undefined>>
}

const DIGITS = 4

export function figureOf({ samples, facts = {}, ...names }: FigureSpec): Figure {
  const isKnown = samples.length > 0 && samples.every(Number.isFinite)
  assert(isKnown, `${names.group}, ${names.case}: samples are ${samples.join(', ') || 'none'}`)
  const known = Object.entries(facts).filter(
    (fact): fact is [string, Fact] => fact[1] !== undefined,
  )
  return {
    ...names,
    min: rounded(Math.min(...samples)),
    median: rounded(medianOf(samples)),
    max: rounded(Math.max(...samples)),
    samples: samples.length,
    facts: Object.fromEntries(known),
  }
}

export function rounded(value: number): number {
  return Number(value.toPrecision(DIGITS))
}

/** '4,560,000', '12.3', '0.0456' */
export function showNumber(value: number): string {
  const short = value >= 1000 ? Math.round(value) : Number(value.toPrecision(3))
  return short >= 1000 ? short.toLocaleString('en') : String(short)
}

/** Of groups in the order in which they first come. */
export function grouped<F extends Figure>(figures: readonly F[]): readonly (readonly F[])[] {
  const names = [...new Set(figures.map(({ group }) => group))]
  return names.map((name) => figures.filter(({ group }) => group === name))
}

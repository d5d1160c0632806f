// What a program in bench/peers/*/ is asked to do, as JSON in its last argument, and what it says
// meanwhile: lines of JSON on standard output. The same for all languages; README.md there.
import { readSync, writeFileSync } from 'node:fs'

export const streamWorkloads = ['w0', 'w1', 'w2', 'w3'] as const

/**
 * w0: three fields of every event are read and added up. w1: count by url in tumbling windows of
 * 10 s. w2: count, sum, min and max of ms by url in hopping windows of 60 s every 10 s. w3: count
 * by url for ever.
 */
export type StreamWorkload = (typeof streamWorkloads)[number]

export type Guarantee = 'at_least_once' | 'exactly_once'

export interface PeerSpec {
  readonly workload: StreamWorkload
  readonly guarantee: Guarantee
  /** host:port[,host:port…] */
  readonly brokers: string
  readonly topic: string
  /** Records of each partition. */
  readonly ends: readonly number[]
  /** From when it has its partitions; then it stops and answers for what it has consumed. */
  readonly seconds: number
  /** Names its group; topics that it makes have it in their names. */
  readonly id: string
  /** Empty, its own, and gone afterwards. */
  readonly directory: string
  /** Path of the file that its answer goes to. */
  readonly answer: string
}

/**
 * ready: it has its partitions; the clock and the CPU seconds count from here. at: so many records
 * of each partition are consumed. done: it has stopped, and what it keeps is kept; it waits for a
 * byte on its standard input then, writes its answer, and ends.
 */
export type PeerLine =
  | { readonly peer: 'ready'; readonly version: string }
  | { readonly peer: 'at'; readonly consumed: readonly number[] }
  | { readonly peer: 'done' }

/** How often a program says how far it is. */
export const SAMPLE_MS = 100

/** A count in a cell of the answer, and what W2 wants beside it. W0 has one cell: its sums. */
export type AnswerRow = readonly [url: string, start: number, ...values: number[]]

/** For the programs that run on Node. */
export function readSpec(): PeerSpec {
  return JSON.parse(process.argv.at(-1)!) as PeerSpec
}

export function tell(line: PeerLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

/** Says so, and waits until it has been measured. */
export function tellDone(consumed: readonly number[]): void {
  tell({ peer: 'at', consumed })
  tell({ peer: 'done' })
  readSync(0, Buffer.alloc(1))
}

export function writeAnswer(
  spec: PeerSpec,
  consumed: readonly number[],
  rows: Iterable<AnswerRow>,
): void {
  const lines = [['consumed', ...consumed].join('\t')]
  for (const row of rows) lines.push(row.join('\t'))
  writeFileSync(spec.answer, `${lines.join('\n')}\n`)
}

// What a run of `euphorion bench pageviews` or `bench agents` is asked for, and what it answers:
// plain data, because each run has a process of its own.
import type { Settings } from '../settings.ts'
import type { BenchTopic } from './bench_topic.ts'
import type { LoopDelay } from './loop_meter.ts'

export const workloads = ['w0', 'w1', 'w2', 'w3', 'agents-table'] as const

/**
 * What the functions of `euphorion bench agents` do with an event. loop: read three fields of it.
 * await: the same and an `await` of nothing. events: the fields of stream.events(). batches: the
 * columns of stream.batches(). numbers: those of them that are no text. undeclared: as loop, of
 * JSON whose fields were not declared.
 */
export const agentVariants = [
  'loop',
  'await',
  'events',
  'batches',
  'numbers',
  'undeclared',
] as const

export type AgentVariant = (typeof agentVariants)[number]

/**
 * w0: an agent's function reads three fields of every event. w1: count by url in tumbling windows
 * of 10 s. w2: count, sum, min and max of ms by url in hopping windows of 60 s every 10 s. w3:
 * count by url for ever. Windows have a grace of 5 s. agents-table: an agent's function counts by
 * url, with an update of its table for each event.
 */
export type Workload = (typeof workloads)[number]

/** The one table of a run. */
export const benchTable = 'views'

export interface BenchSpec {
  readonly workload: Workload | AgentVariant
  readonly topic: string
  /** Events that are in the topic. */
  readonly events: number
  readonly settings: Settings
  /** What was written to the topic, where agents' sums are to be checked. */
  readonly made?: Pick<BenchTopic, 'partitions' | 'keys' | 'seed'> | undefined
  /** Where the first batch that a kernel consumes is written, as its FlatBuffer. */
  readonly dumpBatch?: string | undefined
}

/** One run; printed as a line of JSON with what describes it. */
export interface BenchRun {
  readonly events: number
  /** From the first fetch sent to the last cut committed. */
  readonly seconds: number
  readonly eventsPerSecond: number
  /** CPU seconds of the process a million events; its start is left out. */
  readonly cpuSecondsPerMillion: number
  /** The main thread's part of it; undefined where the system does not tell it. */
  readonly mainCpuSecondsPerMillion: number | undefined
  /** How late a timer of 1 ms was. */
  readonly loopDelayMs: LoopDelay
  readonly maxResidentMiB: number
  /** Rows in the store or the agent's table; one for each key and slice of time. */
  readonly cells: number
  /** The counts of all cells and the events left out add up to the events. */
  readonly verified: boolean
  readonly late: number
  readonly bad: number
  readonly batches: number
  readonly cuts: number
  /** How long the last cut took, and its transaction of that; ms. */
  readonly cutMs: number
  readonly transactionMs: number
}

/** Runs an agent's function, and no aggregation. */
export function isAgent(workload: Workload | AgentVariant): boolean {
  const isVariant = agentVariants.some((variant) => variant === workload)
  return isVariant || workload === 'w0' || workload === 'agents-table'
}

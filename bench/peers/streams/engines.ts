// The engines that W0–W3 are run on: what each of them needs on this machine, and how its program
// is started. Called by streams.ts.
import { join } from 'node:path'
import { goProgram } from './go.ts'
import { javaProgram } from './java.ts'
import type { Tools } from './missing.ts'
import { pythonProgram } from './python_program.ts'
import type { Guarantee, StreamWorkload } from './spec.ts'

export interface Engine {
  readonly name: string
  readonly label: string
  /** What is left of the state when the process is killed, for the tables. */
  readonly keeps: string
  /** With what it runs W1; the other workloads run at least once. */
  readonly guarantees: readonly Guarantee[]
  /** The command to which the spec is appended. Rejects with Missing. */
  prepare(tools: Tools): Promise<readonly string[]>
}

const once: readonly Guarantee[] = ['at_least_once']
const both: readonly Guarantee[] = ['at_least_once', 'exactly_once']

/** A program of this tree, which is compiled beside this file. */
const nodeProgram = (name: string) => async (): Promise<readonly string[]> => [
  process.execPath,
  join(import.meta.dirname, '..', name, 'peer.js'),
]

export const engines: readonly Engine[] = [
  {
    name: 'euphorion',
    label: 'Euphorion',
    keeps: 'RocksDB; changelog and offsets in one transaction',
    guarantees: both,
    prepare: nodeProgram('euphorion'),
  },
  {
    name: 'kafka-streams',
    label: 'Kafka Streams',
    keeps: 'RocksDB, changelog, offsets',
    guarantees: both,
    prepare: javaProgram,
  },
  {
    name: 'faust',
    label: 'Faust',
    keeps: 'RocksDB, changelog, offsets',
    guarantees: once,
    prepare: pythonProgram('faust', 'faust'),
  },
  {
    name: 'quix',
    label: 'Quix Streams',
    keeps: 'RocksDB, changelog, offsets',
    guarantees: once,
    prepare: pythonProgram('quix', 'quixstreams'),
  },
  {
    name: 'bytewax',
    label: 'Bytewax',
    keeps: 'nothing',
    guarantees: once,
    prepare: pythonProgram('bytewax', 'bytewax'),
  },
  {
    name: 'go',
    label: 'Go by hand, franz-go',
    keeps: 'offsets',
    guarantees: once,
    prepare: goProgram,
  },
  {
    name: 'kafkajs',
    label: 'Node by hand, kafkajs',
    keeps: 'offsets',
    guarantees: once,
    prepare: nodeProgram('kafkajs'),
  },
]

export function guaranteesOf(engine: Engine, workload: StreamWorkload): readonly Guarantee[] {
  return workload === 'w1' ? engine.guarantees : once
}

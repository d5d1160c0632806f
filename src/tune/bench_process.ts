// Runs a bench in a process of its own, so that memory, compiled code and garbage of one run do not
// colour the next. Called by the bench commands.
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type ErrorCode, type ErrorPlace, EuphorionError } from '../errors.ts'
import type { BenchRun, BenchSpec } from './bench_spec.ts'
import type { WireBenchRun, WireBenchSpec } from './bench_wire_spec.ts'
import type { SampleRun, SampleSpec } from './sample_spec.ts'

interface Failure {
  readonly code?: ErrorCode
  readonly place?: ErrorPlace
  readonly message: string
  readonly cause?: string
}

function rebuild({ code, place, message, cause }: Failure): Error {
  const reason = cause === undefined ? undefined : new Error(cause)
  return code === undefined
    ? new Error(message)
    : new EuphorionError(code, message, { place, cause: reason })
}

export function benchInProcess(spec: BenchSpec): Promise<BenchRun>
export function benchInProcess(spec: WireBenchSpec): Promise<WireBenchRun>
export function benchInProcess(spec: SampleSpec): Promise<SampleRun>
export function benchInProcess(spec: BenchSpec | WireBenchSpec | SampleSpec): Promise<unknown> {
  // what agents of a user's app print is no part of a report
  const out = 'sample' in spec ? 'ignore' : 'inherit'
  const child = fork(fileURLToPath(new URL('./bench_child.js', import.meta.url)), {
    stdio: ['inherit', out, 'inherit', 'ipc'],
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) =>
      reject(new Error(`the run ended early (${signal ?? `exit code ${code}`})`)),
    )
    child.once('message', (answer: { run?: unknown; failure?: Failure }) => {
      if (answer.run !== undefined) resolve(answer.run)
      else reject(rebuild(answer.failure!))
    })
    child.send(spec)
  })
}

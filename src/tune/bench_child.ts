// The process of one bench run: takes the spec from its parent, sends the result or the error back.
import { EuphorionError } from '../errors.ts'
import { runBench } from './bench_run.ts'
import type { BenchSpec } from './bench_spec.ts'
import { runWireBench } from './bench_wire.ts'
import type { WireBenchSpec } from './bench_wire_spec.ts'
import { runSample } from './sample_run.ts'
import type { SampleSpec } from './sample_spec.ts'

// With its parent gone nobody waits for the answer. 'exit' then removes the store.
process.once('disconnect', () => process.exit(1))
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => process.exit(1))

process.once('message', (spec) => {
  const running = run(spec as BenchSpec | WireBenchSpec | SampleSpec)
  running.then(
    (run: unknown) => process.send?.({ run }, () => process.exit(0)),
    (error: unknown) => {
      const known = error instanceof EuphorionError ? { code: error.code, place: error.place } : {}
      const cause =
        error instanceof Error && error.cause instanceof Error ? error.cause.message : undefined
      const message =
        error instanceof Error ? (known.code ? error.message : error.stack) : String(error)
      process.send?.({ failure: { ...known, message, cause } }, () => process.exit(1))
    },
  )
})

function run(spec: BenchSpec | WireBenchSpec | SampleSpec): Promise<unknown> {
  if ('sample' in spec) return runSample(spec)
  return 'part' in spec ? runWireBench(spec) : runBench(spec)
}

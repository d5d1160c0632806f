// The process of one bench run: takes the spec from its parent, sends the result or the error back.
import { EuphorionError } from '../errors.ts'
import { runBench } from './bench_run.ts'
import type { BenchSpec } from './bench_spec.ts'

process.once('message', (spec) => {
  runBench(spec as BenchSpec).then(
    (run) => process.send?.({ run }, () => process.disconnect()),
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

// Kernels as users write them, good and bad; imported by threads of the pool. For the tests of
// defineKernel and of isolation.
import { getPriority } from 'node:os'
import { isMainThread, threadId } from 'node:worker_threads'
import { App, EuphorionError } from '../../src/index.ts'
import { defineKernel } from '../../src/kernels.ts'

const module = import.meta.url
const none = {} as const

/** Must not run where the module is imported for its kernels. */
export const app = new App('of-kernels', { broker: 'embedded:./none' })
await app.main(import.meta)

export const sum = defineKernel('sum', {
  columns: { values: 'f64' },
  module,
  run: ({ values }) => values.reduce((total, each) => total + each, 0),
})

export const scaled = defineKernel('scaled', {
  columns: { values: 'f32' },
  params: { factor: 'f64' },
  results: { values: 'f32', first: 'number' },
  module,
  run: ({ values }, { factor }) => {
    const all = values.map((each) => each * factor)
    return { values: all, first: all[0] ?? Number.NaN }
  },
})

/** Changes its own column, and gives a part of a larger buffer. */
export const negated = defineKernel('negated', {
  columns: { values: 'f64' },
  results: 'f64',
  module,
  run: ({ values }) => {
    for (let i = 0; i < values.length; i++) values[i] = -values[i]
    return values.subarray(1)
  },
})

export const where = defineKernel('where', {
  columns: none,
  module,
  run: () => ({ thread: threadId, isMain: isMainThread ? 1 : 0, priority: getPriority() }),
})

let runs = 0
/** Does what `how` says; else gives how often its thread ran it. */
export const unruly = defineKernel('unruly', {
  columns: none,
  params: { how: 'i32' },
  module,
  run: async (_columns, { how }) => {
    if (how === bad.throws) throw new RangeError('thrown on purpose')
    if (how === bad.coded) throw new EuphorionError('RECORD_BAD', 'coded', { place: { offset: 3 } })
    if (how === bad.spins) for (;;) runs++
    if (how === bad.exits) process.exit(3)
    if (how === bad.hangs) await new Promise(() => setInterval(() => undefined, 1000))
    if (how === bad.leaves) void Promise.reject(new Error('left behind'))
    if (how === bad.pauses) await new Promise((resolve) => setImmediate(resolve))
    if (how === bad.givesNothing) return undefined as unknown as number
    return ++runs
  },
})

export const bad = {
  throws: 1,
  coded: 2,
  spins: 3,
  exits: 4,
  hangs: 5,
  leaves: 6,
  pauses: 7,
  givesNothing: 8,
} as const

/** Keeps all it can in objects. */
export const hoarder = defineKernel('hoarder', {
  columns: none,
  module,
  run: () => {
    const all: object[] = []
    for (;;) all.push({ all: all.length })
  },
})

export const sharedSum = defineKernel('shared sum', {
  columns: { values: 'i32' },
  module,
  run: ({ values }) => {
    for (let i = 0; i < values.length; i++) values[i]++
    return values.length
  },
})

/** Runs another kernel, which runs in the same thread then. */
export const nested = defineKernel('nested', {
  columns: { values: 'f64' },
  module,
  run: async ({ values }) => 2 * (await sum.run({ values })),
})

/** The module does not export it. */
const hidden = defineKernel('hidden', { columns: none, module, run: () => 1 })
export const runHidden = () => hidden.run({})

// Transactions, compaction, crashes and lost files of the embedded log in any order: what counts is
// there, what does not never shows.
import assert from 'node:assert/strict'
import { cp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { it } from 'node:test'
import fc from 'fast-check'
import type { EmbeddedLog } from '../../src/log/embedded/embedded_log.ts'
import type { LogConsumer, TransactionalProducer } from '../../src/log/log.ts'
import { inDirectory, openOwned } from '../support/embedded.ts'
import { openConsumer, text, Watch } from '../support/log.ts'
import { Followed } from '../support/transactions.ts'

type Step =
  | { readonly kind: 'append'; readonly by: number; readonly at: number; readonly keys: number[] }
  | { readonly kind: 'offset'; readonly by: number }
  | { readonly kind: 'commit' | 'abort'; readonly by: number }
  | { readonly kind: 'clean'; readonly forget: boolean }
  | { readonly kind: 'reopen' | 'crash'; readonly forget: boolean }

const by = fc.nat(1)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    // Nobody's transaction is 2.
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      by: fc.nat(2),
      at: fc.nat(1),
      keys: fc.array(fc.nat(6), { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('offset' as const), by }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('commit', 'abort'), by }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('clean', 'reopen', 'crash'),
      forget: fc.boolean(),
    }),
  },
)

interface Written {
  readonly at: number
  readonly key: string
  readonly value: string
  readonly offset: number
  state: 'open' | 'counts' | 'not'
}

/** A log, and what has to be in it. */
class Trial {
  readonly #root: string
  #lives = 0
  #log!: EmbeddedLog
  #producers: TransactionalProducer[] = []
  #plain!: Awaited<ReturnType<EmbeddedLog['producer']>>
  #consumer!: LogConsumer
  readonly #written: Written[] = []
  #open: Written[][] = [[], []]
  #offsets: (number | undefined)[] = [undefined, undefined]
  #committed: number | undefined
  #next = 0

  constructor(root: string) {
    this.#root = root
  }

  async start(): Promise<void> {
    this.#log = await openOwned(join(this.#root, `${this.#lives}`), { fsync: 'never' })
    const config = { cleanup: 'compact', segmentBytes: 1500 } as const
    await this.#log.createTopic('t', { partitions: 2, config })
    const watch = new Watch()
    let assigned = false
    this.#consumer = await openConsumer(this.#log, ['t'], {
      groupId: 'g',
      onAssigned: async () => {
        assigned = true
        watch.changed()
        return []
      },
    })
    await watch.until(() => assigned)
    const made = [0, 1].map((id) =>
      this.#log.transactionalProducer({ transactionalId: `${id}`, transactionTimeoutMs: 60_000 }),
    )
    this.#producers = await Promise.all(made)
    this.#plain = await this.#log.producer()
  }

  async take(step: Step): Promise<void> {
    if (step.kind === 'append') await this.#append(step)
    else if ('forget' in step && step.kind === 'clean') await this.#log.clean('t')
    else if ('forget' in step) await this.#reopen(step)
    else if (step.kind !== 'offset') await this.#end(step.by, step.kind)
    else {
      const offset = ++this.#next
      this.#offsets[step.by] = offset
      const at = { topic: 't', partition: 1, offset }
      await this.#producers[step.by].commitOffsets(this.#consumer, [at])
    }
  }

  async #append({ by, at, keys }: Extract<Step, { kind: 'append' }>): Promise<void> {
    const values = keys.map((key) => ({ key: `k${key}`, value: `v${this.#next++}` }))
    const producer = by === 2 ? this.#plain : this.#producers[by]
    const first = await producer.append(
      't',
      at,
      values.map(({ key, value }) => ({ key: text(key), value: text(value), timestamp: 1 })),
    )
    for (const [i, { key, value }] of values.entries()) {
      const written: Written = { at, key, value, offset: first + i, state: 'open' }
      this.#written.push(written)
      if (by === 2) written.state = 'counts'
      else this.#open[by].push(written)
    }
  }

  async #end(by: number, kind: 'commit' | 'abort'): Promise<void> {
    await this.#producers[by][kind]()
    for (const written of this.#open[by].splice(0))
      written.state = kind === 'commit' ? 'counts' : 'not'
    if (kind === 'commit') this.#committed = this.#offsets[by] ?? this.#committed
    this.#offsets[by] = undefined
  }

  async #reopen({ kind, forget }: { kind: string; forget: boolean }): Promise<void> {
    const from = join(this.#root, `${this.#lives}`)
    const to = join(this.#root, `${++this.#lives}`)
    const copy = () =>
      cp(from, to, { recursive: true, filter: (path) => !/log\.sock$|lock\.\d+$/.test(path) })
    if (kind === 'crash') await copy()
    await this.#log.close()
    if (kind === 'reopen') await copy()
    await rm(from, { recursive: true })
    if (forget) await forgetWhatSavesWork(to)
    for (const by of [0, 1]) {
      for (const written of this.#open[by].splice(0)) written.state = 'not'
      this.#offsets[by] = undefined
    }
    await this.start()
  }

  /** What is read: committed, in order, complete up to what compaction may take. */
  async check(): Promise<void> {
    for (const at of [0, 1]) {
      const here = this.#written.filter((written) => written.at === at)
      const [{ earliest }] = (await this.#log.offsets('t')).slice(at)
      const stable = here.find(({ state }) => state === 'open')?.offset ?? Number.POSITIVE_INFINITY
      const counts = here.filter(({ state, offset }) => state === 'counts' && offset < stable)
      const last = new Map(counts.map((written) => [written.key, written.offset]))
      const seen = new Map<number, string>()
      for (let from = earliest; ; ) {
        const records = await this.#log.read('t', at, from, 1)
        if (records.length === 0) break
        for (const { offset, value } of records) seen.set(offset, Buffer.from(value!).toString())
        from = records[records.length - 1].offset + 1
      }
      for (const [offset, value] of seen)
        assert.equal(counts.find((written) => written.offset === offset)?.value, value, 'counts')
      for (const offset of last.values()) assert.ok(seen.has(offset), `${offset} is missing`)
    }
    for (const by of [0, 1]) if (this.#offsets[by] !== undefined) return
    assert.equal((await this.#log.committed('g', 't')).get(1), this.#committed)
  }

  /** Readers get to the end, whatever compaction has taken there. */
  async finish(): Promise<void> {
    for (const by of [0, 1]) await this.#end(by, 'commit')
    await this.check()
    await this.#log.clean('t')
    await this.check()
    const followed = await Followed.open(this.#log, 't', [0, 1])
    await followed.toEnd([0, 1])
    await followed.close()
    await this.#log.close()
  }
}

/** Checkpoints and indexes; the segments alone are the truth. */
async function forgetWhatSavesWork(directory: string): Promise<void> {
  for (const name of await readdir(directory, { recursive: true }))
    if (/checkpoint\.json$|\.index$/.test(name)) await rm(join(directory, name))
}

it('shows what counts and nothing else, through compaction, crashes and lost checkpoints', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60, size: 'max' }), (steps) =>
      inDirectory(async (directory) => {
        const trial = new Trial(directory)
        await trial.start()
        for (const each of steps) {
          await trial.take(each)
          await trial.check()
        }
        await trial.finish()
      }),
    ),
    { numRuns: 20, endOnFailure: true },
  )
})

// One process of a test of rebalances, from the outside: it is told to leave, stopped, continued,
// blocked or killed, and what it says is kept. Started by copy_group.ts.
import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../src/clock.ts'
import type { CopyJob, CopyLine, CopyOrder } from './copy_worker.ts'
import { Watch } from './log.ts'
import type { StateJob } from './state_worker.ts'

const copying = fileURLToPath(new URL('./copy_worker.js', import.meta.url))

export interface Span {
  readonly fromMs: number
  toMs: number
}

export class CopyLife {
  readonly number: number
  readonly lines: CopyLine[] = []
  /** When it stood still because it was told to. */
  readonly stops: Span[] = []
  readonly #child: ChildProcess
  readonly #watch = new Watch()
  readonly #closed: Promise<unknown[]>
  readonly startedMs = systemClock.now()
  #errors = ''

  /** `program`: that of copying groups, or another that says the same. */
  constructor(job: CopyJob | StateJob, program = copying) {
    this.number = job.life
    const stdio = ['ignore', 'pipe', 'pipe', 'ipc'] as const
    this.#child = fork(program, [JSON.stringify(job)], { stdio: [...stdio] })
    this.#closed = once(this.#child, 'close')
    this.#child.stderr!.on('data', (bytes) => {
      this.#errors += bytes
    })
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      this.lines.push(JSON.parse(line) as CopyLine)
      this.#watch.changed()
    })
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** Resolves once the lines hold it; rejects when the process ends before. */
  until(holds: (lines: readonly CopyLine[]) => boolean): Promise<void> {
    const ended = this.#closed.then(() => {
      if (!holds(this.lines)) throw new Error(`life ${this.number} ended: ${this.#errors}`)
    })
    return Promise.race([this.#watch.until(() => holds(this.lines)), ended])
  }

  /** Resolves when it has copied something. */
  untilWorking(): Promise<void> {
    return this.until((lines) => lines.some(({ kind }) => kind === 'first'))
  }

  /** Partitions that it has, as its last line about them says. */
  get held(): number {
    const last = this.lines.findLast((line) => line.kind === 'log' && 'held' in line.fields)
    return last?.kind === 'log' ? Number(last.fields.held) : 0
  }

  /** Its last round of the group. */
  get generation(): unknown {
    return this.logged('joined the group').at(-1)?.fields.generation
  }

  /** Records that it has copied, as far as it has said so. */
  get copied(): number {
    const last = this.lines.findLast((line) => line.kind === 'state')
    return last?.kind === 'state' ? last.copied : 0
  }

  get residentBytesMax(): number {
    return Math.max(
      0,
      ...this.lines.map((line) => (line.kind === 'state' ? line.residentBytes : 0)),
    )
  }

  /** What it has logged with that message. */
  logged(message: string): (CopyLine & { kind: 'log' })[] {
    return this.lines.flatMap((line) =>
      line.kind === 'log' && line.message === message ? [line] : [],
    )
  }

  /** How often it was given the partition. */
  assigned(partition: number): number {
    return this.logged('partitions assigned').filter((line) =>
      partitionsOf(line).includes(partition),
    ).length
  }

  /** As Ctrl+C does it; it must end by itself, with 0. */
  async leave(): Promise<void> {
    this.#child.kill('SIGINT')
    const [code, signal] = await this.#closed
    assert.equal(signal ?? code, 0, `life ${this.number} failed: ${this.#errors}`)
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** What it has printed of errors. */
  get errors(): string {
    return this.#errors
  }

  /** kill -9. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#closed
  }

  stop(): void {
    this.#child.kill('SIGSTOP')
    this.stops.push({ fromMs: systemClock.now(), toMs: Number.POSITIVE_INFINITY })
  }

  continue(): void {
    this.#child.kill('SIGCONT')
    this.stops.at(-1)!.toMs = systemClock.now()
  }

  /** Blocks its main thread. */
  block(blockMs: number): void {
    const fromMs = systemClock.now()
    this.#child.send({ blockMs } satisfies CopyOrder)
    this.stops.push({ fromMs, toMs: fromMs + blockMs })
  }
}

/** Of a line that names ranges of one topic. */
export function partitionsOf({ fields }: CopyLine & { kind: 'log' }): number[] {
  return Object.values(fields.partitions ?? {}).flatMap((ranges) =>
    ranges.split(', ').flatMap((range) => {
      const [from, to = from] = range.split('-').map(Number)
      return Array.from({ length: to - from + 1 }, (_, index) => from + index)
    }),
  )
}

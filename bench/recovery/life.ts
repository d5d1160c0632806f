// A worker process of the recovery bench from the outside: started, killed, stopped, and what it
// said. Used by failover_pair.ts and start.ts.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { pause, systemClock } from '../../src/clock.ts'
import type { RecoveryJob, RecoveryLine, RecoveryState } from './job.ts'

const program = fileURLToPath(new URL('./worker.js', import.meta.url))
const LOOK_MS = 5
/** On a machine that has much else to do. */
const GIVE_UP_MS = 180_000

const nothing: RecoveryState = { held: [], recovering: 0, copies: 0 }

export class Life {
  readonly job: RecoveryJob
  readonly dataDir: string
  readonly lines: RecoveryLine[] = []
  /** Wall clock, before the process was there. */
  readonly startedMs = systemClock.now()
  readonly #child: ChildProcess
  readonly #closed: Promise<unknown[]>
  #errors = ''

  constructor(job: RecoveryJob, dataDir: string) {
    this.dataDir = dataDir
    this.job = { ...job, settings: { ...job.settings, dataDir } }
    const stdio = ['ignore', 'pipe', 'pipe'] as const
    this.#child = spawn(process.execPath, [program, JSON.stringify(this.job)], {
      stdio: [...stdio],
      // without the settings that a file of this directory may have
      cwd: tmpdir(),
    })
    this.#closed = once(this.#child, 'close')
    this.#child.stderr!.on('data', (bytes) => {
      this.#errors += bytes
    })
    createInterface({ input: this.#child.stdout! }).on('line', (line) =>
      this.lines.push(JSON.parse(line) as RecoveryLine),
    )
    // it does not outlive a bench that failed
    const end = (): void => void this.#child.kill('SIGKILL')
    process.once('exit', end)
    void this.#closed.then(() => process.off('exit', end))
  }

  /** Rejects when it ends before, and after three minutes. */
  async until(what: string, holds: () => boolean): Promise<void> {
    const endMs = systemClock.monotonic() + GIVE_UP_MS
    while (!holds()) {
      const isLate = systemClock.monotonic() > endMs
      if (isLate || this.hasEnded)
        throw new Error(`waited in vain until ${what}: ${this.#failures()}`)
      await pause(systemClock, LOOK_MS)
    }
  }

  /** When it first read events from this id on, of each of these partitions; undefined: not yet. */
  readMs(partitions: readonly number[], id: number): number | undefined {
    const times = partitions.map((partition) => {
      const isIt = (line: RecoveryLine): boolean =>
        line.kind === 'row' && line.partition === partition && line.newest >= id
      return this.lines.find(isIt)?.atMs
    })
    return times.includes(undefined) ? undefined : Math.max(...(times as number[]))
  }

  /** The last that it said of it, and when. */
  get state(): RecoveryState & { readonly atMs: number } {
    const last = this.lines.findLast((line) => line.kind === 'state')
    return last?.kind === 'state' ? last : { atMs: this.startedMs, ...nothing }
  }

  /** When it first said so from then on. */
  saidMs(message: string, sinceMs = 0): number | undefined {
    return this.lines.find(
      (line) => line.atMs >= sinceMs && line.kind === 'log' && line.message === message,
    )?.atMs
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** kill -9 */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#closed
  }

  /** SIGTERM; resolves when it has ended with 0. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM')
    const [code, signal] = await this.#closed
    assert.equal(signal ?? code, 0, this.#failures())
  }

  #failures(): string {
    const errors = this.lines.flatMap((line) =>
      line.kind === 'log' && line.level === 'error' ? `${line.message} ${line.error ?? ''}` : [],
    )
    return [...errors, this.#errors].join('\n')
  }
}

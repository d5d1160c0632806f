// A member of a group in a process of its own (membership_worker.ts), and what it said. Used by the
// system tests of memberships.
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { MembershipOptions } from '../../src/log/kafka/membership.ts'
import type { TopicPartition } from '../../src/log/log.ts'
import { Watch } from './log.ts'

/** Sessions last 2 s unless it says otherwise. */
export type WorkerChoice = Pick<MembershipOptions, 'groupId' | 'topics'> &
  Partial<Pick<MembershipOptions, 'instanceId' | 'sessionTimeoutMs' | 'progressTimeoutMs'>> & {
    /** What it is to give up, it keeps until it has lost it. */
    readonly neverRevokes?: boolean
  }

/** A line of the process. */
interface Line {
  readonly kind: string
  readonly added?: readonly TopicPartition[]
  readonly gone?: readonly TopicPartition[]
  readonly lost?: boolean
  readonly error?: string
}

export class MemberProcess {
  /** Partitions of all topics, in order. */
  readonly held = new Set<number>()
  readonly lines: Line[] = []
  readonly #child: ChildProcess
  readonly #watch = new Watch()
  #exitCode: number | null | undefined

  constructor(brokers: string, choice: WorkerChoice) {
    const program = fileURLToPath(new URL('./membership_worker.js', import.meta.url))
    this.#child = spawn(process.execPath, [program, brokers, JSON.stringify(choice)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      this.#note(JSON.parse(line) as Line)
      this.#watch.changed()
    })
    this.#child.on('exit', (code) => {
      this.#exitCode = code
      this.#watch.changed()
    })
  }

  #note(line: Line): void {
    this.lines.push(line)
    for (const { partition } of line.added ?? []) this.held.add(partition)
    for (const { partition } of line.gone ?? []) this.held.delete(partition)
  }

  until(isSo: () => boolean): Promise<void> {
    return this.#watch.until(isSo)
  }

  holds(count: number): Promise<void> {
    return this.until(() => this.held.size === count)
  }

  said(kind: string): readonly Line[] {
    return this.lines.filter((line) => line.kind === kind)
  }

  order(line: string): void {
    this.#child.stdin!.write(`${line}\n`)
  }

  signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
    this.#child.kill(name)
  }

  /** Resolves with its exit code. */
  async ended(): Promise<number | null> {
    await this.until(() => this.#exitCode !== undefined)
    return this.#exitCode!
  }

  /** Whatever it does. */
  async kill(): Promise<void> {
    this.signal('SIGKILL')
    await this.ended()
  }
}

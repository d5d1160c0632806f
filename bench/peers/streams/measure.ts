// Runs one program over the topic, and measures it from outside: rate, CPU seconds, memory. Called
// by streams.ts.
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { type Clock, systemClock } from '../../../src/clock.ts'
import { type Usage, usageOfTree } from './process_tree.ts'
import type { PeerLine, PeerSpec } from './spec.ts'

/** One run. */
export interface Measured {
  readonly version: string
  /** From `ready` to `done`. */
  readonly seconds: number
  readonly records: number
  readonly perSecond: number
  /** Of the second half of the records. */
  readonly secondHalfPerSecond: number
  /** Undefined where the system does not tell it. */
  readonly cpuSeconds: number | undefined
  readonly residentMiB: number | undefined
}

/** Virtual machines, packages, joining a group: on a busy machine all of it is slow. */
const START_MS_MAX = 180_000
/** What is in flight, and the answer. */
const END_MS_MAX = 180_000
const STDERR_LINES = 50

interface Point {
  readonly ms: number
  readonly records: number
}

/** Rejects with what the program said last where it fails, or does not end in time. */
export async function measure(
  command: readonly string[],
  spec: PeerSpec,
  clock: Clock = systemClock,
): Promise<Measured> {
  const [file, ...args] = command
  const child = spawn(file, [...args, JSON.stringify(spec)], {
    stdio: ['pipe', 'pipe', 'pipe'],
    cwd: spec.directory,
    // a group of its own: it ends with all that it has started
    detached: true,
  })
  const end = (): void => killGroup(child)
  process.once('exit', end)
  const meter = new Meter(child, clock)
  const said: string[] = []
  // a program that has ended does not want the byte any more
  child.stdin.on('error', () => undefined)
  createInterface({ input: child.stdout! }).on('line', (line) => meter.hear(line))
  createInterface({ input: child.stderr! }).on('line', (line) => {
    said.push(line)
    if (said.length > STDERR_LINES) said.shift()
  })
  let isLate = false
  const cancel = clock.after(START_MS_MAX + spec.seconds * 1000 + END_MS_MAX, () => {
    isLate = true
    end()
  })
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    if (isLate) throw new Error('it did not end in time')
    // a trace is indented, in every language
    if (code !== 0) throw new Error(said.findLast((line) => /^\S/.test(line)) ?? `code ${code}`)
    return meter.result()
  } finally {
    cancel()
    end()
    process.off('exit', end)
  }
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // nothing of it is left
  }
}

/** Takes the time when a line comes: no program is asked what it thinks the time is. */
class Meter {
  readonly #child: ChildProcess
  readonly #clock: Clock
  #version: string | undefined
  #begun: { readonly ms: number; readonly usage: Usage | undefined } | undefined
  #ended: { readonly ms: number; readonly usage: Usage | undefined } | undefined
  readonly #points: Point[] = []

  constructor(child: ChildProcess, clock: Clock) {
    this.#child = child
    this.#clock = clock
  }

  hear(text: string): void {
    const line = lineOf(text)
    if (line?.peer === 'ready') {
      this.#version = line.version
      this.#begun = this.#now()
    } else if (line?.peer === 'at') {
      const records = line.consumed.reduce((sum, count) => sum + count, 0)
      this.#points.push({ ms: this.#clock.monotonic(), records })
    } else if (line?.peer === 'done') {
      this.#ended = this.#now()
      this.#child.stdin?.end('\n')
    }
  }

  #now() {
    const usage = usageOfTree(this.#child.pid!)
    return { ms: this.#clock.monotonic(), usage }
  }

  result(): Measured {
    if (this.#begun === undefined || this.#ended === undefined)
      throw new Error('it ended without having said that it was ready and done')
    const [begun, ended] = [this.#begun, this.#ended]
    const records = this.#points.at(-1)?.records ?? 0
    const points = [
      { ms: begun.ms, records: 0 },
      ...this.#points.filter(({ ms }) => ms > begun.ms && ms < ended.ms),
      { ms: ended.ms, records },
    ]
    const seconds = (ended.ms - begun.ms) / 1000
    const half = (ended.ms - timeOf(points, records / 2)) / 1000
    return {
      version: this.#version!,
      seconds,
      records,
      perSecond: records / seconds,
      secondHalfPerSecond: half > 0 ? records / 2 / half : records / seconds,
      cpuSeconds: begun.usage && ended.usage && ended.usage.cpuSeconds - begun.usage.cpuSeconds,
      residentMiB: ended.usage?.residentMiB,
    }
  }
}

/** ms at which so many records were consumed, between two points as on a line. */
function timeOf(points: readonly Point[], records: number): number {
  const at = Math.max(
    1,
    points.findIndex((point) => point.records >= records),
  )
  const [from, to] = [points[at - 1], points[at]]
  const rise = to.records - from.records
  const share = rise === 0 ? 1 : (records - from.records) / rise
  return from.ms + share * (to.ms - from.ms)
}

/** Undefined for what libraries print. */
function lineOf(text: string): PeerLine | undefined {
  if (!text.startsWith('{"peer":')) return undefined
  return JSON.parse(text) as PeerLine
}

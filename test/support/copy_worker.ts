// Forked by tests of rebalances: an app with one agent that copies records from a topic to another.
// It says on standard output, line by line and at once (so that a kill -9 loses none), what it logs
// and where a partition that it held stood still.
import { writeSync } from 'node:fs'
import { runUntilSignal } from '../../src/app/signals.ts'
import { systemClock } from '../../src/clock.ts'
import { App, type Logger, raw } from '../../src/index.ts'
import type { SettingsInput } from '../../src/settings.ts'
import { copyRecord } from './copy_topics.ts'

export interface CopyJob {
  readonly appId: string
  readonly source: string
  readonly sink: string
  /** Which one of all processes of the test it is: goes into the copies. */
  readonly life: number
  readonly settings: SettingsInput
  /** Records a second that are copied of each partition at most. */
  readonly rate: number
}

/** What it says. `atMs`: wall clock. */
export type CopyLine = { readonly atMs: number } & (
  | { readonly kind: 'log'; readonly level: keyof Logger; fields: LogFields; message: string }
  /** Nothing was copied of the partition for so long, though the worker held it. */
  | { readonly kind: 'gap'; readonly partition: number; readonly ms: number }
  /** Of a partition that was assigned. */
  | { readonly kind: 'first'; readonly partition: number }
  /** A lane of a partition that was assigned has read something (state_worker.ts). */
  | { readonly kind: 'counting'; readonly partition: number; readonly table: string }
  | { readonly kind: 'state'; readonly copied: number; readonly residentBytes: number }
)

interface LogFields {
  /** By topic, as ranges. */
  readonly partitions?: Readonly<Record<string, string>>
  readonly [name: string]: unknown
}

/** What it is told. */
export interface CopyOrder {
  /** Blocks the main thread. */
  readonly blockMs: number
}

type Told = CopyLine extends infer L ? (L extends CopyLine ? Omit<L, 'atMs'> : never) : never

const GAP_MS_MIN = 50
const STATE_MS = 1000
const TURNS_PER_SECOND = 50
const TURN_MS = 1000 / TURNS_PER_SECOND

const { appId, source, sink, life, settings, rate } = JSON.parse(process.argv[2]) as CopyJob
let copied = 0

function say(line: Told): void {
  writeSync(1, `${JSON.stringify({ atMs: systemClock.now(), ...line })}\n`)
}

const sayLog =
  (level: keyof Logger) =>
  (given: object, message: string): void => {
    const { err } = given as { err?: unknown }
    const fields = err === undefined ? given : { ...given, err: String(err) }
    say({ kind: 'log', level, fields: fields as LogFields, message })
  }
const logger: Logger = {
  debug: () => undefined,
  info: sayLog('info'),
  warn: sayLog('warn'),
  error: sayLog('error'),
}

const app = new App(appId, { ...settings, logger })
const from = app.topic(source, { value: raw() })
const to = app.topic(sink, { value: raw() })

interface Copy {
  readonly partition: number
  readonly value: Uint8Array
}

/** Copies stay in their partition, so that their order can be checked. */
const samePartition = {
  send: ({ value: { partition, value } }: { readonly value: Copy }) =>
    to.send({ value, partition }),
}

app.agent(
  from,
  async function* copy(stream): AsyncGenerator<Copy> {
    const { partition } = stream
    let lastMs: number | undefined
    let left = 0
    for await (const value of stream) {
      const nowMs = systemClock.monotonic()
      if (lastMs === undefined) say({ kind: 'first', partition })
      else if (nowMs - lastMs >= GAP_MS_MIN)
        say({ kind: 'gap', partition, ms: Math.round(nowMs - lastMs) })
      lastMs = nowMs
      copied++
      if (--left < 0) {
        left = rate / TURNS_PER_SECOND
        await new Promise<void>((resolve) => systemClock.after(TURN_MS, resolve))
      }
      yield { partition, value: copyRecord(value!, life) }
    }
  },
  { sink: samePartition },
)

process.on('message', ({ blockMs }: CopyOrder) => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, blockMs)
})
process.channel?.unref()

let cancelState = (): void => undefined
function sayState(): void {
  say({ kind: 'state', copied, residentBytes: process.memoryUsage.rss() })
  cancelState = systemClock.after(STATE_MS, sayState)
}

sayState()
const code = await runUntilSignal(app)
cancelState()
say({ kind: 'state', copied, residentBytes: process.memoryUsage.rss() })
process.exitCode = code

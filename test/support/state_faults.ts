// What happens to the processes of a counting group and to its broker, drawn from a seed. Called by
// tests of state under faults.
import { setTimeout } from 'node:timers/promises'
import { type Random, systemClock } from '../../src/clock.ts'
import type { KafkaNode } from './kafka_node.ts'
import type { StateGroup, StateLife } from './state_group.ts'

export interface Fault {
  readonly atMs: number
  readonly what: string
}

export interface FaultOptions {
  readonly faults: number
  readonly random: Random
  readonly sessionTimeoutMs: number
  /** That may be killed and started again. */
  readonly broker: KafkaNode
  /** A line for each, as it happens. */
  readonly tell: (line: string) => void
}

const NAMES = ['a', 'b', 'c']
const QUIET_MS_MIN = 500
const QUIET_MS_MAX = 4000
const BEYOND_SESSION_MS = 2000

/** In the end at least one process runs. */
export async function disturbState(
  group: StateGroup,
  running: Map<string, StateLife>,
  { faults, random, sessionTimeoutMs, broker, tell }: FaultOptions,
): Promise<Fault[]> {
  const done: Fault[] = []
  const between = (from: number, to: number): number => from + random() * (to - from)
  const any = (): StateLife => [...running.values()][Math.floor(random() * running.size)]
  const start = async (name: string): Promise<void> => {
    running.set(name, await group.start(name))
  }
  const kill = async ({ name, life }: StateLife): Promise<void> => {
    running.delete(name)
    await life.kill()
  }
  /** Who starts needs a broker, and does not hear signals yet. */
  const started = (lives: Iterable<StateLife> = running.values()) =>
    Promise.all(
      [...lives].map(({ life }) => life.until(() => life.logged('worker started').length > 0)),
    )
  const leave = async (leaving: StateLife): Promise<void> => {
    await started([leaving])
    const { name, life } = leaving
    running.delete(name)
    await life.leave()
  }
  const absent = (): string | undefined => NAMES.find((name) => !running.has(name))
  const acts: Readonly<Record<string, () => Promise<void>>> = {
    async 'kill -9, and back'() {
      const victim = any()
      await kill(victim)
      await setTimeout(between(0, sessionTimeoutMs + BEYOND_SESSION_MS))
      await start(victim.name)
    },
    async 'kill -9, and back without its data'() {
      const victim = any()
      await kill(victim)
      group.wipe(victim.name)
      await setTimeout(between(0, sessionTimeoutMs))
      await start(victim.name)
    },
    async 'stop beyond the session'() {
      const { life } = any()
      life.stop()
      await setTimeout(sessionTimeoutMs + BEYOND_SESSION_MS)
      life.continue()
    },
    async 'stop for a moment'() {
      const { life } = any()
      life.stop()
      await setTimeout(between(200, sessionTimeoutMs / 2))
      life.continue()
    },
    async 'kill the broker'() {
      await started()
      await broker.kill()
      await setTimeout(between(0, 2000))
      await broker.start()
    },
    async 'restart the broker'() {
      await started()
      await broker.stop()
      await broker.start()
    },
    async join() {
      const name = absent()
      if (name !== undefined) await start(name)
    },
    async leave() {
      if (running.size > 1) await leave(any())
    },
    async 'restart all, one by one'() {
      for (const each of [...running.values()]) {
        await leave(each)
        await start(each.name)
        await setTimeout(1000)
      }
    },
  }
  const names = Object.keys(acts)
  for (let n = 0; n < faults; n++) {
    // every kind comes up
    const what = n < names.length ? names[n] : names[Math.floor(random() * names.length)]
    done.push({ atMs: systemClock.now(), what })
    tell(`fault ${n + 1}: ${what}; ${group.views} views, ${running.size} processes`)
    await acts[what]()
    await setTimeout(between(QUIET_MS_MIN, QUIET_MS_MAX))
  }
  return done
}

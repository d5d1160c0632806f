// How long partitions lie idle when their worker is killed, and when workers are restarted one by
// one, from the lines of the processes that count. Called by system and long tests.
import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import { type Random, seededRandom, systemClock } from '../../src/clock.ts'
import { StateGroup, type StateLife } from './state_group.ts'
import type { StateTrial } from './state_trial.ts'
import { compareState, inGroup, sessionTimeoutMs, startWorking } from './state_trial.ts'

export interface FailoverTrial extends Omit<StateTrial, 'faults'> {
  readonly workers: number
  readonly partitions: number
  /** How often a worker is killed, or all are restarted. */
  readonly times: number
}

/** What happened to one partition; all in ms since its worker was killed, or told to stop. */
export interface Handover {
  readonly partition: number
  /** The heir hears that it is to join again. */
  readonly heardMs: number
  /** The heir knows what it has. */
  readonly joinedMs: number
  readonly openedMs: number
  /** The agent has its first event, and every lane has counted something. */
  readonly agentMs: number
  readonly lanesMs: number
}

export interface FailoverFigures {
  readonly handovers: Handover[]
  /** The longest pause of a partition that did not move, ms. */
  readonly pauseMs: number
  /** What the group had to share anew meanwhile, with why; of restarts. */
  readonly rounds: string[]
}

const LANES = 2
const LOOK_MS = 25
/** Nothing has moved for so long. */
const QUIET_MS = 4000
const GIVE_UP_MS = 60_000

/** When the agent of each partition began last, and whose it was. */
function ownerOf(group: StateGroup, partition: number): { atMs: number; by: StateLife } {
  let owner: { atMs: number; by: StateLife } | undefined
  for (const by of group.lives)
    for (const line of by.life.lines)
      if (line.kind === 'first' && line.partition === partition)
        if (owner === undefined || line.atMs > owner.atMs) owner = { atMs: line.atMs, by }
  assert(owner, `nobody has partition ${partition}`)
  return owner
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const endMs = systemClock.monotonic() + GIVE_UP_MS
  while (!holds()) {
    if (systemClock.monotonic() > endMs) throw new Error(`waited in vain until ${what}`)
    await setTimeout(LOOK_MS)
  }
}

/** All partitions are read, and no member has joined anything for a while. */
function settled(group: StateGroup, running: ReadonlyMap<string, StateLife>): Promise<void> {
  return until('the group is quiet', () => {
    const lives = [...running.values()].map(({ life }) => life)
    const held = lives.reduce((sum, { held }) => sum + held, 0)
    const movedMs = Math.max(
      ...lives.map(({ lines }) => lines.findLast((line) => line.kind === 'log')?.atMs ?? 0),
    )
    return held === group.partitions && systemClock.now() - movedMs >= QUIET_MS
  })
}

/** Of each of these partitions, once somebody has begun with it since then. */
async function handovers(
  group: StateGroup,
  partitions: readonly number[],
  sinceMs: number,
): Promise<Handover[]> {
  const found: Handover[] = []
  for (const partition of partitions) {
    const counting = () =>
      group.lives.flatMap(({ life }) =>
        life.lines.filter(
          (line) => line.kind === 'counting' && line.partition === partition && line.atMs > sinceMs,
        ),
      )
    const isBack = () => ownerOf(group, partition).atMs > sinceMs && counting().length >= LANES
    await until(`partition ${partition} goes on`, isBack)
    const { atMs, by } = ownerOf(group, partition)
    const before = (message: string) =>
      by.life.logged(message).findLast((line) => line.atMs <= atMs)
    const joined = before('joined the group')
    const joinedMs = (joined?.atMs ?? sinceMs) - sinceMs
    found.push({
      partition,
      heardMs: joinedMs - Number(joined?.fields.ms ?? 0),
      joinedMs,
      openedMs: (before('partitions opened')?.atMs ?? sinceMs) - sinceMs,
      agentMs: atMs - sinceMs,
      lanesMs: Math.max(...counting().map((line) => line.atMs)) - sinceMs,
    })
  }
  return found
}

/** The longest, in these processes, of partitions that are not among `moved`. */
function longestPause(
  lives: readonly StateLife[],
  moved: readonly number[],
  sinceMs: number,
): number {
  const pauses = lives.flatMap(({ life }) =>
    life.lines.flatMap((line) =>
      line.kind === 'gap' && line.atMs > sinceMs && !moved.includes(line.partition)
        ? [line.ms]
        : [],
    ),
  )
  return Math.max(0, ...pauses)
}

function partitionsOf(group: StateGroup, life: StateLife): number[] {
  return Array.from({ length: group.partitions }, (_, partition) => partition).filter(
    (partition) => ownerOf(group, partition).by === life,
  )
}

function describe({ partition, ...times }: Handover): string {
  const text = Object.entries(times).map(([name, ms]) => `${name.slice(0, -2)} ${ms}`)
  return `partition ${partition}: ${text.join(', ')} ms`
}

function openGroup(trial: FailoverTrial): Promise<StateGroup> {
  const { kafka, guarantee, partitions, seed, rate, isStatic = false } = trial
  const settings = { sessionTimeoutMs, guarantee, commitIntervalMs: 100, ...trial.settings }
  const broker = `kafka://${kafka.brokers}`
  return StateGroup.open({ broker, partitions, seed, rate, settings, isStatic })
}

const names = ['a', 'b', 'c', 'd']

/** Kills one worker after the other; each comes back when its partitions have new owners. */
export async function runFailovers(trial: FailoverTrial): Promise<FailoverFigures> {
  const { seed, times, workers, tell } = trial
  const group = await openGroup(trial)
  return inGroup(group, tell, async () => {
    const running = await startWorking(group, names.slice(0, workers))
    const random = seededRandom(seed)
    const all: Handover[] = []
    let pauseMs = 0
    for (let n = 0; n < times; n++) {
      await settled(group, running)
      await setTimeout(1000 * random())
      const victim = oneOf(running, random)
      const lost = partitionsOf(group, victim)
      const atMs = systemClock.now()
      running.delete(victim.name)
      await victim.life.kill()
      const found = await handovers(group, lost, atMs)
      // a pause is told of at its end
      await setTimeout(1000)
      const pause = longestPause([...running.values()], lost, atMs)
      tell(`kill ${n + 1}: ${victim.name} had ${lost}; the others paused ${pause} ms`)
      for (const each of found) tell(describe(each))
      all.push(...found)
      pauseMs = Math.max(pauseMs, pause)
      running.set(victim.name, await group.start(victim.name))
    }
    await settled(group, running)
    await compareState(group, running, trial)
    return { handovers: all, pauseMs, rounds: [] }
  })
}

/** Restarts all workers, which are static members, one after the other. */
export async function runRollingRestarts(trial: FailoverTrial): Promise<FailoverFigures> {
  const { times, workers, tell } = trial
  const group = await openGroup({ ...trial, isStatic: true })
  return inGroup(group, tell, async () => {
    const running = await startWorking(group, names.slice(0, workers))
    const all: Handover[] = []
    let pauseMs = 0
    const rounds = new Set<string>()
    for (let n = 0; n < times; n++) {
      await settled(group, running)
      const lives = [...running.values()]
      const generation = lives[0].life.generation
      for (const old of lives) {
        const had = partitionsOf(group, old)
        const atMs = systemClock.now()
        await old.life.leave()
        const leftMs = systemClock.now() - atMs
        const again = await group.start(old.name)
        running.set(old.name, again)
        const found = await handovers(group, had, atMs)
        tell(`restart of ${old.name}: it stopped in ${leftMs} ms, ${describeStart(again, atMs)}`)
        for (const each of found) tell(describe(each))
        all.push(...found)
        const others = [...running.values()].filter((each) => each !== again)
        pauseMs = Math.max(pauseMs, longestPause(others, had, atMs))
        for (const { fields } of again.life.logged('joined the group'))
          if (fields.generation !== generation) rounds.add(String(fields.reason))
      }
      for (const { life } of lives)
        for (const { fields } of life.logged('joined the group'))
          if (Number(fields.generation) > Number(generation)) rounds.add(String(fields.reason))
    }
    for (const reason of rounds) tell(`the group had to share: ${reason}`)
    await settled(group, running)
    await compareState(group, running, trial)
    return { handovers: all, pauseMs, rounds: [...rounds] }
  })
}

/** Where the time of a start went. */
function describeStart({ life }: StateLife, sinceMs: number): string {
  const steps = ['loaded', 'joined the group', 'partitions opened', 'worker started']
  const text = steps.map((step) => `${step} ${(life.logged(step)[0]?.atMs ?? NaN) - sinceMs}`)
  return `forked ${life.startedMs - sinceMs}, ${text.join(', ')} ms`
}

function oneOf(running: ReadonlyMap<string, StateLife>, random: Random): StateLife {
  return [...running.values()][Math.floor(random() * running.size)]
}

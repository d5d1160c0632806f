// What happens to the processes of a copying group, drawn from a seed: they are started, told to
// leave, stopped, blocked and killed while they work. Called by long/rebalance.test.ts.
import { setTimeout } from 'node:timers/promises'
import { type Random, systemClock } from '../../src/clock.ts'
import type { CopyGroup } from './copy_group.ts'
import type { CopyLife } from './copy_life.ts'

export interface CopyEvent {
  readonly atMs: number
  readonly what: string
}

const LIVES_MIN = 2
const LIVES_MAX = 4
/** Time in which the group is left alone after an event. */
const QUIET_MS_MIN = 2000
const QUIET_MS_MAX = 5000

/** Until so many records are copied; in the end every process left is at work. */
export async function disturb(
  group: CopyGroup,
  lives: CopyLife[],
  until: { readonly records: number; readonly random: Random; readonly sessionTimeoutMs: number },
): Promise<CopyEvent[]> {
  const { records, random, sessionTimeoutMs } = until
  const events: CopyEvent[] = []
  const note = (what: string, life: CopyLife): void => {
    events.push({ atMs: systemClock.now(), what: `${what} ${life.number}` })
  }
  const any = (): number => Math.floor(random() * lives.length)
  const between = (from: number, to: number): number => from + random() * (to - from)
  const acts = {
    async join() {
      const life = group.start()
      lives.push(life)
      note('join', life)
      await life.untilWorking()
    },
    async leave() {
      const [life] = lives.splice(any(), 1)
      note('leave', life)
      await life.leave()
    },
    async kill() {
      const [life] = lives.splice(any(), 1)
      note('kill', life)
      await life.kill()
    },
    async stop() {
      const life = lives[any()]
      const isLong = random() < 1 / 3
      note(isLong ? 'stop beyond the session' : 'stop', life)
      life.stop()
      await setTimeout(isLong ? sessionTimeoutMs + 2000 : between(500, sessionTimeoutMs / 2))
      life.continue()
    },
    async block() {
      const life = lives[any()]
      note('block', life)
      life.block(between(1000, sessionTimeoutMs + 1000))
    },
  }
  while ((await group.committed()) < records) {
    const names: (keyof typeof acts)[] = ['stop', 'block']
    if (lives.length < LIVES_MAX) names.push('join', 'join')
    if (lives.length > LIVES_MIN) names.push('leave', 'kill')
    await acts[names[Math.floor(random() * names.length)]]()
    await setTimeout(between(QUIET_MS_MIN, QUIET_MS_MAX))
  }
  return events
}

// One trial of state under faults: processes count while a seed disturbs them and their broker, then
// everything is compared, also after every data directory is gone. Called by system and long tests.
import { seededRandom } from '../../src/clock.ts'
import type { SettingsInput } from '../../src/settings.ts'
import type { KafkaCluster } from './kafka.ts'
import { checkOutput, checkTables, countViews, type OutputFacts } from './state_check.ts'
import { disturbState } from './state_faults.ts'
import { StateGroup, type StateLife } from './state_group.ts'

export interface StateTrial {
  readonly kafka: KafkaCluster
  readonly guarantee: 'at_least_once' | 'exactly_once'
  readonly seed: number
  readonly faults: number
  readonly rate: number
  readonly settings?: SettingsInput
  readonly isStatic?: boolean
  readonly tell: (line: string) => void
}

/** The least that usual brokers allow. */
export const sessionTimeoutMs = 6000

export async function runStateTrial(trial: StateTrial): Promise<OutputFacts & { views: number }> {
  const { kafka, guarantee, seed, faults, rate, tell, isStatic = false } = trial
  const settings = { sessionTimeoutMs, guarantee, commitIntervalMs: 100, ...trial.settings }
  const broker = `kafka://${kafka.brokers}`
  const group = await StateGroup.open({ broker, partitions: 4, seed, rate, settings, isStatic })
  return inGroup(group, tell, async () => {
    const running = await startWorking(group, ['a', 'b'])
    const random = seededRandom(seed)
    await disturbState(group, running, {
      faults,
      random,
      sessionTimeoutMs,
      broker: kafka.nodes[0],
      tell,
    })
    return compareState(group, running, { guarantee, tell })
  })
}

/** Closes the group after it, and tells what went wrong in its processes. */
export async function inGroup<T>(
  group: StateGroup,
  tell: (line: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } finally {
    for (const { life, name } of group.lives)
      for (const line of life.lines)
        if (line.kind === 'log' && line.level === 'error')
          tell(`${name} ${life.number}: ${line.message} ${JSON.stringify(line.fields)}`)
    await group.close()
  }
}

/** Processes that all do something, of a topic that is being filled; by name. */
export async function startWorking(
  group: StateGroup,
  names: readonly string[],
): Promise<Map<string, StateLife>> {
  const running = new Map<string, StateLife>()
  for (const name of names) running.set(name, await group.start(name))
  await group.startFilling()
  await Promise.all([...running.values()].map(({ life }) => life.untilWorking()))
  return running
}

/** Everything is as it has to be once the group has settled, also without any data directory. */
export async function compareState(
  group: StateGroup,
  running: ReadonlyMap<string, StateLife>,
  { guarantee, tell }: Pick<StateTrial, 'guarantee' | 'tell'>,
): Promise<OutputFacts & { views: number }> {
  await group.stopFilling()
  tell(`settling at ${group.views} views`)
  const { stored, twice } = await countViews(group)
  if (twice > 0) tell(`${twice} views are in the topic twice`)
  await group.untilCommitted(stored)
  for (const life of running.values()) await checkTables(group, life)
  for (const { life } of running.values()) await life.leave()
  const output = await checkOutput(group, guarantee === 'exactly_once', twice)
  tell(`${output.copies} copies, ${output.repeated} once more, ${output.changes} changes`)
  group.wipe('new')
  const restored = await group.start('new')
  await checkTables(group, restored)
  await restored.life.leave()
  return { ...output, views: group.views }
}

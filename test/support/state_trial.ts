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
  readonly tell: (line: string) => void
}

/** The least that usual brokers allow. */
const sessionTimeoutMs = 6000

export async function runStateTrial(trial: StateTrial): Promise<OutputFacts & { views: number }> {
  const { kafka, guarantee, seed, faults, rate, tell } = trial
  const settings = { sessionTimeoutMs, guarantee, commitIntervalMs: 100, ...trial.settings }
  const broker = `kafka://${kafka.brokers}`
  const group = await StateGroup.open({ broker, partitions: 4, seed, rate, settings })
  const running = new Map<string, StateLife>()
  try {
    for (const name of ['a', 'b']) running.set(name, await group.start(name))
    await group.startFilling()
    await Promise.all([...running.values()].map(({ life }) => life.untilWorking()))
    const random = seededRandom(seed)
    await disturbState(group, running, {
      faults,
      random,
      sessionTimeoutMs,
      broker: kafka.nodes[0],
      tell,
    })
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
  } finally {
    for (const { life, name } of group.lives)
      for (const { level, message, fields } of life.lines.flatMap((line) =>
        line.kind === 'log' ? [line] : [],
      ))
        if (level === 'error') tell(`${name} ${life.number}: ${message} ${JSON.stringify(fields)}`)
    await group.close()
  }
}

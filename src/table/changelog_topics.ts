// The topics of changelogs: their names, how they are made, and whether one that exists is fit to
// be a table's. Called by the worker when it starts.
import { EuphorionError } from '../errors.ts'
import type { WindowPlan } from '../kernel/plan.ts'
import type { Log, TopicConfig, TopicInfo } from '../log/log.ts'
import type { Settings } from '../settings.ts'

const DAY_MS = 86_400_000
/** What is in the newest segment is not compacted, nor are segments that have just been left. */
const SEGMENT_BYTES = 64 * 1024 * 1024

/** Of what cuts append: brokers take 1 MiB by default, and such a batch is little slower. */
export const CHANGELOG_BATCH_BYTES_MAX = 512 * 1024

/** A table that is to have a changelog. */
export interface ChangelogTable {
  readonly name: string
  /** Of the topic that it is made from. */
  readonly partitions: number
  /** Undefined for a plain table. */
  readonly window?: Pick<WindowPlan, 'sizeMs' | 'graceMs' | 'retentionMs'> | undefined
}

/** Name of the changelog topic of a table. */
export function changelogTopic(appId: string, table: string): string {
  return `${appId}-${table}-changelog`
}

/**
 * Tombstones stay a day after compaction has passed them: a store that was away for longer may have
 * missed some.
 */
export const TOMBSTONES_KEPT_MS = DAY_MS

/**
 * What the topic of a table is made with. Windows that nobody can ask for any more go with their
 * tombstones, or at last by their age.
 */
export function changelogConfig(
  { window }: Pick<ChangelogTable, 'window'>,
  { maxRecordBytes }: Pick<Settings, 'maxRecordBytes'>,
): TopicConfig {
  const common = {
    deleteRetentionMs: TOMBSTONES_KEPT_MS,
    segmentBytes: SEGMENT_BYTES,
    maxMessageBytes: maxRecordBytes,
  }
  if (window === undefined) return { cleanup: 'compact', ...common }
  return { cleanup: 'compact,delete', retentionMs: keptMs(window), ...common }
}

/**
 * Creates the changelog topics that do not exist; answers with all of them, by table. Rejects with
 * TOPIC_UNKNOWN where creating is off, with PARTITIONS_MISMATCH where one has another number of
 * partitions than the topic of its table.
 */
export async function ensureChangelogs(
  log: Log,
  appId: string,
  tables: readonly ChangelogTable[],
  settings: Settings,
): Promise<ReadonlyMap<string, TopicInfo>> {
  const existing = new Map((await log.topics()).map((info) => [info.name, info]))
  const found = new Map<string, TopicInfo>()
  for (const table of tables) {
    const name = changelogTopic(appId, table.name)
    const known = existing.get(name)
    const info = known ?? (await create(log, name, table, settings))
    if (info.partitions !== table.partitions) throw mismatch(table, info)
    found.set(table.name, info)
  }
  return found
}

/**
 * A topic that somebody else has made, or changed, may lose what a table needs: rejects with
 * TOPIC_UNFIT, as far as the log says so. Asking takes a client of its own, and about a tenth of a
 * second of it: not to be waited for before work begins.
 */
export async function checkChangelogs(
  log: Log,
  appId: string,
  tables: readonly Pick<ChangelogTable, 'name' | 'window'>[],
): Promise<void> {
  if (tables.length === 0 || log.topicConfigs === undefined) return
  const names = tables.map(({ name }) => changelogTopic(appId, name))
  let configs: ReadonlyMap<string, TopicConfig>
  try {
    configs = await log.topicConfigs(names)
  } catch (error) {
    // whoever may write a topic may not always ask how it is kept
    if (error instanceof EuphorionError) return
    throw error
  }
  tables.forEach((table, i) => {
    const wrong = unfit(table, configs.get(names[i]) ?? {})
    if (wrong === undefined) return
    const message = `the changelog ${names[i]} of table ${table.name} ${wrong}`
    const place = { topic: names[i], table: table.name }
    throw new EuphorionError('TOPIC_UNFIT', message, { place })
  })
}

/** What is wrong with how the topic is kept. */
function unfit(
  { window }: Pick<ChangelogTable, 'window'>,
  config: TopicConfig,
): string | undefined {
  const { cleanup, retentionMs = -1, maxMessageBytes = CHANGELOG_BATCH_BYTES_MAX } = config
  if (maxMessageBytes < CHANGELOG_BATCH_BYTES_MAX)
    return `takes batches of ${maxMessageBytes} bytes: max.message.bytes has to be ${CHANGELOG_BATCH_BYTES_MAX} at least`
  if (cleanup === undefined || cleanup === 'compact') return undefined
  if (window === undefined || cleanup === 'delete')
    return `forgets rows by their age: cleanup.policy is ${cleanup} and has to be compact`
  // the day more is slack: a window that has become longer is another table, which says so itself
  const wanted = keptMs(window) - DAY_MS
  if (retentionMs < 0 || retentionMs >= wanted) return undefined
  return `forgets windows that are kept: retention.ms is ${retentionMs} and has to be ${wanted} at least`
}

function keptMs({ sizeMs, graceMs, retentionMs }: NonNullable<ChangelogTable['window']>): number {
  return sizeMs + graceMs + retentionMs + DAY_MS
}

/** Another worker may be as fast. */
async function create(
  log: Log,
  topic: string,
  table: ChangelogTable,
  settings: Settings,
): Promise<TopicInfo> {
  if (!settings.createTopics) {
    const message = `changelog ${topic} of table ${table.name} does not exist, createTopics is off`
    throw new EuphorionError('TOPIC_UNKNOWN', message, { place: { topic, table: table.name } })
  }
  const config = changelogConfig(table, settings)
  await log.createTopic(topic, { partitions: table.partitions, config })
  return log.topic(topic)
}

function mismatch({ name: table, partitions: wanted }: ChangelogTable, info: TopicInfo) {
  const { name: topic, partitions } = info
  const found = `the changelog of table ${table} has ${partitions} partitions, its topic ${wanted}`
  const why = 'the partitions of the topic have changed, or the table belongs to another program'
  const mends = '`euphorion reset` makes the table anew, another name makes another table'
  const place = { topic, table }
  return new EuphorionError('PARTITIONS_MISMATCH', `${found}: ${why}. ${mends}`, { place })
}

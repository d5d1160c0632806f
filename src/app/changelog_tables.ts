// The tables of a program that are kept in changelogs. Called by the engine, for recovery and
// standbys, and by tasks, for the shapes of what they open.
import type { AggregationDefinition } from '../ingest/aggregation.ts'
import type { AggregationPlan } from '../kernel/plan.ts'
import type { Log } from '../log/log.ts'
import type { Settings } from '../settings.ts'
import type { TableDeclaration } from '../table/agent_definition.ts'
import { changelogTopic } from '../table/changelog_topics.ts'
import { writeShape } from '../table/shape.ts'
import type { AgentTables } from './agent_tables.ts'
import type { EngineOptions } from './engine_options.ts'
import type { CopiedTable } from './recovery_partition.ts'

/** Whether tables are kept in changelogs, besides the stores of this machine. */
export function keepsChangelogs({ changelog }: Settings, { capabilities }: Log): boolean {
  return changelog && capabilities.transactions
}

export function aggregationShape(plan: AggregationPlan): string {
  return writeShape(keyTypes(plan), plan)
}

/** Names and types of what makes the key; a table keyed otherwise is another table. */
function keyTypes({ key, columns }: AggregationPlan): string[] {
  if (key.from === 'record') return ['record key']
  return key.columns.map((column) => `${columns[column].path.join('.')} ${columns[column].type}`)
}

export function aggregationTable(
  appId: string,
  { topic, plan }: Pick<AggregationDefinition, 'topic' | 'plan'>,
): CopiedTable {
  const { name, window } = plan
  const shape = aggregationShape(plan)
  return { name, topic, changelog: changelogTopic(appId, name), shape, writer: 'lane', window }
}

/** Every table of an app. */
export function stateTables(
  { appId, aggregations }: Pick<EngineOptions, 'appId' | 'aggregations'>,
  agentTables: AgentTables,
): CopiedTable[] {
  return [
    ...aggregations.map((aggregation) => aggregationTable(appId, aggregation)),
    ...agentTables.placed.map(({ home, table }) => agentsTable(appId, home, table.definition)),
  ]
}

/** `home`: the topic whose tasks keep it. */
export function agentsTable(
  appId: string,
  home: string,
  { name, shape, forgets: window }: Pick<TableDeclaration, 'name' | 'shape' | 'forgets'>,
): CopiedTable {
  const changelog = changelogTopic(appId, name)
  return { name, topic: home, changelog, shape, writer: 'agents', window }
}

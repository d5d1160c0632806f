// What the tasks of a worker share. Made by the engine, handed to every task and its lanes.
import type { SharedMemory } from '../batch/memory.ts'
import type { Clock } from '../clock.ts'
import type { BadRecord, DeadLetters } from '../ingest/dead_letter.ts'
import type { Intake } from '../ingest/intake.ts'
import type { Executor } from '../kernel/executor.ts'
import type { BadRecordPolicy } from '../kernel/lane.ts'
import type { Plant } from '../plants.ts'
import type { Settings } from '../settings.ts'
import type { StoreOpener } from '../table/open.ts'
import type { AgentTables } from './agent_tables.ts'
import type { Changelogs } from './changelogs.ts'
import type { PartitionTask } from './partition_task.ts'
import type { Recovery } from './recovery.ts'

export interface TaskServices {
  readonly appId: string
  readonly settings: Settings
  readonly clock: Clock
  readonly memory: SharedMemory
  readonly openStore: StoreOpener
  readonly plants?: ReadonlySet<Plant> | undefined
  /** Undefined where tables have no changelogs. */
  readonly recovery: Recovery | undefined
  readonly agentTables: AgentTables
  /** Undefined for backend js. */
  readonly executor: Executor | undefined
  /** Bound of one lane's table, bytes. */
  readonly laneBytesMax: number
  /** Dirty cells of one lane, in bytes, for which a cut comes early. */
  readonly dirtyBytesMax: number
  /** Late and bad records go out with the cut that passes them, in its transaction. */
  readonly isExactlyOnce: boolean
  /** The group's offsets of the topic are theirs. */
  readonly hasAgents: (topic: string) => boolean
  /** Undefined where tables have none. */
  readonly changelogs: Changelogs | undefined
  readonly deadLetters: DeadLetters
  readonly onBadRecord?: ((record: BadRecord, policy: BadRecordPolicy) => void) | undefined
  readonly askForCut: (task: PartitionTask) => void
  readonly rewound: (intake: Intake) => void
  readonly progressed: () => void
  /** The task is about to be closed, with what it has counted. */
  readonly closing?: ((task: PartitionTask) => void) | undefined
  readonly laneFailed: (task: PartitionTask, table: string, error: unknown) => void
}

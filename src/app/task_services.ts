// What the tasks of a worker share. Made by the engine, handed to every task and its lanes.
import type { SharedMemory } from '../batch/memory.ts'
import type { Clock } from '../clock.ts'
import type { BadRecord, DeadLetters } from '../ingest/dead_letter.ts'
import type { Intake } from '../ingest/intake.ts'
import type { Executor } from '../kernel/executor.ts'
import type { BadRecordPolicy } from '../kernel/lane.ts'
import type { Settings } from '../settings.ts'
import type { StoreOpener } from '../table/open.ts'
import type { PartitionTask } from './partition_task.ts'

export interface TaskServices {
  readonly appId: string
  readonly settings: Settings
  readonly clock: Clock
  readonly memory: SharedMemory
  readonly openStore: StoreOpener
  /** Undefined for backend js. */
  readonly executor: Executor | undefined
  /** Bound of one lane's table, bytes. */
  readonly laneBytesMax: number
  readonly deadLetters: DeadLetters
  readonly onBadRecord?: ((record: BadRecord, policy: BadRecordPolicy) => void) | undefined
  readonly askForCut: (task: PartitionTask) => void
  readonly rewound: (intake: Intake) => void
  readonly progressed: () => void
  readonly laneFailed: (task: PartitionTask, table: string, error: unknown) => void
}

// What an engine shows of itself to metrics.
import type { FetchLoop } from '../ingest/fetch_loop.ts'
import type { PartitionTask } from './partition_task.ts'
import type { TaskServices } from './task_services.ts'

export interface EngineParts {
  /** Undefined while nothing is read. */
  readonly services: TaskServices | undefined
  /** By partition. */
  readonly tasks: ReadonlyMap<string, PartitionTask>
  readonly loop: Pick<FetchLoop, 'queue' | 'consumer' | 'sizes'>
}

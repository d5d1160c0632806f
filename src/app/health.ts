// How a worker is, for containers and people: whether it works, and what keeps it from it. Kept by
// the worker, answered by the web server.
import type { TopicPartition } from '../log/log.ts'
import { partitionKey } from '../log/partition_key.ts'

export type WorkerStatus = 'starting' | 'running' | 'stopping' | 'stopped' | 'failed'

export interface Health {
  readonly id: string
  readonly status: WorkerStatus
  /** It has its partitions, their tables are restored, and nothing has stopped. */
  readonly ready: boolean
  /** Partitions whose tables are being restored. */
  readonly recovering: number
  /** Partitions on which an agent or an aggregation has stopped, 'topic/0'. */
  readonly stopped: readonly string[]
}

/** What the worker tells of itself. */
export class HealthBook {
  status: WorkerStatus = 'starting'
  readonly #stopped = new Set<string>()

  stoppedAt(place: Partial<TopicPartition>): void {
    const { topic, partition } = place
    if (topic === undefined || partition === undefined) return
    this.#stopped.add(partitionKey({ topic, partition }))
  }

  /** They are no longer this worker's, or begin anew. */
  forget(places: readonly TopicPartition[]): void {
    for (const place of places) this.#stopped.delete(partitionKey(place))
  }

  /** `stopped` and `recovering` as the engine has them. */
  read(id: string, stopped: readonly TopicPartition[], recovering: number): Health {
    const all = [...new Set([...this.#stopped, ...stopped.map(partitionKey)])].sort()
    const ready = this.status === 'running' && recovering === 0 && all.length === 0
    return { id, status: this.status, ready, recovering, stopped: all }
  }
}

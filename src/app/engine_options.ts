// What an engine is made of. Given by the worker, by benches and by tests.
import type { SharedMemory } from '../batch/memory.ts'
import type { SharedBatch } from '../batch/region.ts'
import type { Clock, Random } from '../clock.ts'
import type { AggregationDefinition } from '../ingest/aggregation.ts'
import type { BadRecord, DeadLetters } from '../ingest/dead_letter.ts'
import type { Effects } from '../ingest/effects.ts'
import type { RowSink } from '../ingest/rows.ts'
import type { EventSubscriber } from '../ingest/subscriber.ts'
import type { BadRecordPolicy } from '../kernel/lane.ts'
import type { Log, LogProducer, TopicPartition } from '../log/log.ts'
import type { Logger } from '../logger.ts'
import type { Plant } from '../plants.ts'
import type { Settings } from '../settings.ts'
import type { TableDeclaration } from '../table/agent_definition.ts'
import type { StoreOpener } from '../table/open.ts'
import type { PartitionTask } from './partition_task.ts'
import type { CutSensed } from './sensors.ts'

export interface EngineOptions {
  readonly log: Log
  readonly appId: string
  readonly settings: Settings
  readonly clock: Clock
  readonly logger: Logger
  readonly aggregations: readonly AggregationDefinition[]
  readonly subscribers: readonly EventSubscriber[]
  /** Tables that agents write. */
  readonly agentTables?: readonly TableDeclaration[]
  readonly deadLetters: DeadLetters
  /** Default openStore() of table/open.ts. */
  readonly openStore?: StoreOpener
  /** The way of what the app sends; exactly_once turns it into transactions. */
  readonly sends?: SendRoute
  /** Where tables of this worker can be asked for, 'host:port'. Default: nowhere. */
  readonly address?: () => string
  /** Counts what agents write. */
  readonly effects?: Effects
  /** For what has to be unique. Default: the system's. */
  readonly random?: Random
  /** Bugs that tests plant. Default: none. */
  readonly plants?: ReadonlySet<Plant>
  /** Hears of what an aggregation sends to the dead-letter topic. */
  readonly onBadRecord?: (record: BadRecord, policy: BadRecordPolicy) => void
  /** Sees to it that everything sent so far is stored; when it rejects, nothing is committed. */
  readonly beforeCommit: () => Promise<void>
  /** The engine cannot go on. */
  readonly onError: (error: unknown) => void
  /** Hears what the group gives and takes. */
  readonly group?: GroupListener
  /** A cut has ended. Must not throw. */
  readonly onCut?: (cut: CutSensed) => void
  /** A partition is about to be closed, with what it has counted. Must not throw. */
  readonly closing?: (task: PartitionTask) => void
  /** Something was consumed or acknowledged. */
  readonly onProgress?: () => void
  /** Is shown every batch before it is worked on. */
  readonly onBatch?: (batch: SharedBatch, memory: SharedMemory) => void
}

/** Nothing of it may reject. */
export interface GroupListener {
  /** They are this worker's; tables of some may still be restored. */
  assigned(partitions: readonly TopicPartition[]): Promise<void>
  /** All that were assigned have been opened, and their tables restored. */
  settled(): Promise<void>
  /** They are about to go; `lost`: others may have them already. */
  leaving(partitions: readonly TopicPartition[], lost: boolean): Promise<void>
  /** Their last cut is made, and they are closed. */
  revoked(partitions: readonly TopicPartition[], lost: boolean): Promise<void>
}

/** How what the app sends reaches the log (connection.ts). */
export interface SendRoute {
  /** Sends go there from now on; undefined: to the log. */
  route(producer: LogProducer | undefined): void
  /** A way of its own, whose records are stored there. */
  sinkTo(producer: LogProducer): RowSink
}

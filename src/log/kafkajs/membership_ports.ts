// What a group membership through kafkajs needs of its log. Given by KafkajsConsumer.
import type { Clock } from '../../clock.ts'
import type { EuphorionError } from '../../errors.ts'
import type { PartitionOffsets } from '../log.ts'
import type { ClientMaker } from './client.ts'

/** What a membership needs of the log, and whom it tells. */
export interface MembershipPorts {
  readonly makeClient: ClientMaker
  readonly brokers: string
  readonly clock: Clock
  readonly sessionTimeoutMs: number
  /** Crashes in a row before one is reported. */
  readonly retries: number
  offsets(topic: string): Promise<readonly PartitionOffsets[]>
  committed(groupId: string, topic: string): Promise<ReadonlyMap<number, number>>
  topicNames(): Promise<ReadonlySet<string>>
  /** A lane has something, or has gone. */
  changed(): void
  /** To be thrown by the next fetch; `fatal`: and by every later one. */
  failed(error: EuphorionError | Error, fatal: boolean): void
}

// The producer of an app's sends, which go straight to the log, or through the transactions of the
// worker while it runs exactly_once. Made by connection.ts.
import type { LogProducer, LogRecord, StoredBatch } from '../log/log.ts'

export class RoutedProducer implements LogProducer {
  /** What every append goes to in the end, and those of no transaction at once. */
  readonly log: LogProducer
  /** Where appends go; undefined: to the log. */
  route: LogProducer | undefined

  constructor(log: LogProducer) {
    this.log = log
  }

  append(topic: string, partition: number, records: readonly LogRecord[]): Promise<number> {
    return (this.route ?? this.log).append(topic, partition, records)
  }

  appendBatch(topic: string, partition: number, batch: Uint8Array): Promise<StoredBatch> {
    return (this.route ?? this.log).appendBatch(topic, partition, batch)
  }

  close(): Promise<void> {
    return this.log.close()
  }
}

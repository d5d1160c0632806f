// Which partition a record goes to: keys as Kafka's default partitioner places them, records
// without a key in turn. Called by senders and workload generators.
import { murmur2 } from './murmur2.ts'

/** Partition of a key, as Kafka's Java client places it: key[0 … length). */
export function partitionOfKey(
  key: Uint8Array,
  partitions: number,
  length: number = key.length,
): number {
  return (murmur2(key, length) & 0x7fffffff) % partitions
}

/**
 * One per producer. Records without a key stay on a partition for `stickyRecords` records and then
 * move to the next, so that batches fill and all partitions get their share.
 */
export class Partitioner {
  readonly #stickyRecords: number
  readonly #turns = new Map<string, number>()

  /** `stickyRecords`: default 100. */
  constructor(stickyRecords = 100) {
    this.#stickyRecords = stickyRecords
  }

  partition(topic: string, key: Uint8Array | null, partitions: number): number {
    if (key !== null) return partitionOfKey(key, partitions)
    const turn = this.#turns.get(topic) ?? 0
    this.#turns.set(topic, (turn + 1) % (this.#stickyRecords * partitions))
    return Math.floor(turn / this.#stickyRecords) % partitions
  }
}

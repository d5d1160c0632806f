// A partition that a consumer reads: where it stands, which broker it is read from, and what of it
// is on its way. A slot is replaced, not changed, when its position is moved, so that an answer to
// an older question can be told.
import { partitionKey } from '../partition_key.ts'

export class FetchSlot {
  readonly topic: string
  readonly partition: number
  /** Of the partition, for maps. */
  readonly key: string
  /** Next offset to read; undefined until it is known. */
  position: number | undefined
  /** Given up or moved: what comes for it does not count. */
  stale = false
  /** Asked for, and the answer is not through. */
  inFlight = false
  /** The broker that leads it; undefined until metadata tells. */
  leader: number | undefined
  leaderEpoch = -1
  /** Of the topic that is read; another one has been made anew. */
  topicId: string | null | undefined
  /** A follower to read from, by its leader's advice (KIP-392). */
  replica: number | undefined
  replicaUntilMs = 0
  /** A follower did not answer: until then the leader is read from, whatever it advises. */
  leaderOnlyUntilMs = 0
  /** Bytes of a batch that is larger than what is usually asked for. */
  neededBytes = 0
  /** Errors in a row, and when it may be asked for again. */
  failures = 0
  retryAtMs = 0

  constructor(topic: string, partition: number, position?: number) {
    this.topic = topic
    this.partition = partition
    this.key = partitionKey({ topic, partition })
    this.position = position
  }

  /** The same partition at another position. */
  moved(position: number): FetchSlot {
    this.stale = true
    const slot = new FetchSlot(this.topic, this.partition, position)
    slot.leader = this.leader
    slot.leaderEpoch = this.leaderEpoch
    slot.topicId = this.topicId
    slot.replica = this.replica
    slot.replicaUntilMs = this.replicaUntilMs
    slot.leaderOnlyUntilMs = this.leaderOnlyUntilMs
    return slot
  }

  /** Not asked for before a pause that doubles with each failure in a row. */
  pause(nowMs: number, leastMs: number, mostMs: number): void {
    this.retryAtMs = nowMs + Math.min(mostMs, leastMs * 2 ** Math.min(10, this.failures))
    this.failures++
  }

  /** The broker to ask. */
  get source(): number | undefined {
    return this.replica ?? this.leader
  }
}

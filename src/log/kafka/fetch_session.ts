// Makes the bodies of one broker's Fetches. With many partitions a fetch session (KIP-227) tells
// the broker only what changed since the last one; with few a whole list is as short, and costs the
// broker no place among its sessions.

import { brokerCode } from '../../wire/broker_code.ts'
import type { FetchBody, FetchPartition } from '../../wire/requests/fetch.ts'
import { byTopic } from '../by_topic.ts'
import type { FetchSlot } from './fetch_slot.ts'

/** From so many partitions on a session pays. */
const sessionFrom = 16
/** Instead of an epoch: a request by itself, which ends the session that it names. */
const alone = -1
const maxEpoch = 0x7fffffff

export interface FetchLimits {
  readonly maxWaitMs: number
  readonly maxBytes: number
  readonly partitionMaxBytes: number
  readonly isolationLevel: number
  readonly rackId: string
}

/** What the broker was told of a partition. */
interface Told {
  readonly slot: FetchSlot
  offset: number
  bytes: number
  epoch: number
  /** The last request that wanted it. */
  request: number
}

export class FetchSession {
  /** Also of one that is over for us: the next request has the broker forget it. */
  #id = 0
  /** Of the next request; 0: begins a session. */
  #epoch = 0
  /** By topic and partition: what the session has. */
  readonly #told = new Map<string, Told>()
  #requests = 0

  /** Asks for these partitions; their positions are known. */
  body(slots: readonly FetchSlot[], limits: FetchLimits): FetchBody {
    const { partitionMaxBytes, ...rest } = limits
    if (this.#epoch === 0 && slots.length < sessionFrom) {
      const topics = byTopic(slots, (slot) => asked(slot, partitionMaxBytes))
      const session = { sessionId: this.#id, sessionEpoch: alone }
      return { ...rest, minBytes: 1, ...session, topics, forgottenTopics: [] }
    }
    this.#requests++
    const changed = slots.filter((slot) => this.#tell(slot, partitionMaxBytes))
    const forgotten = this.#forget()
    return {
      ...rest,
      minBytes: 1,
      sessionId: this.#id,
      sessionEpoch: this.#epoch,
      topics: byTopic(changed, (slot) => asked(slot, partitionMaxBytes)),
      forgottenTopics: byTopic(forgotten, ({ partition }) => partition),
    }
  }

  /** `errorCode` of the whole answer, and the session it names. */
  answered(errorCode: number, sessionId: number): void {
    if (errorCode !== 0) {
      if (errorCode === brokerCode.FETCH_SESSION_ID_NOT_FOUND) this.#id = 0
      this.reset()
      return
    }
    // 0: a request by itself, or the broker has no room and what it was told holds for one request
    this.#id = this.#told.size === 0 ? 0 : sessionId
    if (this.#id === 0) this.reset()
    else this.#epoch = this.#epoch === maxEpoch ? 1 : this.#epoch + 1
  }

  /** The connection is gone, or the broker and we do not agree: the next request tells it all. */
  reset(): void {
    this.#epoch = 0
    this.#told.clear()
  }

  #tell(slot: FetchSlot, partitionMaxBytes: number): boolean {
    const offset = slot.position!
    const bytes = bytesOf(slot, partitionMaxBytes)
    const epoch = slot.leaderEpoch
    const request = this.#requests
    const told = this.#told.get(slot.key)
    if (told === undefined) {
      this.#told.set(slot.key, { slot, offset, bytes, epoch, request })
      return true
    }
    const isSame = told.offset === offset && told.bytes === bytes && told.epoch === epoch
    told.offset = offset
    told.bytes = bytes
    told.epoch = epoch
    told.request = request
    return !isSame
  }

  /** What the session has and is not asked for now. */
  #forget(): FetchSlot[] {
    const forgotten: FetchSlot[] = []
    for (const [key, { slot, request }] of this.#told) {
      if (request === this.#requests) continue
      forgotten.push(slot)
      this.#told.delete(key)
    }
    return forgotten
  }
}

function bytesOf({ neededBytes }: FetchSlot, partitionMaxBytes: number): number {
  return Math.max(partitionMaxBytes, neededBytes)
}

function asked(slot: FetchSlot, partitionMaxBytes: number): FetchPartition {
  return {
    partition: slot.partition,
    currentLeaderEpoch: slot.leaderEpoch,
    fetchOffset: slot.position!,
    lastFetchedEpoch: -1,
    partitionMaxBytes: bytesOf(slot, partitionMaxBytes),
  }
}

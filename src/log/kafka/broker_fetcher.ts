// The fetches from one broker: at most one on its way, and the next one sent as soon as the answer
// is in, before anybody has worked on it. Owned by Fetcher, which knows the partitions.
import type { Clock } from '../../clock.ts'
import { BatchCursor } from '../../wire/batch_header.ts'
import { brokerCode } from '../../wire/broker_code.ts'
import { brokerFailure } from '../../wire/broker_error.ts'
import type { Connection } from '../../wire/connection.ts'
import { fetchRequest } from '../../wire/requests/fetch.ts'
import { emptyAborted } from '../aborted.ts'
import type { FetchResult } from '../log.ts'
import { partitionKey } from '../partition_key.ts'
import {
  FetchAnswer,
  type FetchAnswerHandler,
  type PartitionHead,
  type RecordPlace,
} from './fetch_answer.ts'
import { type FetchLimits, FetchSession } from './fetch_session.ts'
import type { FetchSlot } from './fetch_slot.ts'
import { closedResult, type FetchCall, type FetchTargets } from './fetch_targets.ts'

export interface BrokerFetcherPorts {
  readonly clock: Clock
  readonly targets: FetchTargets
  readonly limits: Omit<FetchLimits, 'maxBytes'>
  /** Opens one, or gives the open one; waits out the pause after a failure. */
  connect(): Promise<Connection>
  /** Partitions to be read from this broker, those first that have waited longest. */
  slots(): readonly FetchSlot[]
  /** An answer is through, or will never be. */
  answered(): void
  /** The partition got something: others come first now. */
  served(slot: FetchSlot): void
  /** The answer has an error for the partition, or another broker to ask. */
  turnedAway(slot: FetchSlot, head: PartitionHead): void
  /** What is in the log cannot be taken apart. */
  unreadable(slot: FetchSlot): void
  /** The connection or its broker failed. */
  failed(error: unknown): void
}

/** First wait of a broker while a partition of its own has no room for records: it may at once. */
const busyWaitMs = 5
/** The broker knows the session no more: the next request begins a new one. */
const sessionErrors: ReadonlySet<number> = new Set([
  brokerCode.FETCH_SESSION_ID_NOT_FOUND,
  brokerCode.INVALID_FETCH_SESSION_EPOCH,
])
/**
 * An answer may bring more than there are targets for: what waits for one waits in the socket,
 * where it is at hand sooner than at the broker.
 */
const partitionsAhead = 6
const notWanted: RecordPlace = { bytes: undefined }

export class BrokerFetcher implements FetchAnswerHandler {
  readonly #ports: BrokerFetcherPorts
  readonly #session = new FetchSession()
  readonly #cursor = new BatchCursor(new Uint8Array(0))
  readonly #asked = new Map<string, FetchSlot>()
  #connection: Connection | undefined
  #answer: FetchAnswer | undefined
  /** The call whose target is being filled. */
  #call: FetchCall | undefined
  #isBusy = false
  #isDue = false
  #isWaiting = false
  #closed = false
  /** Why we ended the connection, between two pieces of an answer. */
  #proceedError: unknown
  /** Of the whole answer. */
  #error = 0
  #bytes = 0
  /** Answers in a row that brought nothing while a partition had no room. */
  #emptyAnswers = 0

  constructor(ports: BrokerFetcherPorts) {
    this.#ports = ports
  }

  /** Something changed: looks soon whether there is something to ask for. */
  pump(): void {
    if (this.#isDue || this.#closed) return
    this.#isDue = true
    if (!this.#isBusy) this.#runSoon()
  }

  #runSoon(): void {
    setImmediate(() => {
      this.#isDue = false
      if (!this.#isBusy && !this.#closed) void this.#run()
    })
  }

  /** There is a target more. */
  targetAdded(): void {
    if (!this.#isWaiting || this.#answer === undefined) {
      this.pump()
      return
    }
    this.#isWaiting = false
    try {
      if (this.#answer.proceed()) this.#connection?.resume()
    } catch (error) {
      this.#proceedError = error
      this.#connection?.close()
    }
  }

  /** Ends the reading into the call's target, if it is this one's; true then. */
  abandon(call: FetchCall): boolean {
    if (this.#call !== call) return false
    this.#call = undefined
    this.#connection?.close()
    call.resolve(closedResult)
    return true
  }

  /** What is under way fails, and is asked for again. */
  reconnect(): void {
    this.#session.reset()
    this.#connection?.close()
  }

  close(): void {
    this.#closed = true
    if (this.#isBusy) this.#connection?.close()
    const call = this.#call
    this.#call = undefined
    call?.resolve(closedResult)
  }

  /** Asks until there is nothing to ask for. */
  async #run(): Promise<void> {
    this.#isBusy = true
    try {
      for (;;) {
        this.#isDue = false
        const { targets } = this.#ports
        if (this.#closed || targets.count === 0) return
        const slots = this.#ports.slots()
        const wanted = slots.filter((slot) => targets.wants(slot) && !slot.stale)
        if (wanted.length === 0) return
        const connection = this.#connection
        if (connection?.closed === false)
          await this.#ask(connection, wanted, wanted.length < slots.length)
        else this.#connection = await this.#ports.connect()
      }
    } catch (error) {
      this.#session.reset()
      this.#giveBack()
      if (!this.#closed) this.#ports.failed(this.#proceedError ?? error)
    } finally {
      this.#proceedError = undefined
      this.#isBusy = false
      // asked for meanwhile, perhaps by the one who was asked what he wants
      if (this.#isDue) this.#runSoon()
    }
  }

  /** `isShort`: others may have room at any time, so the broker is not to wait long. */
  async #ask(
    connection: Connection,
    wanted: readonly FetchSlot[],
    isShort: boolean,
  ): Promise<void> {
    const { targets, limits } = this.#ports
    const shortWaitMs = busyWaitMs * 2 ** Math.min(10, this.#emptyAnswers)
    const largest = wanted.reduce((most, { neededBytes }) => Math.max(most, neededBytes), 0)
    // what a target has no room for would come in vain
    const partitionMaxBytes = Math.min(limits.partitionMaxBytes, targets.smallest)
    const ahead = Math.min(wanted.length, partitionsAhead) * partitionMaxBytes
    const nowMs = this.#ports.clock.monotonic()
    const isLeaderOnly = wanted.some(({ leaderOnlyUntilMs }) => leaderOnlyUntilMs > nowMs)
    const body = this.#session.body(wanted, {
      ...limits,
      partitionMaxBytes,
      rackId: isLeaderOnly ? '' : limits.rackId,
      maxWaitMs: isShort ? Math.min(limits.maxWaitMs, shortWaitMs) : limits.maxWaitMs,
      maxBytes: Math.max(targets.bytes, largest, ahead),
    })
    const flexible = connection.version(fetchRequest) >= fetchRequest.flexibleFrom
    this.#answer = new FetchAnswer(flexible, this)
    this.#bytes = 0
    this.#asked.clear()
    for (const slot of wanted) {
      slot.inFlight = true
      this.#asked.set(slot.key, slot)
    }
    try {
      const { maxWaitMs: waitMs } = body
      await connection.requestInto(fetchRequest, body, this.#answer, { waitMs })
    } finally {
      this.#answer = undefined
      // an answer that ended without a place for all of it: the rest is asked for again
      if (this.#isWaiting) connection.resume()
      this.#isWaiting = false
      for (const slot of wanted) slot.inFlight = false
      this.#ports.answered()
    }
    if (this.#error !== 0 && !sessionErrors.has(this.#error))
      throw brokerFailure(this.#error, 'reading from a broker')
    this.#emptyAnswers = isShort && this.#bytes === 0 ? this.#emptyAnswers + 1 : 0
  }

  begin(errorCode: number, sessionId: number): void {
    this.#session.answered(errorCode, sessionId)
    this.#error = errorCode
  }

  partition(head: PartitionHead): void {
    const slot = this.#slotOf(head)
    if (slot === undefined) return
    if (head.errorCode !== 0 || head.preferredReadReplica >= 0) this.#ports.turnedAway(slot, head)
  }

  place(head: PartitionHead): RecordPlace | undefined {
    const slot = this.#slotOf(head)
    if (slot === undefined || head.errorCode !== 0) return notWanted
    const { targets } = this.#ports
    if (targets.count === 0) {
      this.#isWaiting = true
      return undefined
    }
    const call = targets.take(slot, head.recordBytes)
    if (call === undefined) return notWanted
    this.#call = call
    return { bytes: call.target }
  }

  records(head: PartitionHead, place: RecordPlace, filled: number): void {
    this.#bytes += head.recordBytes
    const call = this.#call
    if (call === undefined || place.bytes === undefined) return
    const slot = this.#slotOf(head)
    const result = slot && this.#read(slot, head, call.target, filled)
    // not before: what cannot be read ends the connection, and the call waits again
    this.#call = undefined
    if (result === undefined) this.#ports.targets.add(call)
    else call.resolve(result)
  }

  /** Undefined where the target is not for the caller: nothing in it counts. */
  #read(
    slot: FetchSlot,
    head: PartitionHead,
    target: Uint8Array,
    filled: number,
  ): FetchResult | undefined {
    const { topic, partition } = slot
    const cursor = this.#cursor
    cursor.reset(target, 0, filled)
    if (!cursor.next()) {
      if (cursor.broken) {
        this.#ports.unreadable(slot)
        return undefined
      }
      const neededBytes = Math.max(cursor.needed, filled + 1)
      slot.neededBytes = neededBytes
      // cut off by the broker, not by the target: the next answer has all of it
      return neededBytes <= target.length
        ? undefined
        : { kind: 'too-small', topic, partition, neededBytes }
    }
    while (cursor.next());
    const position = cursor.lastOffset + 1
    const bytes =
      this.#ports.limits.isolationLevel === 0
        ? cursor.at
        : emptyAborted(target, cursor.at, head.abortedTransactions)
    slot.neededBytes = 0
    slot.position = Math.max(slot.position!, position)
    this.#ports.served(slot)
    const { highWatermark } = head
    return { kind: 'batches', topic, partition, bytes, highWatermark }
  }

  #slotOf({ topic, partition }: PartitionHead): FetchSlot | undefined {
    const slot = this.#asked.get(partitionKey({ topic, partition }))
    return slot === undefined || slot.stale ? undefined : slot
  }

  /** The target that was being filled waits again. */
  #giveBack(): void {
    const call = this.#call
    this.#call = undefined
    if (call !== undefined) this.#ports.targets.add(call)
  }
}

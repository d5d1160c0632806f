// A consumer's membership in its group, the main thread's side: the protocol runs in a thread of
// its own (membership_thread.ts); here the engine is told what comes and what goes, one call at a
// time, and offsets are committed. Owned by the Kafka driver's consumer.
//
//   thread: JoinGroup · SyncGroup · Heartbeat          main thread: onAssigned · onRevoked · commit
//      ├── identity, assigned, revoked, beat ─────────────▶│
//      │◀───────────── done, alive, subscribe, close ──────┤
import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { Worker } from 'node:worker_threads'
import { type Clock, systemClock } from '../../clock.ts'
import { deferred } from '../../deferred.ts'
import { EuphorionError } from '../../errors.ts'
import type { OAuthToken } from '../../wire/login.ts'
import type { MemberFacts, StartPosition, TopicPartition } from '../log.ts'
import { toldFacts } from '../member_state.ts'
import { partitionKey } from '../partition_key.ts'
import type { Cluster, ClusterOptions } from './cluster.ts'
import type { JoinedNews } from './group_leader.ts'
import type { GroupNews } from './group_news.ts'
import { GroupOffsets, type SendOffsets } from './group_offsets.ts'
import type {
  FromThread,
  MembershipThreadData,
  PlainError,
  ToThread,
} from './membership_messages.ts'

export interface MembershipOptions {
  readonly groupId: string
  readonly topics: readonly string[]
  /** group.instance.id: makes the member static (KIP-345). */
  readonly instanceId?: string
  readonly rack?: string
  /** What the group is told of this member. */
  readonly facts?: MemberFacts
  /** Silence, in ms, after which the group goes on without this member. Brokers bound it. */
  readonly sessionTimeoutMs: number
  /** Default, and for 0: 1/24 of the session time-out, from 100 to 500 ms. */
  readonly heartbeatIntervalMs?: number
  /** How long the group waits for its members in a rebalance. Default: 60 s. */
  readonly rebalanceTimeoutMs?: number
  /** A main thread that stands still for so long, or a revoke that takes so long, leaves. */
  readonly progressTimeoutMs: number
  /** How often the leader looks whether topics or partitions came or went. Default: 5 s. */
  readonly metadataIntervalMs?: number
  /** ms that close() waits for the engine and the coordinator. Default: 30 s. */
  readonly closeTimeoutMs?: number
  /** For the connections of the thread: the options of `cluster`. */
  readonly connection: ClusterOptions
  /** For commits. */
  readonly cluster: Cluster
  readonly clock?: Clock
  /** Of each round, before what it assigns. */
  readonly onGroup?: (news: GroupNews) => void
  /** What is new; awaited, in order with onRevoked. */
  readonly onAssigned: (added: readonly TopicPartition[]) => Promise<void>
  /**
   * Awaited before the partitions are given up. `lost`: others may have them already, and nothing
   * can be committed.
   */
  readonly onRevoked: (gone: readonly TopicPartition[], lost: boolean) => Promise<void>
  /** A round of the group is over; for logs. */
  readonly onJoined?: (news: JoinedNews) => void
  /** The membership has ended for good, or one of the calls above was rejected. */
  readonly onFailed: (error: Error) => void
}

/**
 * Others hear by a beat that a member has left or is missed: so long its partitions lie idle after
 * that, and so much sooner than its death the session began that is waited for.
 */
const heartbeatMs = { part: 24, least: 100, most: 500 }
const rebalanceTimeoutMsDefault = 60_000
const metadataIntervalMsDefault = 5000
const closeTimeoutMsDefault = 30_000
/** A commit waits for the end of a rebalance, which the slowest member decides. */
const commitTimeoutMsMin = 10_000
/** Held by the engine still, and no more by the group. */
const neverCommitted = 0
/** The thread has the assignments of large groups in memory, and little else. */
const resourceLimits = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 }

export class Membership {
  readonly #options: MembershipOptions
  readonly #clock: Clock
  readonly #offsets: GroupOffsets
  readonly #ready = deferred()
  readonly #ended = deferred()
  /**
   * What the engine has: what may be committed, by a number, another one when a partition comes
   * again after it was lost; and `neverCommitted`.
   */
  readonly #held = new Map<string, number>()
  #told = 0
  /** What the thread knows of the facts, as JSON. */
  #toldFacts = ''
  #isEnded = false
  #thread: Worker | undefined
  #work: Promise<void> = Promise.resolve()
  #closing: Promise<void> | undefined
  #closeError: Error | undefined

  constructor(options: MembershipOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    const { cluster, groupId, instanceId, sessionTimeoutMs, clock } = options
    this.#offsets = new GroupOffsets({
      cluster,
      groupId,
      ...(instanceId === undefined ? {} : { instanceId }),
      timeoutMs: Math.max(commitTimeoutMsMin, sessionTimeoutMs),
      ...(clock === undefined ? {} : { clock }),
    })
  }

  /** Resolves when the thread is up; joining goes on behind it. Rejects with LOG_FAILED. */
  async start(): Promise<void> {
    const thread = new Worker(new URL('./membership_thread.js', import.meta.url), {
      name: `group ${this.#options.groupId}`,
      workerData: this.#threadData(),
      execArgv: [],
      resourceLimits,
    })
    this.#thread = thread
    thread.on('message', (message: FromThread) => this.#take(message))
    thread.on('error', (cause) => this.#crashed(cause))
    thread.on('exit', () => this.#crashed(undefined))
    await this.#ready.promise
    // It must not keep the process alive; whoever waits for it does.
    thread.unref()
  }

  #threadData(): MembershipThreadData {
    const { connection, groupId, topics, instanceId, rack, sessionTimeoutMs } = this.#options
    const { clock: _clock, random: _random, sasl, ...cluster } = connection
    const asksForTokens = sasl?.mechanism === 'oauthbearer'
    return {
      cluster: { ...cluster, ...(sasl && !asksForTokens && { sasl }) },
      asksForTokens,
      progressTimeoutMs: this.#options.progressTimeoutMs,
      member: {
        groupId,
        topics,
        ...(instanceId === undefined ? {} : { instanceId }),
        ...(rack === undefined ? {} : { rack }),
        place: hostname(),
        facts: toldFacts(this.#options.facts),
        sessionTimeoutMs,
        heartbeatIntervalMs: this.#options.heartbeatIntervalMs || usualBeats(sessionTimeoutMs),
        rebalanceTimeoutMs: this.#options.rebalanceTimeoutMs ?? rebalanceTimeoutMsDefault,
        metadataIntervalMs: this.#options.metadataIntervalMs ?? metadataIntervalMsDefault,
      },
    }
  }

  /**
   * Stores offsets as this member of this generation; waits out a rebalance. Rejects with
   * LOG_FAILED, also where a partition is not this member's any more, with FENCED and others.
   */
  commit(offsets: readonly StartPosition[], send?: SendOffsets): Promise<void> {
    const holds = offsets.map(
      (each) => [partitionKey(each), this.#held.get(partitionKey(each))] as const,
    )
    const mayCommit = () => holds.every(([key, hold]) => hold && this.#held.get(key) === hold)
    return this.#offsets.commit(offsets, mayCommit, send)
  }

  /** The group's offsets, by topic and partition. */
  committed(
    partitions: readonly TopicPartition[],
  ): Promise<ReadonlyMap<string, ReadonlyMap<number, number>>> {
    return this.#offsets.committed(partitions)
  }

  /** Shares the partitions anew, by what the facts are now. */
  rejoin(reason: string): void {
    this.#tellFacts()
    this.#post({ kind: 'rejoin', reason })
  }

  /** The thread tells what it was last told: rounds do not wait for this thread. */
  #tellFacts(): void {
    if (this.#options.facts === undefined) return
    const facts = toldFacts(this.#options.facts)
    const shown = JSON.stringify(facts)
    if (shown === this.#toldFacts) return
    this.#toldFacts = shown
    this.#post({ kind: 'facts', facts })
  }

  /** Joins again, for these topics: partitions of others are revoked. */
  subscribe(topics: readonly string[]): void {
    this.#post({ kind: 'subscribe', topics })
  }

  /**
   * Revokes everything; then leaves the group, a static member only with `leave`, since it is to
   * come back. Rejects with what onRevoked rejected with.
   */
  close({ leave }: { readonly leave?: boolean } = {}): Promise<void> {
    this.#closing ??= this.#close(leave)
    return this.#closing
  }

  async #close(leave: boolean | undefined): Promise<void> {
    if (this.#thread !== undefined) {
      this.#thread.ref()
      this.#post({ kind: 'close', leave })
      const { closeTimeoutMs = closeTimeoutMsDefault } = this.#options
      const cancel = this.#clock.after(closeTimeoutMs, () => {
        this.#end()
        this.#ended.resolve()
      })
      await this.#ended.promise
      cancel()
      await this.#thread.terminate()
    }
    if (this.#closeError !== undefined) throw this.#closeError
  }

  #take(message: FromThread): void {
    switch (message.kind) {
      case 'ready':
        this.#ready.resolve()
        return
      case 'beat':
        this.#tellFacts()
        this.#post({ kind: 'alive' })
        return
      case 'group':
        this.#options.onGroup?.(message.news)
        return
      case 'identity':
        // The next identity is a new member's: the group may have given what this one held, and is
        // perhaps still giving up, to others.
        if (message.identity === undefined)
          for (const key of this.#held.keys()) this.#held.set(key, neverCommitted)
        this.#offsets.become(message.identity)
        return
      case 'assigned':
        this.#told++
        for (const each of message.partitions) this.#held.set(partitionKey(each), this.#told)
        this.#call(message.id, () => this.#options.onAssigned(message.partitions))
        return
      case 'revoked':
        this.#revoked(message.id, message.partitions, message.lost)
        return
      case 'token':
        void this.#giveToken(message.id)
        return
      case 'joined':
        this.#options.onJoined?.(message.news)
        return
      case 'failed':
        this.#options.onFailed(asError(message.error))
        return
      case 'closed':
        this.#end()
    }
  }

  async #giveToken(id: number): Promise<void> {
    const { sasl } = this.#options.connection
    assert(sasl?.mechanism === 'oauthbearer')
    let token: OAuthToken | undefined
    try {
      token = await sasl.token()
    } catch {
      // The thread's login fails and is tried again, as the main thread's own does.
    }
    this.#post({ kind: 'token', id, token })
  }

  #revoked(id: number, partitions: readonly TopicPartition[], lost: boolean): void {
    const forget = () => {
      for (const each of partitions) this.#held.delete(partitionKey(each))
    }
    // What is lost cannot be committed from now on, whatever is still being done with it.
    if (lost) forget()
    this.#call(id, async () => {
      try {
        await this.#options.onRevoked(partitions, lost)
      } finally {
        if (!lost) forget()
      }
    })
  }

  /** After what was called before. */
  #call(id: number, call: () => Promise<void>): void {
    this.#work = this.#work
      .then(call)
      .catch((error: Error) => {
        if (this.#closing === undefined) this.#options.onFailed(error)
        else this.#closeError ??= error
      })
      .then(() => {
        // What was given up is held now: the round that follows is to know it.
        this.#tellFacts()
        this.#post({ kind: 'done', id })
      })
  }

  #post(message: ToThread): void {
    this.#thread?.postMessage(message)
  }

  /** The thread ended without being told to: nobody speaks for this member any more. */
  #crashed(cause: Error | undefined): void {
    if (this.#isEnded) return
    const error = new EuphorionError(
      'LOG_FAILED',
      `the thread of the membership in group '${this.#options.groupId}' ended`,
      { cause },
    )
    this.#ready.reject(error)
    if (this.#closing === undefined) this.#options.onFailed(error)
    this.#end()
  }

  #end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#offsets.become(undefined)
    const left = [...this.#held.keys()].map(partitionOf)
    if (left.length > 0) this.#revoked(0, left, true)
    void this.#work.then(() => this.#ended.resolve())
  }
}

/** Never more than a third of the session: two beats may be lost. */
function usualBeats(sessionTimeoutMs: number): number {
  const { part, least, most } = heartbeatMs
  const beats = Math.max(least, Math.min(most, sessionTimeoutMs / part))
  return Math.floor(Math.min(sessionTimeoutMs / 3, beats))
}

function partitionOf(key: string): TopicPartition {
  const slash = key.lastIndexOf('/')
  return { topic: key.slice(0, slash), partition: Number(key.slice(slash + 1)) }
}

function asError({ code, message, place }: PlainError): EuphorionError {
  return new EuphorionError(code, message, { place })
}

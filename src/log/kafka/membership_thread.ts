// The thread of a group membership: beats and rebalances go on while the main thread is busy. It
// has connections of its own, and notices when the main thread stands still. Started by Membership.
import { isMainThread, type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../../clock.ts'
import { type Deferred, deferred } from '../../deferred.ts'
import { EuphorionError } from '../../errors.ts'
import type { Connection } from '../../wire/connection.ts'
import type { OAuthToken } from '../../wire/login.ts'
import type { RequestType } from '../../wire/request.ts'
import { Cluster, type ClusterOptions } from './cluster.ts'
import { GroupMember } from './member.ts'
import type { FromThread, MembershipThreadData, ToThread } from './membership_messages.ts'

const beatMsMax = 1000
/** A main thread that is asked so often cannot miss the end of the progress time-out by much. */
const beatsMin = 10

class MembershipThread {
  readonly #data: MembershipThreadData
  readonly #port: MessagePort
  readonly #member: GroupMember
  readonly #beatMs: number
  readonly #answers = new Map<number, Deferred<OAuthToken | undefined>>()
  #cluster: Promise<Cluster> | undefined
  #connection: Connection | undefined
  #lastId = 0
  /** Beats that the main thread has not answered. */
  #missed = 0
  #cancelBeat: () => void = () => undefined

  constructor(data: MembershipThreadData, port: MessagePort) {
    this.#data = data
    this.#port = port
    const { progressTimeoutMs } = data
    this.#beatMs = Math.max(1, Math.min(beatMsMax, Math.floor(progressTimeoutMs / beatsMin)))
    this.#member = new GroupMember(data.member, {
      clock: systemClock,
      ask: (type, body, timeoutMs) => this.#ask(type, body, timeoutMs),
      reconnect: () => this.#reconnect(),
      partitions: (topics) => this.#partitions(topics),
      group: (news) => this.#post({ kind: 'group', news }),
      assigned: async (added) => {
        await this.#tell((id) => ({ kind: 'assigned', id, partitions: [...added] }))
      },
      revoked: async (gone, lost) => {
        await this.#tell((id) => ({ kind: 'revoked', id, partitions: [...gone], lost }))
      },
      identity: (identity) => this.#post({ kind: 'identity', identity }),
      joined: (news) => this.#post({ kind: 'joined', news }),
      failed: ({ code, message, place }) =>
        this.#post({ kind: 'failed', error: { code, message, place } }),
    })
  }

  start(): void {
    this.#port.on('message', (message: ToThread) => this.#take(message))
    this.#member.start()
    this.#beat()
    this.#post({ kind: 'ready' })
  }

  #take(message: ToThread): void {
    switch (message.kind) {
      case 'alive':
        this.#missed = 0
        if (this.#member.revokingMs < this.#data.progressTimeoutMs) this.#member.resume()
        return
      case 'done':
      case 'token':
        this.#answers.get(message.id)?.resolve('token' in message ? message.token : undefined)
        this.#answers.delete(message.id)
        return
      case 'facts':
        this.#member.tell(message.facts)
        return
      case 'rejoin':
        this.#member.rejoin(message.reason)
        return
      case 'subscribe':
        this.#member.subscribe(message.topics)
        return
      case 'close':
        void this.#close(message.leave)
    }
  }

  async #close(leave: boolean | undefined): Promise<void> {
    await this.#member.close(leave)
    this.#cancelBeat()
    const cluster = await this.#cluster?.catch(() => undefined)
    cluster?.close()
    this.#post({ kind: 'closed' })
    this.#port.close()
  }

  /**
   * Time that the whole process was stopped does not count: beats are counted, not time. A revoke
   * that takes as long is as bad as a main thread that stands still: others wait for it.
   */
  #beat(): void {
    const { progressTimeoutMs } = this.#data
    const isStalled = this.#missed * this.#beatMs >= progressTimeoutMs
    if (isStalled || this.#member.revokingMs >= progressTimeoutMs) this.#member.suspend()
    if (this.#missed++ === 0) this.#post({ kind: 'beat' })
    this.#cancelBeat = systemClock.after(this.#beatMs, () => this.#beat())
  }

  #post(message: FromThread): void {
    this.#port.postMessage(message)
  }

  #tell(message: (id: number) => FromThread): Promise<OAuthToken | undefined> {
    const id = ++this.#lastId
    const answer = deferred<OAuthToken | undefined>()
    this.#answers.set(id, answer)
    this.#post(message(id))
    return answer.promise
  }

  async #ask<Q, A>(type: RequestType<Q, A>, body: Q, timeoutMs: number): Promise<A> {
    const cluster = await this.#opened()
    try {
      this.#connection = await cluster.coordinator('group', this.#data.member.groupId, 'group')
      return await this.#connection.request(type, body, { timeoutMs })
    } catch (error) {
      this.#reconnect()
      throw error
    }
  }

  #reconnect(): void {
    this.#connection?.close()
    this.#connection = undefined
    void this.#cluster?.then(
      (cluster) => cluster.forgetCoordinator('group', this.#data.member.groupId),
      () => undefined,
    )
  }

  async #partitions(topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const cluster = await this.#opened()
    if (topics.length > 0) await cluster.refresh(topics)
    const counts = topics.map(
      (topic) => [topic, cluster.topic(topic)?.leaders.length ?? 0] as const,
    )
    return new Map(counts.filter(([, count]) => count > 0))
  }

  #opened(): Promise<Cluster> {
    this.#cluster ??= Cluster.open(this.#clusterOptions()).catch((error) => {
      this.#cluster = undefined
      throw error
    })
    return this.#cluster
  }

  /** Questions give up early enough that beats can find another coordinator in time. */
  #clusterOptions(): ClusterOptions {
    const { cluster, member, asksForTokens } = this.#data
    const { requestTimeoutMs = member.sessionTimeoutMs } = cluster
    return {
      ...cluster,
      requestTimeoutMs: Math.min(requestTimeoutMs, member.sessionTimeoutMs),
      ...(asksForTokens && { sasl: { mechanism: 'oauthbearer', token: () => this.#token() } }),
    }
  }

  async #token(): Promise<OAuthToken> {
    const token = await this.#tell((id) => ({ kind: 'token', id }))
    if (token !== undefined) return token
    throw new EuphorionError('LOG_FAILED', 'the main thread has no token for OAUTHBEARER')
  }
}

if (!isMainThread && parentPort !== null)
  new MembershipThread(workerData as MembershipThreadData, parentPort).start()

// A process with a GroupMember and an engine that takes its time, in front of a SimulatedGroup: its
// requests are late, and sometimes lost. Notes who owns what, and when two do.
import type { Random } from '../../src/clock.ts'
import type { GroupNews } from '../../src/log/kafka/group_news.ts'
import { GroupMember } from '../../src/log/kafka/member.ts'
import type { MemberIdentity } from '../../src/log/kafka/member_ports.ts'
import type { TopicPartition } from '../../src/log/log.ts'
import { noFacts, type ToldFacts } from '../../src/log/member_state.ts'
import type { RequestType } from '../../src/wire/request.ts'
import type { ManualClock } from './manual_clock.ts'
import { SimulatedGroup } from './simulated_group.ts'

export interface SimulatedMember {
  readonly member: GroupMember
  readonly held: Set<string>
  /** Given up while others were kept, in the order of their going. */
  readonly revoked: string[]
  readonly lost: string[]
  readonly news: GroupNews[]
  readonly failures: string[]
  identity: MemberIdentity | undefined
  /** Requests by name. */
  readonly asked: Map<string, number>
  /** No request leaves it any more, nor does an answer come. */
  dead: boolean
  /** Requests wait. */
  cutOff: boolean
}

export interface MemberChoice {
  readonly instanceId?: string
  readonly topics?: readonly string[]
  readonly facts?: ToldFacts
  /** Default 6 s. */
  readonly sessionTimeoutMs?: number
}

export class Simulation {
  readonly clock: ManualClock
  readonly group: SimulatedGroup
  readonly partitions: Map<string, number>
  readonly faults: string[] = []
  /** Partition → process. */
  readonly owners = new Map<string, SimulatedMember>()
  readonly members: SimulatedMember[] = []
  /** Error codes that the coordinator answers next, by name of the request. */
  readonly refusals = new Map<string, number[]>()
  /** Times that members looked for the coordinator anew. */
  reconnects = 0
  /** Part of the requests that are lost, on the way there or back. */
  lossRate = 0
  readonly #random: Random

  constructor(clock: ManualClock, random: Random, partitions: Readonly<Record<string, number>>) {
    this.clock = clock
    this.#random = random
    this.group = new SimulatedGroup(clock)
    this.partitions = new Map(Object.entries(partitions))
    this.group.onRemoved = (memberId) => {
      const gone = this.members.find(({ identity }) => identity?.memberId === memberId)
      for (const [key, owner] of [...this.owners]) if (owner === gone) this.owners.delete(key)
    }
  }

  get live(): readonly SimulatedMember[] {
    return this.members.filter(({ dead }) => !dead)
  }

  join(choice: MemberChoice = {}): SimulatedMember {
    const { clock } = this
    const reconnects = new Set<() => void>()
    const member = new GroupMember(
      {
        groupId: 'g',
        topics: choice.topics ?? [...this.partitions.keys()],
        ...(choice.instanceId === undefined ? {} : { instanceId: choice.instanceId }),
        place: '',
        facts: choice.facts ?? noFacts,
        sessionTimeoutMs: choice.sessionTimeoutMs ?? 6000,
        heartbeatIntervalMs: 1000,
        rebalanceTimeoutMs: 20_000,
        metadataIntervalMs: 5000,
      },
      {
        clock,
        random: this.#random,
        ask: (type, body, timeoutMs) => this.#ask(self, reconnects, type, body, timeoutMs),
        reconnect: () => {
          this.reconnects++
          for (const reject of [...reconnects]) reject()
        },
        partitions: async (topics) =>
          new Map([...this.partitions].filter(([topic]) => topics.includes(topic))),
        group: (news) => self.news.push(news),
        assigned: (added) => this.#assigned(self, added),
        revoked: (gone, lost) => this.#revoked(self, gone, lost),
        identity: (identity) => {
          if (!self.dead) self.identity = identity ?? self.identity
        },
        joined: () => undefined,
        failed: ({ code }) => self.failures.push(code),
      },
    )
    const self: SimulatedMember = {
      member,
      held: new Set(),
      revoked: [],
      lost: [],
      news: [],
      failures: [],
      identity: undefined,
      asked: new Map(),
      dead: false,
      cutOff: false,
    }
    this.members.push(self)
    member.start()
    return self
  }

  async #assigned(self: SimulatedMember, added: readonly TopicPartition[]): Promise<void> {
    if (self.dead) return
    // Thrown out while its share was on the way: what it commits is refused.
    const isFenced = !this.group.has(self.identity!.memberId)
    for (const { topic, partition } of added) {
      const key = `${topic}/${partition}`
      const owner = this.owners.get(key)
      if (isFenced) {
        self.held.add(key)
        continue
      }
      if (owner !== undefined && !owner.dead) this.faults.push(`${key} has two owners`)
      if (self.held.has(key)) this.faults.push(`${key} was held already`)
      this.owners.set(key, self)
      self.held.add(key)
    }
    await this.#wait(self, this.#random() * 500)
  }

  async #revoked(
    self: SimulatedMember,
    gone: readonly TopicPartition[],
    lost: boolean,
  ): Promise<void> {
    if (self.dead) return
    const keys = gone.map(({ topic, partition }) => `${topic}/${partition}`)
    await this.#wait(self, this.#random() * 2000)
    for (const key of keys) {
      if (!self.held.delete(key)) this.faults.push(`${key} was not held`)
      if (this.owners.get(key) === self) this.owners.delete(key)
    }
    ;(lost ? self.lost : self.revoked).push(...keys)
  }

  #wait(self: SimulatedMember, ms: number): Promise<void> {
    return new Promise((resolve) =>
      this.clock.after(ms, () => {
        if (!self.dead) resolve()
      }),
    )
  }

  #ask<Q, A>(
    self: SimulatedMember,
    reconnects: Set<() => void>,
    type: RequestType<Q, A>,
    body: Q,
    timeoutMs: number,
  ): Promise<A> {
    self.asked.set(type.name, (self.asked.get(type.name) ?? 0) + 1)
    return new Promise((resolve, reject) => {
      const fail = () => {
        reconnects.delete(fail)
        if (!self.dead) reject(new Error('the connection ended'))
      }
      reconnects.add(fail)
      this.clock.after(timeoutMs, fail)
      const fate = this.#random()
      this.clock.after(1 + this.#random() * 20, async () => {
        if (self.dead || self.cutOff) return
        if (fate < this.lossRate / 2) return fail()
        const errorCode = this.refusals.get(type.name)?.shift()
        const answer = (
          errorCode === undefined ? await this.group.ask(type.name, body) : refused(errorCode)
        ) as A
        if (fate < this.lossRate) return fail()
        this.clock.after(1 + this.#random() * 20, () => {
          if (self.dead || self.cutOff) return
          reconnects.delete(fail)
          resolve(answer)
        })
      })
    })
  }

  /** Time passes until each partition has its owner, and each member what it is to have. */
  async settle(limitMs = 120_000): Promise<void> {
    const end = this.clock.monotonic() + limitMs
    let quietMs = 0
    let seen = ''
    while (quietMs < 25_000 && this.clock.monotonic() < end) {
      await this.clock.advance(1000)
      const now = this.#shown()
      quietMs = now === seen ? quietMs + 1000 : 0
      seen = now
    }
  }

  #shown(): string {
    const owners = [...this.owners].map(([key, owner]) => `${key}:${this.members.indexOf(owner)}`)
    return `${this.group.generation} ${owners.sort().join()}`
  }
}

/** As much of any answer as says that there is none. */
function refused(errorCode: number): object {
  return { errorCode, memberId: '', assignment: Buffer.alloc(0), members: [] }
}

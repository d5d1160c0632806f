// A group whose members have state, round by round, around the assignor: copies catch up, disks are
// lost, members die and come. Notes what must never happen. For tests of the assignor.
import type { Random } from '../../src/clock.ts'
import { type Assignment, assign, type GroupMember } from '../../src/log/assignor.ts'
import { noFacts } from '../../src/log/member_state.ts'
import type { TopicPartitions } from '../../src/wire/consumer_protocol.ts'

export interface GroupChoice {
  /** Topic → partitions. All are stateful but those whose names begin with 'plain'. */
  readonly topics: Readonly<Record<string, number>>
  readonly standbyReplicas: number
  readonly warmupReplicas: number
  readonly acceptableLag: number
}

export interface StatefulMember {
  readonly id: string
  readonly place: string
  owned: readonly TopicPartitions[]
  standbys: readonly TopicPartitions[]
  warmups: readonly TopicPartitions[]
  /** Partition → records that its state here lacks. */
  readonly disk: Map<string, number>
}

const farBehind = 1_000_000

export class StatefulGroup {
  readonly choice: GroupChoice
  members: StatefulMember[] = []
  readonly faults: string[] = []
  round = 0
  /** Partitions that changed their owner. */
  moved = 0
  last: Assignment | undefined
  readonly #random: Random
  #made = 0

  constructor(choice: GroupChoice, random: Random) {
    this.choice = choice
    this.#random = random
  }

  join(place: string, disk = new Map<string, number>()): StatefulMember {
    const id = `m${String(this.#made++).padStart(3, '0')}`
    const member = { id, place, owned: [], standbys: [], warmups: [], disk }
    this.members.push(member)
    return member
  }

  kill(index: number): StatefulMember {
    return this.members.splice(index % this.members.length, 1)[0]
  }

  get partitions(): ReadonlyMap<string, number> {
    return new Map(Object.entries(this.choice.topics))
  }

  /** One round; then copies go on, all the way or a part of it. */
  next(isQuick = true): Assignment {
    const before = this.#warmCopies()
    const assignment = assign(
      this.members.map((one) => this.#told(one)),
      this.partitions,
    )
    this.round++
    this.#check(assignment)
    const owners = this.#owners()
    for (const member of this.members) {
      const share = assignment.shares.get(member.id)!
      member.owned = share.actives
      member.standbys = share.standbys
      member.warmups = share.warmups
    }
    for (const [key, owner] of this.#owners())
      if (owners.has(key) && owners.get(key) !== owner) this.moved++
    this.#checkCopies(before)
    this.#copy(isQuick)
    this.last = assignment
    return assignment
  }

  /** Rounds until nothing waits and nothing changes; how many it took. */
  settle(roundsMax: number): number {
    const begun = this.round
    for (;;) {
      const before = JSON.stringify([...(this.last?.shares ?? [])])
      const now = this.next()
      const waits = now.incomplete || this.members.some(({ warmups }) => warmups.length > 0)
      if (!waits && JSON.stringify([...now.shares]) === before) return this.round - begun
      if (this.round - begun > roundsMax) {
        this.faults.push(`not settled after ${roundsMax} rounds`)
        return roundsMax
      }
    }
  }

  #told(member: StatefulMember): GroupMember {
    const { topics, ...wishes } = this.choice
    const names = Object.keys(topics)
    const own = new Set(keysOf(member.owned))
    const held = [...member.disk]
      .filter(([key, lag]) => !own.has(key) || lag > 0)
      .map(([key, lag]) => ({ ...partitionOf(key), lag }))
    const state = {
      ...noFacts,
      ...wishes,
      held,
      place: member.place,
      stateful: names.filter((name) => !name.startsWith('plain')),
      standbys: member.standbys,
      known: [],
      generation: this.round,
      owned: member.owned,
    }
    return { id: member.id, topics: names, state }
  }

  /** Of the partition and those of other topics that go with it. */
  #lag(member: StatefulMember, key: string): number {
    const { topics } = this.choice
    const [topic, partition] = key.split('/')
    const own = new Set(keysOf(member.owned))
    return Object.keys(topics)
      .filter((other) => topics[other] === topics[topic] && !other.startsWith('plain'))
      .map((other) => `${other}/${partition}`)
      .reduce(
        (sum, each) =>
          sum + (member.disk.get(each) ?? (own.has(each) ? 0 : Number.POSITIVE_INFINITY)),
        0,
      )
  }

  #owners(): Map<string, string> {
    return new Map(
      this.members.flatMap(({ id, owned }) => keysOf(owned).map((key) => [key, id] as const)),
    )
  }

  #check({ shares, incomplete }: Assignment): void {
    const fault = (text: string) => this.faults.push(`round ${this.round}: ${text}`)
    const owners = this.#owners()
    const given = new Map<string, string>()
    for (const { id } of this.members) {
      const share = shares.get(id)!
      const copies = new Set(keysOf(share.standbys))
      for (const key of keysOf(share.actives)) {
        if (given.has(key)) fault(`${key} has two owners`)
        if (copies.has(key)) fault(`${key} has a standby beside its owner`)
        if ((owners.get(key) ?? id) !== id) fault(`${key} is given before it was given up`)
        given.set(key, id)
        this.#checkWarm(key, id, owners.get(key), fault)
      }
      if (keysOf(share.standbys).length !== copies.size) fault(`${id} copies something twice`)
      if (!keysOf(share.warmups).every((key) => copies.has(key))) fault('a warm-up is no standby')
    }
    let withheld = 0
    for (const [topic, count] of this.partitions)
      for (let partition = 0; partition < count; partition++)
        if (!given.has(`${topic}/${partition}`)) withheld++
    if (withheld > 0 !== incomplete) fault(`${withheld} are withheld`)
  }

  /** Who is given a partition has warm state of it, or nobody has. */
  #checkWarm(key: string, id: string, owner: string | undefined, fault: (text: string) => void) {
    const { acceptableLag, warmupReplicas } = this.choice
    if (key.startsWith('plain') || warmupReplicas === 0 || owner === id) return
    const lags = this.members.map((one) => ({ id: one.id, lag: this.#lag(one, key) }))
    const own = lags.find((one) => one.id === id)!.lag
    const least = Math.min(...lags.map(({ lag }) => lag))
    if (own > acceptableLag * 10 && least <= acceptableLag)
      fault(`${key} goes to ${id}, which lacks ${own}, and another lacks ${least}`)
  }

  /**
   * Warm copies of each partition, as far as they are wanted. An owner's counts where it lacks no
   * more than it may take over with: it has it soon.
   */
  #warmCopies(): Map<string, number> {
    const { standbyReplicas, acceptableLag } = this.choice
    const counts = new Map<string, number>()
    for (const member of this.members)
      for (const [keys, lag] of [
        [keysOf(member.owned), acceptableLag * 10],
        [keysOf(member.standbys), acceptableLag],
      ] as const)
        for (const key of keys)
          if (this.#lag(member, key) <= lag)
            counts.set(key, Math.min(standbyReplicas + 1, (counts.get(key) ?? 0) + 1))
    return counts
  }

  #checkCopies(before: ReadonlyMap<string, number>): void {
    if (this.choice.warmupReplicas === 0) return
    const now = this.#warmCopies()
    const owners = this.#owners()
    for (const [key, count] of before)
      if (owners.has(key) && (now.get(key) ?? 0) < count)
        this.faults.push(`round ${this.round}: ${key} has ${now.get(key)} of ${count} warm copies`)
    const warmups = this.members.flatMap((one) => [...unitsOf(one.warmups, this.choice)]).length
    if (this.choice.standbyReplicas === 0 && warmups > this.choice.warmupReplicas)
      this.faults.push(`round ${this.round}: ${warmups} warm-ups`)
  }

  #copy(isQuick: boolean): void {
    for (const { owned, standbys, disk } of this.members) {
      const copied = new Set(keysOf(standbys))
      const own = new Set(keysOf(owned))
      for (const key of [...copied, ...own]) {
        if (key.startsWith('plain')) continue
        const lag = disk.get(key) ?? farBehind
        const left = isQuick ? 0 : Math.floor((lag * this.#random()) / 2)
        disk.set(key, left)
      }
      for (const [key, lag] of disk)
        if (!copied.has(key) && !own.has(key))
          disk.set(key, lag + Math.floor(this.#random() * 3000))
    }
  }
}

export function keysOf(topics: readonly TopicPartitions[]): string[] {
  return topics.flatMap(({ topic, partitions }) => partitions.map((each) => `${topic}/${each}`))
}

/** Partitions of equal numbers in topics with equally many are one. */
export function unitsOf(topics: readonly TopicPartitions[], choice: GroupChoice): Set<string> {
  return new Set(
    topics.flatMap(({ topic, partitions }) =>
      partitions.map((partition) => `${choice.topics[topic]}/${partition}`),
    ),
  )
}

function partitionOf(key: string): { topic: string; partition: number } {
  const [topic, partition] = key.split('/')
  return { topic, partition: Number(partition) }
}

// Consumers of one group in this process: shares each topic's partitions out evenly when a member
// comes or goes, giving up before handing over.
import type { GroupView, MemberFacts } from '../log.ts'
import type { Partition } from './partition.ts'
import type { Topics } from './topics.ts'

/** What a group asks of a member. */
export interface GroupMember {
  readonly topics: readonly string[]
  readonly facts: MemberFacts | undefined
  /** Of each round, before anything is given up or taken over. */
  told(view: GroupView): void
  /** Partitions that are its own now. */
  owned(): readonly Partition[]
  /** Gives partitions up; resolves when that is done. Never rejects. */
  revoke(partitions: readonly Partition[]): Promise<void>
  /** Takes partitions over. Never rejects. */
  assign(partitions: readonly Partition[]): Promise<void>
}

const departedMax = 32

export class Group {
  readonly #topics: Topics
  readonly #members: GroupMember[] = []
  /** Members that are giving up what they have. */
  #leaving = 0
  #changes: Promise<void> = Promise.resolve()
  /** Transactional ids of members that left, the latest last. */
  #departed: readonly string[] = []

  constructor(topics: Topics) {
    this.#topics = topics
  }

  get empty(): boolean {
    return this.#members.length === 0 && this.#leaving === 0
  }

  /** Adds a member; resolves when every partition has its new owner. */
  join(member: GroupMember): Promise<void> {
    this.#members.push(member)
    return this.rebalance()
  }

  /** Removes a member after it gave up everything; the others take over behind it. */
  async leave(member: GroupMember): Promise<void> {
    const at = this.#members.indexOf(member)
    if (at >= 0) this.#members.splice(at, 1)
    const id = member.facts?.transactionalId ?? ''
    if (id !== '') this.#departed = [...this.#departed, id].slice(-departedMax)
    this.#leaving++
    const gone = this.#changes
      .then(() => member.revoke(member.owned()))
      .then(() => {
        this.#leaving--
      })
    this.#changes = gone
    void this.rebalance()
    await gone
  }

  /** Shares the partitions anew; resolves when every one has its owner. */
  rebalance(): Promise<void> {
    this.#changes = this.#changes.then(async () => {
      const shares = this.#shares()
      this.#tell(shares)
      await Promise.all(
        this.#members.map(async (member) => {
          const share = shares.get(member)!
          const lost = member.owned().filter((partition) => !share.has(partition))
          if (lost.length > 0) await member.revoke(lost)
        }),
      )
      await Promise.all(
        [...shares].map(async ([member, share]) => {
          const owned = new Set(member.owned())
          const gained = [...share].filter((partition) => !owned.has(partition))
          if (gained.length > 0) await member.assign(gained)
        }),
      )
    })
    return this.#changes
  }

  #tell(shares: ReadonlyMap<GroupMember, ReadonlySet<Partition>>): void {
    const present = this.#members.map(({ facts }) => facts?.transactionalId)
    this.#departed = this.#departed.filter((id) => !present.includes(id))
    const placed = [...shares].map(([member, share]) => ({
      member,
      address: member.facts?.address ?? '',
      actives: [...share].map(({ topic, partition }) => ({ topic, partition })),
      standbys: [],
    }))
    const hosts = placed
      .filter(({ address }) => address !== '')
      .map(({ member: _member, ...host }) => host)
    for (const { member, actives } of placed)
      member.told({ actives, warmups: [], hosts, departed: [...this.#departed] })
  }

  /** Contiguous ranges, alike for topics with equally many partitions. */
  #shares(): Map<GroupMember, Set<Partition>> {
    const shares = new Map(this.#members.map((member) => [member, new Set<Partition>()]))
    for (const name of new Set(this.#members.flatMap(({ topics }) => topics))) {
      const members = this.#members.filter(({ topics }) => topics.includes(name))
      const partitions = this.#topics.find(name)?.partitions ?? []
      for (const partition of partitions) {
        const owner = Math.floor((partition.partition * members.length) / partitions.length)
        shares.get(members[owner])!.add(partition)
      }
    }
    return shares
  }
}

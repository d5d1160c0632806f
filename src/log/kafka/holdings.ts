// The partitions that a member of a group holds, and those that it is to hold: tells the engine,
// one call at a time, what goes and what comes until both are the same. Owned by GroupMember.
//
//   aim ─▶ (held, not aimed at) ─▶ revoked ─▶ released ─▶ (aimed at, not held) ─▶ assigned
//   lose ─▶ all that was held ─▶ revoked as lost, before anything else
import type { Clock } from '../../clock.ts'
import type { TopicPartitions } from '../../wire/consumer_protocol.ts'
import type { TopicPartition } from '../log.ts'
import { partitionKey } from '../partition_key.ts'

/** Whom the holdings tell; what is told is awaited. */
export interface HoldingsPorts {
  readonly clock: Clock
  assigned(added: readonly TopicPartition[]): Promise<void>
  revoked(gone: readonly TopicPartition[], lost: boolean): Promise<void>
  /** Something that the group believes to be ours is free now. */
  released(): void
}

type Partitions = Map<string, TopicPartition>

export class Holdings {
  readonly #ports: HoldingsPorts
  /** Told to the engine. */
  #held: Partitions = new Map()
  #aim: Partitions = new Map()
  /** Lost, and not yet told. */
  #lost: Partitions = new Map()
  /** The engine is giving these up, which are not lost. */
  #leaving: readonly string[] = []
  /** When the engine was last told to give something up, lost or not, that it still has. */
  #leavingSinceMs: number | undefined
  #work: Promise<void> | undefined

  constructor(ports: HoldingsPorts) {
    this.#ports = ports
  }

  /** What nobody else may be given: what is held, and what was assigned and is not yet told. */
  get owned(): TopicPartitions[] {
    const topics = new Map<string, Set<number>>()
    for (const { topic, partition } of [...this.#held.values(), ...this.#aim.values()])
      topics.set(topic, (topics.get(topic) ?? new Set()).add(partition))
    return [...topics]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([topic, all]) => ({ topic, partitions: [...all].sort((a, b) => a - b) }))
  }

  /** ms that the engine has been giving something up. */
  get revokingMs(): number {
    const since = this.#leavingSinceMs
    return since === undefined ? 0 : this.#ports.clock.monotonic() - since
  }

  /** Resolves when the engine has been told everything. */
  async settled(): Promise<void> {
    while (this.#work !== undefined) await this.#work
  }

  aim(target: readonly TopicPartition[]): void {
    const before = this.#aim
    this.#aim = new Map(target.map((each) => [partitionKey(each), each]))
    const dropped = [...before.keys()].some((key) => !this.#aim.has(key) && !this.#held.has(key))
    this.#begin()
    if (dropped) this.#ports.released()
  }

  /** Of what it aims at, only these topics. */
  keepTopics(topics: readonly string[]): void {
    this.aim([...this.#aim.values()].filter(({ topic }) => topics.includes(topic)))
  }

  /** Others may hold it all by now. */
  lose(): void {
    for (const key of this.#leaving) this.#held.delete(key)
    for (const [key, partition] of this.#held) this.#lost.set(key, partition)
    this.#held = new Map()
    this.#aim = new Map()
    this.#begin()
  }

  #begin(): void {
    this.#work ??= this.#reconcile().finally(() => {
      this.#work = undefined
    })
  }

  async #reconcile(): Promise<void> {
    // Whoever aims or loses may go on first: then there is less to tell.
    await undefined
    while ((await this.#tellLost()) || (await this.#tellRevoked()) || (await this.#tellAssigned()));
  }

  async #tellLost(): Promise<boolean> {
    if (this.#lost.size === 0) return false
    const lost = [...this.#lost.values()]
    this.#lost = new Map()
    await this.#tellGone(lost, true)
    return true
  }

  async #tellRevoked(): Promise<boolean> {
    const gone = [...this.#held].filter(([key]) => !this.#aim.has(key))
    if (gone.length === 0) return false
    this.#leaving = gone.map(([key]) => key)
    const partitions = gone.map(([, partition]) => partition)
    await this.#tellGone(partitions, false)
    // Lost meanwhile: then they have gone already.
    for (const key of this.#leaving) this.#held.delete(key)
    this.#leaving = []
    this.#ports.released()
    return true
  }

  async #tellGone(gone: readonly TopicPartition[], lost: boolean): Promise<void> {
    this.#leavingSinceMs = this.#ports.clock.monotonic()
    await this.#ports.revoked(gone, lost)
    this.#leavingSinceMs = undefined
  }

  async #tellAssigned(): Promise<boolean> {
    const added = [...this.#aim].filter(([key]) => !this.#held.has(key))
    if (added.length === 0) return false
    for (const [key, partition] of added) this.#held.set(key, partition)
    await this.#ports.assigned(added.map(([, partition]) => partition))
    return true
  }
}

/** One by one. */
export function eachOf(topics: readonly TopicPartitions[]): TopicPartition[] {
  return topics.flatMap(({ topic, partitions }) =>
    partitions.map((partition) => ({ topic, partition })),
  )
}

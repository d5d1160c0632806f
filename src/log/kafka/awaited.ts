// What a member waits for after a round, and when it is to ask for another: partitions whose owner
// does not give them up, and copies that are warm by now. Owned by GroupMember.
import type { Clock, Random } from '../../clock.ts'
import type { TopicPartition } from '../log.ts'
import type { ShareNotes, ToldFacts } from '../member_state.ts'
import { partitionKey } from '../partition_key.ts'
import { eachOf } from './holdings.ts'

/** A copy that is warm says so itself; where the round came too early for it, it is asked again. */
const warmAgainMs = 3000

export class Awaited {
  readonly #clock: Clock
  readonly #random: Random
  readonly #patienceMs: number
  /** When a partition that others have to give up was last waited for. */
  #incompleteSinceMs: number | undefined
  #orphanLooks = 0
  #warmups: readonly TopicPartition[] = []
  #notedMs = 0

  constructor(clock: Clock, random: Random, patienceMs: number) {
    this.#clock = clock
    this.#random = random
    this.#patienceMs = patienceMs
  }

  get isIncomplete(): boolean {
    return this.#incompleteSinceMs !== undefined
  }

  note({ incomplete, warmups }: ShareNotes): void {
    this.#notedMs = this.#clock.monotonic()
    this.#incompleteSinceMs = incomplete ? this.#notedMs : undefined
    if (!incomplete) this.#orphanLooks = 0
    this.#warmups = eachOf(warmups)
  }

  /** Why to join again; undefined: nothing is to be had by it. */
  reason({ held, acceptableLag }: ToldFacts): string | undefined {
    if (this.#hasOrphans()) return 'partitions wait for an owner that does not give them up'
    if (this.#clock.monotonic() - this.#notedMs < warmAgainMs) return undefined
    const warm = new Set(held.filter(({ lag }) => lag <= acceptableLag).map(partitionKey))
    const cold = this.#warmups.filter((each) => !warm.has(partitionKey(each)))
    // Partitions of one number move together.
    const isCold = (partition: number) => cold.some((each) => each.partition === partition)
    if (this.#warmups.every(({ partition }) => isCold(partition))) return undefined
    this.#notedMs = this.#clock.monotonic()
    return 'a copy is warm that was not when the group last looked'
  }

  /**
   * What waits for its owner comes with the round that the owner's release starts. An owner that
   * was static and came back without it releases nothing: then somebody has to ask. Less and less
   * often: it may also be that an owner is slow.
   */
  #hasOrphans(): boolean {
    if (this.#incompleteSinceMs === undefined) return false
    const waitedMs = this.#clock.monotonic() - this.#incompleteSinceMs
    const patienceMs = this.#patienceMs * 2 ** Math.min(this.#orphanLooks, 6)
    if (waitedMs < patienceMs * (1 + this.#random() / 2)) return false
    this.#orphanLooks++
    return true
  }
}

// How a group gets from where its state is to where it is to be (KIP-441): a unit stays where its
// state is warm, and who is to have it copies that state first, a few units at a time. Called by
// the assignor with the balanced plan, again in each round, until nothing waits.
import type { UnitGroup } from './assignor.ts'
import type { KnownState } from './assignor_state.ts'

/** Of one unit, in this round. */
export interface UnitPlan {
  active: number
  standbys: number[]
  /** Of the standbys: something moves once they are warm. */
  readonly warmups: number[]
}

/** A copy that something waits for. */
interface Warmup {
  readonly plan: UnitPlan
  readonly member: number
  readonly lag: number
  /** Has warm state in place of the member, as long as that is copying. */
  readonly spare: number | undefined
}

/**
 * A unit without owner may go to who lacks so many times what is acceptable: the last cut of the
 * owner before may have been that large, and going back would cost as much.
 */
const orphanTimes = 10

export class Moves {
  readonly #known: KnownState
  readonly #budget: number
  readonly #warmups: Warmup[] = []

  /** `budget`: copies at once; 0: everything moves without its state. */
  constructor(known: KnownState, budget: number) {
    this.#known = known
    this.#budget = budget
  }

  /** `owners` and `standbys`: where all is to be in the end. Complete after settle(). */
  plan(
    group: UnitGroup,
    owners: readonly number[],
    standbys: readonly (readonly number[])[],
    wanted: number,
  ): readonly UnitPlan[] {
    const actives = this.#actives(group, owners)
    return actives.map((active, unit) => {
      const target = owners[unit]
      const plan: UnitPlan = { active, standbys: [...standbys[unit]], warmups: [] }
      if (group.stateful.length === 0 || this.#budget === 0) return plan
      if (active !== target) this.#moveActive(group, unit, plan, target)
      this.#keepWarm(group, unit, plan, target, wanted)
      return plan
    })
  }

  /** Those that lack least are copied first: they have begun already. */
  settle(): void {
    this.#warmups.sort((a, b) => a.lag - b.lag)
    for (const [index, { plan, member, spare }] of this.#warmups.entries()) {
      if (spare !== undefined) plan.standbys.push(spare)
      if (index < this.#budget) {
        plan.warmups.push(member)
        if (spare === undefined) plan.standbys.push(member)
      } else if (spare !== undefined) plan.standbys.splice(plan.standbys.indexOf(member), 1)
    }
  }

  #actives(group: UnitGroup, owners: readonly number[]): number[] {
    if (group.stateful.length === 0 || this.#budget === 0) return [...owners]
    const counts = new Map<number, number>()
    const open: number[] = []
    const actives = owners.map((target, unit) => {
      const active = this.#staying(group, unit, target)
      if (active === undefined) open.push(unit)
      else counts.set(active, (counts.get(active) ?? 0) + 1)
      return active ?? target
    })
    const count = (member: number) => counts.get(member) ?? 0
    for (const unit of open) {
      const [best, ...others] = this.#known.holders(group, unit)
      const equal = [best, ...others.filter(({ lag }) => lag === best.lag)]
      const { member } = equal.reduce((a, b) => (count(b.member) < count(a.member) ? b : a))
      actives[unit] = member
      counts.set(member, count(member) + 1)
    }
    return actives
  }

  /** Undefined: neither the target nor the owner has warm state, but another member is better. */
  #staying(group: UnitGroup, unit: number, target: number): number | undefined {
    const known = this.#known
    if (known.lag(group, unit, target) === 0) return target
    const owner = known.unitOwner(group, unit)
    if (owner >= 0 && known.lag(group, unit, owner) === 0) return owner
    const [best] = known.holders(group, unit)
    if (owner >= 0) return best?.lag === 0 ? undefined : owner
    if (best === undefined || known.isNear(group, unit, target, orphanTimes)) return target
    return best.lag < known.lag(group, unit, target) ? undefined : target
  }

  /** The target copies what the active has; in its place, if that was to have a standby. */
  #moveActive(group: UnitGroup, unit: number, plan: UnitPlan, target: number): void {
    const place = plan.standbys.indexOf(plan.active)
    if (place < 0) {
      const lag = this.#known.lag(group, unit, target)
      this.#warmups.push({ plan, member: target, lag, spare: undefined })
      return
    }
    plan.standbys[place] = target
    plan.warmups.push(target)
  }

  /** A standby that is warm is kept until the one that is to be instead of it is as warm. */
  #keepWarm(group: UnitGroup, unit: number, plan: UnitPlan, target: number, wanted: number): void {
    const known = this.#known
    const isWarm = (member: number) => known.lag(group, unit, member) === 0
    const cold = plan.standbys.filter((member) => !isWarm(member) && member !== target)
    const warm = plan.standbys.filter(isWarm).length
    const spares = known
      .copiers(group, unit)
      .filter((each) => isWarm(each) && each !== plan.active && !plan.standbys.includes(each))
      .slice(0, Math.max(0, wanted - warm))
    for (const [index, spare] of spares.entries()) {
      const member = cold[index]
      // The target is copying in any case.
      if (member === undefined) plan.standbys.push(spare)
      else this.#warmups.push({ plan, member, lag: known.lag(group, unit, member), spare })
    }
  }
}

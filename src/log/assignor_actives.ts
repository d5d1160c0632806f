// Who is to own each unit of a group in the end: balanced, and with as few moves as that allows.
// Called by the assignor.
//
//   quotas (balanced) ─▶ keep what is owned ─▶ the rest to who has its state ─▶ the rest in turns
import type { UnitGroup } from './assignor.ts'
import type { KnownState } from './assignor_state.ts'
import { fillLevels } from './quotas.ts'

/** The owner of each unit; adds to the loads. */
export function placeActives(group: UnitGroup, known: KnownState, loads: number[]): number[] {
  const { partitions, takers } = group
  const owned = new Map<number, number[]>(takers.map((member) => [member, []]))
  for (let unit = 0; unit < partitions; unit++) owned.get(known.unitOwner(group, unit))?.push(unit)
  const quotas = fillLevels(
    takers.map((member) => loads[member]),
    partitions,
    takers.map((member) => owned.get(member)!.length),
  )
  const room = new Map(takers.map((member, index) => [member, quotas[index]]))
  const owners = new Array<number>(partitions).fill(-1)
  const give = (unit: number, member: number) => {
    owners[unit] = member
    room.set(member, room.get(member)! - 1)
  }
  const takesMore = (member: number) => owned.get(member)!.length < quotas[takers.indexOf(member)]
  const receivers = new Set(takers.filter(takesMore))
  for (const [index, member] of takers.entries()) {
    loads[member] += quotas[index]
    const units = owned.get(member)!
    const excess = units.length - quotas[index]
    const goes = excess > 0 ? leaving(group, known, units, receivers).slice(0, excess) : []
    for (const unit of units) if (!goes.includes(unit)) give(unit, member)
  }
  for (const { unit, member } of byLag(group, known, owners))
    if (owners[unit] < 0 && room.get(member)! > 0) give(unit, member)
  inTurns(group, owners, room)
  return owners
}

/** The units in the order in which they are given up: first those whose state is elsewhere. */
function leaving(
  group: UnitGroup,
  known: KnownState,
  units: readonly number[],
  receivers: ReadonlySet<number>,
): number[] {
  const least = new Map<number, number>()
  for (const unit of units) {
    const holder = known.holders(group, unit).find(({ member }) => receivers.has(member))
    least.set(unit, holder?.lag ?? Number.POSITIVE_INFINITY)
  }
  const lag = (unit: number) => least.get(unit)!
  return [...units].sort((a, b) => (lag(a) === lag(b) ? a - b : lag(a) - lag(b)))
}

/** State of units without owner, that which lacks least first. */
function byLag(
  group: UnitGroup,
  known: KnownState,
  owners: readonly number[],
): readonly { readonly unit: number; readonly member: number }[] {
  return owners
    .flatMap((owner, unit) =>
      owner >= 0 ? [] : known.holders(group, unit).map((holder) => ({ unit, ...holder })),
    )
    .sort((a, b) => a.lag - b.lag || a.unit - b.unit || a.member - b.member)
}

function inTurns({ takers }: UnitGroup, owners: number[], room: Map<number, number>): void {
  let turn = 0
  for (const [unit, owner] of owners.entries()) {
    if (owner >= 0) continue
    while (room.get(takers[turn])! === 0) turn = (turn + 1) % takers.length
    owners[unit] = takers[turn]
    room.set(takers[turn], room.get(takers[turn])! - 1)
    turn = (turn + 1) % takers.length
  }
}

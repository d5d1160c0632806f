// How many units each member gets: as level as whole units allow. Called by the assignor for
// actives and for standbys.

/**
 * Shares `amount` out so that the lowest `levels` are raised together, as water would. What cannot
 * be shared goes, one each, first to those that got least, among them to those that `own` more.
 */
export function fillLevels(
  levels: readonly number[],
  amount: number,
  own: readonly number[],
): number[] {
  const sorted = [...levels].sort((a, b) => a - b)
  let level = sorted[0]
  let rest = amount
  for (let count = 1; ; count++) {
    if (count < sorted.length && sorted[count] === level) continue
    const next = count < sorted.length ? sorted[count] : Number.POSITIVE_INFINITY
    if (rest < (next - level) * count) {
      level += Math.floor(rest / count)
      rest %= count
      break
    }
    rest -= (next - level) * count
    level = next
  }
  const quotas = levels.map((each) => Math.max(0, level - each))
  const wanting = (index: number): number => (own[index] > quotas[index] ? 0 : 1)
  const raised = quotas
    .map((_, index) => index)
    .filter((index) => levels[index] <= level)
    .sort((a, b) => quotas[a] - quotas[b] || wanting(a) - wanting(b) || a - b)
  // Chosen before any is raised: a quota must not change under the comparison.
  for (const index of raised.slice(0, rest)) quotas[index]++
  return quotas
}

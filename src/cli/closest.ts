// The name that was probably meant. Used where a name is not known.

/** The known name with the fewest edits from `name`; undefined where none is near. */
export function closest(name: string, known: Iterable<string>): string | undefined {
  const most = Math.max(1, Math.floor(name.length / 3))
  let best: string | undefined
  let bestEdits = most + 1
  for (const each of known) {
    const edits = editsBetween(name.toLowerCase(), each.toLowerCase())
    if (edits < bestEdits) [best, bestEdits] = [each, edits]
  }
  return best
}

/** Letters that are changed, added or taken away (Levenshtein). */
function editsBetween(from: string, to: string): number {
  let above = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row++) {
    const line = [row]
    for (let column = 1; column <= to.length; column++) {
      const changed = above[column - 1] + (from[row - 1] === to[column - 1] ? 0 : 1)
      line.push(Math.min(changed, above[column] + 1, line[column - 1] + 1))
    }
    above = line
  }
  return above[to.length]
}

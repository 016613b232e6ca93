/** "Did you mean": the candidate that a person probably wanted to type. */

/** Edit distance with neighbouring letters swapped counted once. */
function distance(a: string, b: string): number {
  let older: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1]
      const choices = [
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + (same ? 0 : 1),
      ]
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        choices.push((older[column - 2] ?? 0) + 1)
      }
      current.push(Math.min(...choices))
    }
    older = previous
    previous = current
  }
  return previous[b.length] ?? 0
}

const plain = (text: string) => text.toLowerCase().replaceAll(/[-_]/g, '')

/** The nearest candidate, if it is near: a third of the letters may differ, at least one. */
export function suggest(typed: string, candidates: readonly string[]): string | undefined {
  if (typed.length > 64) return undefined
  const ranked = candidates
    .map((candidate) => ({ candidate, edits: distance(plain(typed), plain(candidate)) }))
    .sort((a, b) => a.edits - b.edits)
  const best = ranked[0]
  return best !== undefined && best.edits <= Math.max(1, Math.floor(typed.length / 3))
    ? best.candidate
    : undefined
}

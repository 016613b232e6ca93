/**
 * Patterns of the permission rules. The texts they are matched against are an executor's words, so a
 * pattern is no regular expression: `*` is any run of characters, `?` is one, and matching takes
 * at most pattern times text steps, whatever the text says.
 */

/** What makes a shell do something else beside the command, or instead of it. */
const CONTROL = /[;&|<>`$(){}\n\r\\]/

/**
 * True when the whole text has the form of the pattern. With `plain`, `*` and `?` stand for no
 * character by which a shell begins something else, so that `npm test*` is not `npm test; rm -r .`.
 */
export function matchesText(pattern: string, text: string, { plain = false } = {}): boolean {
  return wild(pattern, text, (char) => !plain || !CONTROL.test(char))
}

/**
 * True when the path has the form of the pattern: `*` and `?` stay within one part of the path, `**` is
 * any number of parts. Paths have slashes between their parts.
 */
export function matchesPath(pattern: string, path: string): boolean {
  return parts(pattern.split('/'), path.split('/'))
}

/** The commands that a shell would run one after the other, as far as the text shows them. */
export function commandsIn(text: string): string[] {
  return text
    .split(/[;&|\n\r(){}`]+/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

function parts(pattern: readonly string[], path: readonly string[]): boolean {
  // One row for each part of the pattern: which beginnings of the path it can have taken.
  let reached = new Set([0])
  for (const part of pattern) {
    const next = new Set<number>()
    if (part === '**') {
      // Reached in rising order: whatever the first can take, the others can.
      const [least = path.length + 1] = reached
      for (let to = least; to <= path.length; to += 1) next.add(to)
    } else {
      for (const at of reached) {
        if (at < path.length && wild(part, path[at] ?? '', () => true)) next.add(at + 1)
      }
    }
    reached = next
  }
  return reached.has(path.length)
}

/** The classic two pointers: back to the last star, which takes one character more each time. */
function wild(pattern: string, text: string, mayTake: (char: string) => boolean): boolean {
  let at = 0
  let to = 0
  let star = -1
  let taken = 0
  while (to < text.length) {
    const char = text.charAt(to)
    const want = pattern.charAt(at)
    if (want === '*') {
      star = at
      taken = to
      at += 1
    } else if (at < pattern.length && (want === '?' ? mayTake(char) : want === char)) {
      at += 1
      to += 1
    } else if (star >= 0 && mayTake(text.charAt(taken))) {
      taken += 1
      to = taken
      at = star + 1
    } else return false
  }
  while (pattern.charAt(at) === '*') at += 1
  return at === pattern.length
}

/**
 * Which files an issue is about, as far as its words tell: paths in the text, and `files:` of its block.
 * Two issues whose hints overlap are not worked at once, since one of their changes would conflict with
 * the other. A hint is only that: what is changed in the end is not held against it. Pure.
 */

/** Hints of one issue. */
const maxHints = 50
/** Characters of a text that are looked through. */
const maxText = 64 * 1024
const maxPath = 200

/** Endings that make a word without a slash a file; more would find prose, versions and hosts. */
const endings =
  'c|cc|cpp|cs|css|dart|ex|exs|go|h|hpp|html|java|js|json|jsx|kt|lock|lua|md|mjs|mts|php|proto|py|rb|rs|scala|scss|sh|sql|svelte|swift|tf|toml|ts|tsx|vue|xml|yaml|yml|zig'
const candidate =
  /(?:^|[\s`'"([{<,;:|])((?:\.{0,2}\/)?[\w@.*-]+(?:\/[\w@.*-]+)*\/?)(?=[\s`'")\]}>,;:|.!?]|$)/gm
const isFile = new RegExp(`(^|/)[\\w@.*-]+\\.(${endings})$`, 'i')

/** Normal form of a path or glob: no `./`, no slash at the ends; empty when it names nothing within. */
function normal(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  return parts.includes('..') ? '' : parts.join('/')
}

/** `given`: of the block. */
export function fileHints(text: string, given: readonly string[] = []): string[] {
  const found = new Set<string>()
  const add = (path: string) => {
    const plain = normal(path)
    if (plain !== '' && plain.length <= maxPath && found.size < maxHints) found.add(plain)
  }
  given.forEach(add)
  for (const [, word = ''] of text.slice(0, maxText).matchAll(candidate)) {
    const trimmed = word.replace(/\.+$/, '')
    const isPlace = trimmed.endsWith('/') && /\w\//.test(trimmed)
    if (isFile.test(trimmed) || isPlace) add(trimmed)
  }
  return [...found]
}

/** What of two lists of hints may be the same file; undefined: nothing. */
export function overlap(one: readonly string[], other: readonly string[]): string | undefined {
  return one.find((a) => other.some((b) => meets(a, b)))
}

/** Equal, one within the other, or by the fixed beginning of a glob. */
function meets(a: string, b: string): boolean {
  const [x, y] = [fixed(a), fixed(b)]
  if (x.isGlob || y.isGlob)
    return x.text === '' || y.text === '' || within(x.text, y.text) || within(y.text, x.text)
  return within(a, b) || within(b, a)
}

const within = (outer: string, inner: string) => inner === outer || inner.startsWith(`${outer}/`)

/** The whole parts of a path before its first `*`. */
function fixed(path: string): { text: string; isGlob: boolean } {
  const at = path.indexOf('*')
  if (at < 0) return { text: path, isGlob: false }
  const slash = path.lastIndexOf('/', at)
  return { text: slash < 0 ? '' : path.slice(0, slash), isGlob: true }
}

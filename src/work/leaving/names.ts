/**
 * Names of files as other machines read them. Where case, composed letters, invisible characters, a dot
 * at the end or a stream's name make no difference, two names are one file, and `.GIT` is `.git`. Pure.
 */

/** Bytes of a path; git and GitHub take more, hardly any file system does. */
const MAX_PATH_BYTES = 1_024
const MAX_NAME_BYTES = 255
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\ufffd]/u
/** The names under which git runs a program by itself, where its directory is made the place of hooks. */
const HOOKS = new Set(
  (
    'applypatch-msg pre-applypatch post-applypatch pre-commit pre-merge-commit prepare-commit-msg' +
    ' commit-msg post-commit pre-rebase post-checkout post-merge pre-push pre-receive update' +
    ' proc-receive post-receive post-update reference-transaction push-to-checkout pre-auto-gc' +
    ' post-rewrite sendemail-validate fsmonitor-watchman post-index-change'
  ).split(' '),
)

/** The most forgiving reading of a path, to compare it with names that matter. */
export function folded(path: string): string {
  return each(path, (name) => bare(letters(name, 'NFKC').replace(/:.*$/s, '')))
}

/** Two paths with one key are one file on file systems in use. */
const twinKey = (path: string) => each(path, (name) => bare(letters(name, 'NFC')))

const letters = (name: string, form: 'NFC' | 'NFKC') =>
  name
    .replace(/\p{Cf}/gu, '')
    .normalize(form)
    .toLowerCase()

/** Without dots and spaces at the end, unless there is nothing else. */
const bare = (name: string) =>
  name.replace(/[. ]+$/, (end) => (end.length === name.length ? end : ''))

function each(path: string, change: (name: string) => string): string {
  return path.split('/').map(change).join('/')
}

/** Why no file should be added under this name; undefined when it may. */
export function badName(path: string): string | undefined {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return `is longer than ${MAX_PATH_BYTES} bytes`
  if (INVISIBLE.test(path)) return 'has characters that cannot be seen, or is no UTF-8'
  if (path.includes('\\')) return 'has a backslash, which is a slash on other machines'
  for (const name of path.split('/')) {
    if (Buffer.byteLength(name) > MAX_NAME_BYTES) return 'has a name of more than 255 bytes'
    if (/^(?:\.git|git~\d+)$/.test(folded(name))) return 'is a place of git itself'
    if (/[. ]$/.test(name)) return 'ends with a dot or a space, which other machines drop'
  }
  return undefined
}

/** A program that git would run by itself: an executable with the name of a hook. */
export function isHook(path: string, mode: string): boolean {
  return mode === '100755' && HOOKS.has(folded(path.split('/').at(-1) ?? ''))
}

/** Added paths that would be one file with another path of the tree somewhere, each with that one. */
export function collisions(
  added: readonly string[],
  all: readonly string[],
): { path: string; other: string }[] {
  const wanted = new Map<string, string[]>()
  for (const path of added) {
    for (const at of heads(path)) {
      const key = twinKey(at)
      const before = wanted.get(key) ?? []
      if (!before.includes(at)) wanted.set(key, [...before, at])
    }
  }
  const found = new Map<string, string>()
  for (const path of all) {
    for (const at of heads(path)) {
      for (const mine of wanted.get(twinKey(at)) ?? []) if (mine !== at) found.set(mine, at)
    }
  }
  return [...found].map(([path, other]) => ({ path, other }))
}

/** `a/b/c` → `a`, `a/b`, `a/b/c`. */
function heads(path: string): string[] {
  const parts = path.split('/')
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'))
}

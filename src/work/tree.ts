/** The difference of two trees, entry by entry, and links in it that lead out of the repository. */
export interface ChangedEntry {
  path: string
  /** Mode after the change; 000000 when it was deleted. */
  mode: string
  /** Object after the change. */
  id: string
  insertions: number
  deletions: number
}

type Run = (args: string[]) => Promise<string>

const RAW = /^:\d+ (\d+) [0-9a-f]+ ([0-9a-f]+) [A-Z]\d*$/

/** `from` and `to`: commits or trees. A rename is a deletion and an addition. */
export async function changedEntries(run: Run, from: string, to: string): Promise<ChangedEntry[]> {
  const diff = ['diff-tree', '-r', '-z', '--no-renames', '--no-ext-diff', '--no-textconv']
  const raw = (await run([...diff, '--raw', '--no-abbrev', from, to])).split('\0')
  const counts = new Map<string, [number, number]>()
  for (const line of (await run([...diff, '--numstat', from, to])).split('\0')) {
    const [insertions, deletions, path] = split3(line)
    if (path !== undefined) counts.set(path, [Number(insertions) || 0, Number(deletions) || 0])
  }
  const entries: ChangedEntry[] = []
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const match = RAW.exec(raw[index] ?? '')
    const path = raw[index + 1]
    if (match?.[1] === undefined || match[2] === undefined || path === undefined) continue
    const [insertions, deletions] = counts.get(path) ?? [0, 0]
    entries.push({ path, mode: match[1], id: match[2], insertions, deletions })
  }
  return entries
}

/** New or changed symbolic links whose target may be outside of the repository. */
export async function outsideLinks(run: Run, changed: readonly ChangedEntry[]): Promise<string[]> {
  const outside: string[] = []
  for (const { path, mode, id } of changed) {
    if (mode !== '120000') continue
    if (leadsOutside(path, await run(['cat-file', 'blob', id]))) outside.push(path)
  }
  return outside
}

/**
 * Whether a link may lead outside. ".." is allowed only at the start of the target and no deeper
 * than the link lies: after a name it would count from wherever that name leads.
 */
export function leadsOutside(path: string, target: string): boolean {
  if (target === '' || target.startsWith('/') || /^[A-Za-z]:|[\\\0]/.test(target)) return true
  const parts = target.split('/').filter((part) => part !== '' && part !== '.')
  const firstName = parts.findIndex((part) => part !== '..')
  const ups = firstName === -1 ? parts.length : firstName
  if (parts.slice(ups).some((part) => part === '..' || part.toLowerCase() === '.git')) return true
  return ups > path.split('/').length - 1
}

function split3(line: string): [string?, string?, string?] {
  const first = line.indexOf('\t')
  const second = line.indexOf('\t', first + 1)
  if (first < 0 || second < 0) return []
  return [line.slice(0, first), line.slice(first + 1, second), line.slice(second + 1)]
}

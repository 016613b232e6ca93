/** Goes through a directory of the clone, breadth first, following no link, and ends at its limits. */
import type { ConfinedFiles, Entry } from '../../../confined.ts'

/** Entries that one walk looks at. */
export const MAX_WALKED = 50_000
/** What is mostly not the repository's own. */
const SKIPPED = new Set(['node_modules', '.venv', '__pycache__'])

export interface Walked {
  /** From the root of the clone. */
  path: string
  kind: Entry['kind']
}

export interface WalkOptions {
  /** Levels; 1 is the directory itself. */
  depth: number
  signal: AbortSignal
}

/** Errors as of `ConfinedFiles.list`, for the first directory; others that cannot be read are left out. */
export async function* walk(
  files: ConfinedFiles,
  root: string,
  { depth, signal }: WalkOptions,
): AsyncGenerator<Walked> {
  const queue = [{ path: normal(root), level: 1 }]
  let walked = 0
  for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
    const { path, level } = at
    const entries = await files.list(path === '' ? '.' : path).catch((error: unknown) => {
      if (level === 1) throw error
      return []
    })
    for (const { name, kind } of entries) {
      walked += 1
      if (walked > MAX_WALKED || signal.aborted) return
      const below = path === '' ? name : `${path}/${name}`
      yield { path: below, kind }
      if (kind === 'directory' && level < depth && !SKIPPED.has(name)) {
        queue.push({ path: below, level: level + 1 })
      }
    }
  }
}

const normal = (path: string) => path.replace(/^(?:\.?\/)+/, '').replace(/\/+$|^\.$/, '')

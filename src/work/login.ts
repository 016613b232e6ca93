/**
 * The login of a coding agent, copied into the home of a task: of the user's home only what the agent
 * needs to work as that user. It is a copy, since what is steered by a stranger's text must not change
 * the login of the person; a token that the agent renews is gone with the task.
 */
import { cp, lstat, mkdir } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'

/** Of one file or directory, bytes: more is no login. */
const MAX_BYTES = 16 * 1024 * 1024

/** `names`: files and directories below `from`. What is not there, too large, or a link is left out. */
export async function copyLogin(
  names: readonly string[],
  { from, to }: { from: string; to: string },
): Promise<void> {
  for (const name of names) {
    const path = normalize(name)
    if (path.startsWith('..') || path.startsWith('/')) continue
    const source = join(from, path)
    const stat = await lstat(source).catch(() => undefined)
    if (stat === undefined || stat.isSymbolicLink() || stat.size > MAX_BYTES) continue
    await mkdir(dirname(join(to, path)), { recursive: true, mode: 0o700 })
    await cp(source, join(to, path), {
      recursive: true,
      verbatimSymlinks: true,
      filter: async (file) => {
        const inner = await lstat(file)
        return inner.isDirectory() || (inner.isFile() && inner.size <= MAX_BYTES)
      },
    })
  }
}

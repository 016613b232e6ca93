/** A new bare repository, and its first commit from the files of a directory. */
import { lstat, mkdir, readFile, readdir, readlink, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { ForgeError } from '../errors.ts'
import type { Commits } from './commits.ts'
import type { Refs } from './refs.ts'
import { IDENTITY, type GitRunner } from './run.ts'
import type { TreeChange, Trees } from './trees.ts'

/**
 * As github.com: history may be rewritten by who may push, any reachable object may be asked for,
 * `refs/pull` belongs to the server. No collector in the background: it would outlive the forge.
 */
const CONFIG = `[core]
	repositoryformatversion = 0
	filemode = true
	bare = true
	logAllRefUpdates = false
	hooksPath = ${process.platform === 'win32' ? 'NUL' : '/dev/null'}
	filesRefLockTimeout = 2000
	packedRefsTimeout = 5000
[receive]
	autogc = false
	denyNonFastForwards = false
	fsckObjects = true
	maxInputSize = 536870912
	hideRefs = refs/pull
[uploadpack]
	allowAnySHA1InWant = true
	allowReachableSHA1InWant = true
	allowTipSHA1InWant = true
	allowFilter = true
[gc]
	auto = 0
[maintenance]
	auto = false
`
/** Larger trees are not examples any more. */
const FILES = 20_000
const SKIPPED = new Set(['.git', 'node_modules'])

export interface Seeder {
  /** Makes the repository at `dir` in one step: a crash leaves none. */
  create(dir: string, from: string | undefined, date: string): Promise<void>
}

export function seeder(
  git: GitRunner,
  parts: { commits: Commits; trees: Trees; refs: Refs },
): Seeder {
  async function collect(dir: string, root: string, prefix: string, into: TreeChange[]) {
    const names = (await readdir(root)).sort()
    for (const name of names) {
      if (SKIPPED.has(name)) continue
      const file = join(root, name)
      const path = `${prefix}${name}`
      const stat = await lstat(file)
      if (stat.isDirectory()) await collect(dir, file, `${path}/`, into)
      else if (stat.isSymbolicLink() || stat.isFile()) {
        const link = stat.isSymbolicLink()
        const bytes = link ? await readlink(file) : await readFile(file)
        const mode = link ? '120000' : (stat.mode & 0o100) === 0 ? '100644' : '100755'
        into.push({ path, mode, sha: await parts.trees.writeBlob(dir, bytes) })
      }
      if (into.length > FILES) {
        throw new ForgeError('FORGE_REPOSITORY_INVALID', `${root} has more than ${FILES} files.`, {
          data: { from: root, files: FILES },
          next: 'Give a smaller directory.',
        })
      }
    }
  }

  return {
    create: async (dir, from, date) => {
      const fresh = `${dir}.new-${randomUUID()}`
      await mkdir(fresh, { recursive: true })
      try {
        await git.run(fresh, [
          'init',
          '--bare',
          '--quiet',
          '--template=',
          '--initial-branch=main',
          fresh,
        ])
        await writeFile(join(fresh, 'config'), CONFIG)
        await git.run(fresh, ['hash-object', '-t', 'tree', '-w', '--stdin'])
        if (from !== undefined) {
          const changes: TreeChange[] = []
          await collect(fresh, from, '', changes)
          const person = { ...IDENTITY, date }
          const sha = await parts.commits.write(fresh, {
            message: 'Initial commit\n',
            tree: await parts.trees.write(fresh, undefined, changes),
            parents: [],
            author: person,
            committer: person,
          })
          await parts.refs.set(fresh, 'refs/heads/main', sha)
        }
        await rename(fresh, dir)
      } catch (error) {
        await rm(fresh, { recursive: true, force: true })
        throw error
      }
    },
  }
}

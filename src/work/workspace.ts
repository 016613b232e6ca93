/**
 * Where a task is done: a directory per attempt with a clone, a home and a directory for temporary
 * files. The clone is made with `init` and `fetch`, not `clone`: no remote, no hooks from a
 * template, and no object file shared with the source, which a child could rewrite in place.
 *
 *   <dir>/<order id>-<random>/ clone/ home/ tmp/
 *   <dir>/kept/<order id>-<random>/          failed ones, when they are to be kept
 */
import { chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Git } from '../process/index.ts'
import { explain, hasCode, type Logger } from '../util/index.ts'
import { WorkError } from './errors.ts'
import type { Place } from './executor.ts'
import type { WorkOrder } from './types.ts'

const GIT_TIMEOUT_MS = 10 * 60_000
/** Failed workspaces that are kept, newest first. */
const MAX_KEPT = 20
const KEPT = 'kept'
const COMMIT = /^[0-9a-f]{40,64}$/
const ORDER_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,150}$/
export const WORK_BRANCH = 'bzzz-work'

export interface Workspace extends Place {
  /** Commit that the executor starts from: `base`, or the attempt to go on from. */
  start: string
  /** Commit that changes are counted from: where `start` left the base branch. */
  from: string
  /** Removes it, or moves it to the kept ones. Idempotent. */
  dispose(keep: boolean): Promise<void>
}

export interface Workspaces {
  /** Errors: `WORKSPACE`, `ABORTED`. */
  create(order: WorkOrder, signal: AbortSignal): Promise<Workspace>
  /** Removes what earlier runs left in the directory, kept ones aside; returns how many. */
  sweep(): Promise<number>
}

export function createWorkspaces(
  dir: string,
  { git, logger }: { git: Git; logger: Logger },
): Workspaces {
  const live = new Set<string>()

  async function create(order: WorkOrder, signal: AbortSignal): Promise<Workspace> {
    const { base, resume, gitDir, baseBranch } = order.source
    const start = resume ?? base
    if (!ORDER_ID.test(order.id)) throw broken(`"${order.id.slice(0, 100)}" is not an order id.`)
    const { onto = base } = order.source
    if (![base, start, onto].every((id) => COMMIT.test(id)))
      throw broken('base, resume or onto is no commit id.')
    await mkdir(dir, { recursive: true, mode: 0o700 })
    const root = await mkdtemp(join(dir, `${order.id}-`))
    live.add(root)
    const place = {
      root,
      clone: join(root, 'clone'),
      home: join(root, 'home'),
      tmp: join(root, 'tmp'),
    }
    let disposed: Promise<void> | undefined
    const dispose = (keep: boolean) => {
      disposed ??= (keep ? keepTree(dir, root, logger) : removeTree(root)).finally(() =>
        live.delete(root),
      )
      return disposed
    }
    try {
      for (const path of [place.clone, place.home, place.tmp]) await mkdir(path, { mode: 0o700 })
      const run = (...args: string[]) =>
        git(args, { cwd: place.clone, signal, timeoutMs: GIT_TIMEOUT_MS, allowFile: true })
      await run('init', '--quiet', '--template=', `--initial-branch=${WORK_BRANCH}`)
      await run('config', 'user.name', order.author.name)
      await run('config', 'user.email', order.author.email)
      const wanted = [...new Set([start, base])]
      const fetch = ['fetch', '--quiet', '--no-tags', '--update-shallow', '--no-write-fetch-head']
      await run(...fetch, '--', gitDir, ...wanted)
      await run('update-ref', `refs/heads/${baseBranch}`, base)
      await run('checkout', '--quiet', '-B', WORK_BRANCH, start)
      const from = resume === undefined ? base : await leftBase(run, base, resume)
      return { ...place, start, from, dispose }
    } catch (cause) {
      await dispose(false)
      if (signal.aborted || hasCode(cause, 'ABORTED')) {
        throw new WorkError('ABORTED', 'Stopped while the workspace was made.', { cause })
      }
      throw new WorkError('WORKSPACE', `The workspace could not be made: ${explain(cause)}`, {
        data: { gitDir, base },
        next: 'See that the disk has room and that the local copy of the repository is whole.',
        cause,
      })
    }
  }

  async function sweep(): Promise<number> {
    const names = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw error
    })
    const left = names.map((name) => join(dir, name)).filter((path) => !live.has(path))
    const dead = left.filter((path) => path !== join(dir, KEPT))
    for (const path of dead) {
      await removeTree(path)
      logger.info({ path }, 'removed a workspace that an earlier run left')
    }
    return dead.length
  }

  return { create, sweep }
}

async function leftBase(
  run: (...args: string[]) => Promise<string>,
  base: string,
  resume: string,
): Promise<string> {
  const common = await run('merge-base', base, resume)
  return common.trim()
}

async function keepTree(dir: string, root: string, logger: Logger): Promise<void> {
  const kept = join(dir, KEPT)
  await mkdir(kept, { recursive: true, mode: 0o700 })
  const stamp = new Date().toISOString().replace(/[:.]/g, '-')
  await rename(root, join(kept, `${stamp}-${root.slice(dir.length + 1)}`))
  const old = (await readdir(kept)).sort().reverse().slice(MAX_KEPT)
  for (const name of old) await removeTree(join(kept, name))
  logger.info({ kept }, 'kept the workspace of a failed task')
}

/** Removes a tree in which a child may have taken rights away from directories. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 3 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EACCES' && code !== 'EPERM' && code !== 'ENOTEMPTY') throw error
    await unlock(path)
    await rm(path, { recursive: true, force: true, maxRetries: 3 })
  }
}

async function unlock(path: string): Promise<void> {
  await chmod(path, 0o700)
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.isDirectory()) await unlock(join(path, entry.name))
  }
}

const broken = (text: string) => new WorkError('WORKSPACE', text)

/**
 * What an executor left becomes one commit of ours. Its clone's `.git` is hostile by now (hooks,
 * filters, alternates, planted configuration) and is never used: each collection makes a fresh git
 * directory beside the workspace, which borrows the source's objects and takes only the files of
 * the work tree. The executor's own commits are part of those files.
 */
import { copyFile, lstat, mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Git } from '../process/index.ts'
import { explain, hasCode } from '../util/index.ts'
import { oneLine } from './clean.ts'
import type { WorkLimits } from './config.ts'
import { WorkError } from './errors.ts'
import { protectedPaths } from './protected.ts'
import { changedEntries, outsideLinks, type ChangedEntry } from './tree.ts'
import type { Changed, WorkOrder } from './types.ts'
import type { Workspace } from './workspace.ts'

const GIT_TIMEOUT_MS = 5 * 60_000
const MAX_LIST_BYTES = 32 * 1024 * 1024
const MAX_NESTED = 100
const MAX_NAMED = 10

export interface Collected {
  gitDir: string
  head: string
  files: Changed['files']
  /** What was left out, one line each. */
  notes: string[]
  /** Puts the work tree back to what was collected: what checks left behind is gone. */
  restore(signal: AbortSignal): Promise<void>
}

export interface CollectInit {
  order: Pick<WorkOrder, 'source' | 'author' | 'issue'>
  workspace: Workspace
  limits: Pick<WorkLimits, 'maxDiffBytes' | 'maxFiles'>
  /** Stamp of the commit, ms since 1970. */
  now: number
}

type Run = (args: string[], input?: string) => Promise<string>

/** Errors: `NO_CHANGE`, `PROTECTED_PATH`, `DIFF_TOO_LARGE`, `WORKSPACE`, `ABORTED`. */
export async function collect(
  init: CollectInit,
  git: Git,
  signal: AbortSignal,
): Promise<Collected> {
  try {
    return await collectFiles(init, git, signal)
  } catch (cause) {
    if (cause instanceof WorkError) throw cause
    if (signal.aborted || hasCode(cause, 'ABORTED')) {
      throw new WorkError('ABORTED', 'Stopped while the changes were collected.', { cause })
    }
    throw new WorkError('WORKSPACE', `The changes could not be collected: ${explain(cause)}`, {
      cause,
    })
  }
}

async function collectFiles(init: CollectInit, git: Git, signal: AbortSignal): Promise<Collected> {
  const { workspace, order } = init
  const stat = await lstat(workspace.clone)
  if (!stat.isDirectory()) {
    throw new WorkError('PROTECTED_PATH', 'It put something else in the place of the work tree.')
  }
  const gitDir = await trustedDir(workspace, order.source.gitDir, git, signal)
  const runner =
    (from: AbortSignal): Run =>
    (args, input) =>
      git(['-c', 'core.protectHFS=true', '-c', 'core.protectNTFS=true', ...args], {
        cwd: workspace.clone,
        signal: from,
        timeoutMs: GIT_TIMEOUT_MS,
        maxOutputBytes: MAX_LIST_BYTES,
        env: {
          GIT_DIR: gitDir,
          GIT_WORK_TREE: workspace.clone,
          ...stamp(order.author, init.now),
        },
        ...(input === undefined ? {} : { input }),
      })
  const run = runner(signal)
  await run(['read-tree', workspace.start])
  const submodules = await gitlinks(run)
  const { nested, files } = await untracked(run)
  await refuseNested(run, workspace.start, nested)
  await refuseLarge(workspace.clone, [...files, ...(await modified(run, submodules))], init.limits)

  const except = [...nested, ...submodules].map((path) => `:(exclude,literal)${path}`)
  await run(['add', '--all', '--', '.', ...except])
  const tree = (await run(['write-tree'])).trim()
  const changed = await changedEntries(run, workspace.from, tree)
  await refuse(run, changed, init.limits)
  const head = await commit(run, tree, init)
  return {
    gitDir,
    head,
    files: changed.map(({ path, insertions, deletions }) => ({ path, insertions, deletions })),
    notes: nested.map((path) => `left out ${path}: it is a repository of its own`),
    restore: async (from) => {
      const again = runner(from)
      await again(['checkout-index', '--all', '--force', '--quiet'])
      await again(['clean', '-d', '--force', '--quiet', '--', '.', ...except])
    },
  }
}

async function trustedDir(
  workspace: Workspace,
  source: string,
  git: Git,
  signal: AbortSignal,
): Promise<string> {
  const gitDir = await mkdtemp(join(workspace.root, 'git-'))
  await git(['init', '--quiet', '--bare', '--template=', gitDir], { cwd: gitDir, signal })
  await mkdir(join(gitDir, 'objects', 'info'), { recursive: true })
  await writeFile(join(gitDir, 'objects', 'info', 'alternates'), `${resolve(source, 'objects')}\n`)
  await copyFile(join(source, 'shallow'), join(gitDir, 'shallow')).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    },
  )
  return gitDir
}

const stamp = ({ name, email }: WorkOrder['author'], now: number) => {
  const date = `${Math.floor(now / 1000)} +0000`
  return {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
    GIT_COMMITTER_DATE: date,
  }
}

async function gitlinks(run: Run): Promise<string[]> {
  const listed = await run(['ls-files', '-z', '--stage'])
  return listed.split('\0').flatMap((line) => {
    const match = /^160000 [0-9a-f]+ \d\t(.+)$/s.exec(line)
    return match?.[1] === undefined ? [] : [match[1]]
  })
}

/** New files; git names a repository within the work tree as a directory, with a slash. */
async function untracked(run: Run): Promise<{ nested: string[]; files: string[] }> {
  const listed = await run(['ls-files', '-z', '--others', '--exclude-standard'])
  const paths = listed.split('\0').filter((path) => path !== '')
  return {
    nested: paths.filter((path) => path.endsWith('/')).map((path) => path.slice(0, -1)),
    files: paths.filter((path) => !path.endsWith('/')),
  }
}

async function modified(run: Run, submodules: readonly string[]): Promise<string[]> {
  const except = submodules.map((path) => `:(exclude,literal)${path}`)
  const listed = await run(['ls-files', '-z', '--modified', '--', '.', ...except])
  return listed.split('\0').filter((path) => path !== '')
}

async function refuseNested(run: Run, start: string, nested: readonly string[]): Promise<void> {
  if (nested.length > MAX_NESTED) {
    throw new WorkError('PROTECTED_PATH', `It left ${nested.length} repositories in the work tree.`)
  }
  if (nested.length === 0) return
  const tracked = await run(['ls-tree', '-r', '--name-only', start, '--', ...nested])
  if (tracked === '') return
  throw new WorkError('PROTECTED_PATH', `It made a repository of its own out of ${nested[0]}.`, {
    data: { paths: nested.slice(0, MAX_NAMED) },
  })
}

async function refuseLarge(
  clone: string,
  paths: readonly string[],
  { maxDiffBytes, maxFiles }: CollectInit['limits'],
): Promise<void> {
  if (paths.length > maxFiles) throw tooLarge(`${paths.length} files; at most ${maxFiles}`)
  let bytes = 0
  for (const path of paths) {
    const stat = await lstat(join(clone, path)).catch(() => undefined)
    bytes += stat?.size ?? 0
    if (bytes > maxDiffBytes) throw tooLarge(`files of more than ${maxDiffBytes} bytes in all`)
  }
}

async function refuse(
  run: Run,
  changed: readonly ChangedEntry[],
  { maxFiles }: CollectInit['limits'],
): Promise<void> {
  if (changed.length === 0) throw new WorkError('NO_CHANGE', 'It changed nothing.')
  const closed = protectedPaths(changed.map(({ path }) => path))
  if (closed.length > 0) {
    throw new WorkError('PROTECTED_PATH', `It changed protected files: ${named(closed)}.`, {
      data: { paths: closed.slice(0, MAX_NAMED) },
      next: 'Change these files by hand, or word the issue so that they need no change.',
    })
  }
  const links = changed.filter(({ mode }) => mode === '160000').map(({ path }) => path)
  const outside = [...links, ...(await outsideLinks(run, changed))]
  if (outside.length > 0) {
    throw new WorkError('PROTECTED_PATH', `It left links that lead outside: ${named(outside)}.`, {
      data: { paths: outside.slice(0, MAX_NAMED) },
    })
  }
  if (changed.length > maxFiles) throw tooLarge(`${changed.length} files; at most ${maxFiles}`)
}

async function commit(run: Run, tree: string, { order, workspace }: CollectInit): Promise<string> {
  const before = (await run(['rev-parse', `${workspace.start}^{tree}`])).trim()
  const message = `${oneLine(order.issue.title, 200)} (#${order.issue.number})\n`
  const head =
    before === tree
      ? workspace.start
      : (await run(['commit-tree', tree, '-p', workspace.start, '-F', '-'], message)).trim()
  await run(['update-ref', 'refs/heads/work', head])
  return head
}

function named(paths: readonly string[]): string {
  const shown = paths.slice(0, MAX_NAMED).map((path) => oneLine(path, 200))
  const more = paths.length - shown.length
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

const tooLarge = (what: string) =>
  new WorkError('DIFF_TOO_LARGE', `It changed too much: ${what}.`, {
    next: 'Split the issue, or raise the limit on the agent.',
  })

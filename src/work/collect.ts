/**
 * What an executor left becomes one commit of ours. Its clone's `.git` is hostile by now (hooks,
 * filters, alternates, planted configuration) and is never used: each collection makes a fresh git
 * directory beside the workspace, which borrows the source's objects and takes only the files of
 * the work tree. The executor's own commits are part of those files.
 */
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Git } from '../process/index.ts'
import type { SecretScanner } from '../secrets/index.ts'
import { explain, hasCode } from '../util/index.ts'
import { oneLine } from './clean.ts'
import type { WorkLimits } from './config.ts'
import { WorkError } from './errors.ts'
import { refuseHiddenAttributes } from './leaving/attributes.ts'
import { errorOf, inspect, named, secretsIn, type Finding } from './leaving/inspect.ts'
import { badName } from './leaving/names.ts'
import type { PathRules } from './leaving/protected.ts'
import { stamp, trustedDir } from './trusted-dir.ts'
import { changedEntries, type ChangedEntry } from './tree.ts'
import type { Changed, WorkOrder } from './types.ts'
import type { Workspace } from './workspace.ts'

const GIT_TIMEOUT_MS = 5 * 60_000
/** Of a listing, or of the patch of a change of the largest size with what it removes. */
const MAX_LIST_BYTES = 96 * 1024 * 1024
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
  order: Pick<WorkOrder, 'source' | 'author' | 'issue' | 'coAuthors'>
  workspace: Workspace
  limits: Pick<WorkLimits, 'maxDiffBytes' | 'maxFiles'>
  /** Stamp of the commit, ms since 1970. */
  now: number
  /** What the operator changes about protected paths. Default: nothing. */
  paths?: PathRules
  /** Without one nothing is searched for secrets. */
  scanner?: SecretScanner | undefined
  /**
   * For work in progress: files that must not leave are left out and named in the notes, where a
   * publication is refused. Default false.
   */
  checkpoint?: boolean
  /**
   * Keeps the git directory for the next collection of the same workspace: its index knows which files
   * have not changed since. Only for work in progress: what is published is collected afresh.
   */
  reuse?: { gitDir: string | undefined }
}

type Run = (args: string[], input?: string) => Promise<string>

/** Errors: `NO_CHANGE`, `PROTECTED_PATH`, `SECRET_FOUND`, `DIFF_TOO_LARGE`, `WORKSPACE`, `ABORTED`. */
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
    if (hasCode(cause, 'TOO_LARGE')) throw tooLarge(`more than ${MAX_LIST_BYTES} bytes of changes`)
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
  const known = init.reuse?.gitDir
  const gitDir = known ?? (await trustedDir(workspace, order.source.gitDir, git, signal))
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
  if (known === undefined) await run(['read-tree', workspace.start])
  if (init.reuse !== undefined) {
    await run(['update-index', '-q', '--refresh'])
    init.reuse.gitDir = gitDir
  }
  const submodules = await gitlinks(run)
  const { nested, files } = await untracked(run)
  await refuseNested(run, workspace.start, nested)
  const touched = await modified(run, submodules)
  const { fit, large } = await weigh(workspace.clone, [...files, ...touched], init.limits)
  const [tooMuch] = large
  if (tooMuch !== undefined && init.checkpoint !== true)
    throw tooLarge(`files of more than ${init.limits.maxDiffBytes} bytes in all`)

  const unfit = files.filter((path) => badName(path) !== undefined)
  if (unfit.length > 0 && init.checkpoint !== true) throw badNames(unfit)
  await refuseHiddenAttributes(run)

  const except = [...nested, ...submodules, ...unfit].map((path) => `:(exclude,literal)${path}`)
  if (init.checkpoint === true) {
    // Files may vanish while somebody works on them: then they are no part of it.
    const bad = new Set(unfit)
    const update = ['update-index', '--add', '--remove', '--replace', '-z', '--stdin']
    const paths = fit.filter((path) => !bad.has(path)).map((path) => `${path}\0`)
    await run(update, paths.join(''))
  } else await run(['add', '--all', '--', '.', ...except])
  const { tree, changed, left } = await fitTree(run, init, signal)
  const head = await commit(run, tree, init, signal)
  return {
    gitDir,
    head,
    files: changed.map(({ path, insertions, deletions }) => ({ path, insertions, deletions })),
    notes: [
      ...nested.map((path) => `left out ${path}: it is a repository of its own`),
      ...(tooMuch === undefined ? [] : [`left out ${named(large)}: too large`]),
      ...(unfit.length > 0 ? [`left out files with bad names: ${named(unfit)}`] : []),
      ...left.map(({ text, paths }) => `left out ${named(paths)}: ${text}`),
    ],
    restore: async (from) => {
      const again = runner(from)
      await again(['checkout-index', '--all', '--force', '--quiet'])
      await again(['clean', '-d', '--force', '--quiet', '--', '.', ...except])
    },
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

/** Files that may leave together by their sizes, and those with which it would be too much. */
async function weigh(
  clone: string,
  paths: readonly string[],
  { maxDiffBytes, maxFiles }: CollectInit['limits'],
): Promise<{ fit: string[]; large: string[] }> {
  if (paths.length > maxFiles) throw tooLarge(`${paths.length} files; at most ${maxFiles}`)
  let bytes = 0
  const fit: string[] = []
  const large: string[] = []
  for (const path of paths) {
    const stat = await lstat(join(clone, path)).catch(() => undefined)
    const size = stat?.size ?? 0
    if (bytes + size > maxDiffBytes) {
      large.push(path)
      continue
    }
    bytes += size
    fit.push(path)
  }
  return { fit, large }
}

/** The tree that may leave. Of a checkpoint without the files that may not. */
async function fitTree(
  run: Run,
  init: CollectInit,
  signal: AbortSignal,
): Promise<{ tree: string; changed: ChangedEntry[]; left: Finding[] }> {
  const { workspace, paths = {}, scanner, limits, checkpoint = false } = init
  const left: Finding[] = []
  for (;;) {
    const tree = (await run(['write-tree'])).trim()
    const changed = await changedEntries(run, workspace.from, tree)
    if (changed.length === 0) throw new WorkError('NO_CHANGE', 'It changed nothing.')
    if (changed.length > limits.maxFiles) {
      throw tooLarge(`${changed.length} files; at most ${limits.maxFiles}`)
    }
    const about = { from: workspace.from, to: tree, changed, paths, scanner }
    const found = await inspect(about, run, signal)
    const [first] = found
    if (first === undefined) return { tree, changed, left }
    const out = [...new Set(found.flatMap((finding) => finding.paths))]
    // What was left out once and is still there stood in the commit that this one goes on from.
    if (!checkpoint || left.length > 0) throw errorOf(first)
    left.push(...found)
    await run(['rm', '-r', '-q', '--cached', '--ignore-unmatch', '--', ...out.map(literal)])
    const before = await run(['ls-tree', '-r', '-z', workspace.from, '--', ...out])
    await run(['update-index', '-z', '--index-info'], before)
  }
}

async function commit(
  run: Run,
  tree: string,
  { order, workspace, scanner, checkpoint = false }: CollectInit,
  signal: AbortSignal,
): Promise<string> {
  const title = `${oneLine(order.issue.title, 200)} (#${order.issue.number})`
  const part = { where: 'the message of the commit', text: title }
  const [found] = scanner === undefined ? [] : await secretsIn([part], scanner, signal)
  if (found !== undefined && !checkpoint) throw errorOf(found)
  const subject = found === undefined ? title : `Work on #${order.issue.number}`
  const message = [subject, ...trailers(order.coAuthors)].join('\n')
  const onto = order.source.onto ?? workspace.start
  const before = (await run(['rev-parse', `${onto}^{tree}`])).trim()
  const head =
    before === tree
      ? onto
      : (await run(['commit-tree', tree, '-p', onto, '-F', '-'], `${message}\n`)).trim()
  await run(['update-ref', 'refs/heads/work', head])
  return head
}

/** Names come from other machines: one line each, without what ends a name. */
function trailers(people: WorkOrder['coAuthors'] = []): string[] {
  if (people.length === 0) return []
  const clean = (text: string) => oneLine(text.replace(/[<>]/g, ''), 100)
  const lines = people.map(
    ({ name, email }) => `Co-authored-by: ${clean(name)} <${clean(email).replaceAll(' ', '')}>`,
  )
  return ['', ...new Set(lines)]
}

const literal = (path: string) => `:(literal)${path}`

const badNames = (paths: string[]) =>
  new WorkError(
    'PROTECTED_PATH',
    `It made files with bad names: ${named(paths)}; the first ${badName(paths[0] ?? '')}.`,
    { data: { paths: paths.slice(0, MAX_NAMED) } },
  )

const tooLarge = (what: string) =>
  new WorkError('DIFF_TOO_LARGE', `It changed too much: ${what}.`, {
    next: 'Split the issue, or raise the limit on the agent.',
  })

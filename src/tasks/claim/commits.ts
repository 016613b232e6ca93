/** Commits of work in a local git store: looked at, and put onto another parent. Nothing here uses the network. */
import { TasksError } from '../errors.ts'
import { inspectObjects } from './objects.ts'
import { oidPattern } from './record.ts'
import type { CommitText, RunGit } from './repository-types.ts'

/** Undefined when it is not in the store, is no commit, or has more than `maxBytes`. */
export async function describeCommit(
  git: RunGit,
  gitDir: string,
  oid: string,
  maxBytes: number,
): Promise<CommitText | undefined> {
  const [object] = await inspectObjects(git, gitDir, [oid])
  if (object?.type !== 'commit' || object.size > maxBytes) return undefined
  const raw = await git(['cat-file', 'commit', oid], { cwd: gitDir })
  const end = raw.indexOf('\n\n')
  const head = (end < 0 ? raw : raw.slice(0, end)).split('\n')
  return {
    parents: head.filter((line) => line.startsWith('parent ')).map((line) => line.slice(7)),
    message: end < 0 ? '' : raw.slice(end + 2),
  }
}

/**
 * A commit with the tree, the author and the dates of `oid`, the one parent `onto`, and its own message
 * or the one that is given. Done twice it is the same commit.
 */
export async function restackCommit(
  git: RunGit,
  gitDir: string,
  { oid, onto, message }: { oid: string; onto: string; message?: string },
): Promise<string> {
  if (!oidPattern.test(oid) || !oidPattern.test(onto))
    throw new TasksError('CLAIM_REF_INVALID', 'The workspace named no commit.')
  const shown = await git(['log', '-1', '--format=%an%n%ae%n%at%n%B', oid], { cwd: gitDir })
  const [name = '', email = '', at = '', ...lines] = shown.split('\n')
  const date = `${at} +0000`
  return (
    await git(['commit-tree', `${oid}^{tree}`, '-p', onto, '-F', '-'], {
      cwd: gitDir,
      input: message ?? `${lines.join('\n').trimEnd()}\n`,
      env: {
        GIT_AUTHOR_NAME: name,
        GIT_AUTHOR_EMAIL: email,
        GIT_AUTHOR_DATE: date,
        GIT_COMMITTER_NAME: name,
        GIT_COMMITTER_EMAIL: email,
        GIT_COMMITTER_DATE: date,
      },
    })
  ).trim()
}

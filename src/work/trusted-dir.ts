/** A git directory beside a workspace that no executor has written to, and the stamp of commits made there. */
import { copyFile, mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Git } from '../process/index.ts'
import type { WorkOrder } from './types.ts'
import type { Workspace } from './workspace.ts'

/** Fresh and bare; borrows the objects of `source`. */
export async function trustedDir(
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

/** Environment that makes the same commit at the same `now`, ms. */
export const stamp = ({ name, email }: WorkOrder['author'], now: number) => {
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

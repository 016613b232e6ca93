/** A store with one empty commit: what is asked about a repository that this agent does not work is answered from there. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunGit } from '../claim/repository-types.ts'
import type { Scratch } from './work-out.ts'

/** The same commit each time. */
const someone = {
  GIT_AUTHOR_NAME: 'bzzz',
  GIT_AUTHOR_EMAIL: 'bzzz@localhost',
  GIT_AUTHOR_DATE: '0 +0000',
  GIT_COMMITTER_NAME: 'bzzz',
  GIT_COMMITTER_EMAIL: 'bzzz@localhost',
  GIT_COMMITTER_DATE: '0 +0000',
}

/** `dir`: of the repositories; nothing is made before it is asked for. */
export function createScratch(dir: string, git: RunGit): Scratch {
  const gitDir = join(dir, 'nothing.git')
  return {
    async open(signal) {
      await mkdir(gitDir, { recursive: true, mode: 0o700 })
      await git(['init', '--quiet', '--bare', '.'], { cwd: gitDir, signal })
      const options = { cwd: gitDir, input: '', signal }
      const tree = (await git(['hash-object', '-t', 'tree', '-w', '--stdin'], options)).trim()
      const commit = ['commit-tree', tree, '-m', 'nothing']
      const base = (await git(commit, { ...options, env: someone })).trim()
      await git(['update-ref', 'refs/heads/main', base], options)
      return { gitDir, base }
    },
  }
}

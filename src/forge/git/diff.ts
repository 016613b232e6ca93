/** What differs between two commits, file by file, with its patch. */
import type { GitRunner } from './run.ts'

export interface FileDiff {
  path: string
  previous?: string
  status: 'added' | 'removed' | 'modified' | 'renamed' | 'copied' | 'changed'
  /** Of the new blob; of the old one for a removed file. */
  sha: string
  additions: number
  deletions: number
  /** Hunks from the first `@@` on; absent for binary files. */
  patch?: string
}

export interface Diffs {
  files(dir: string, from: string, to: string): Promise<FileDiff[]>
  /** Unified diff as `git diff` prints it. */
  text(dir: string, from: string, to: string): Promise<string>
  /** As `git format-patch --stdout` prints it. */
  mail(dir: string, from: string, to: string): Promise<string>
}

/** Longer patches are cut, as GitHub leaves them out. */
const PATCH_CHARS = 400_000
const STATUS: Record<string, FileDiff['status']> = {
  A: 'added',
  D: 'removed',
  M: 'modified',
  R: 'renamed',
  C: 'copied',
  T: 'changed',
}
const OPTIONS = ['--no-ext-diff', '--no-textconv', '--no-color', '-M', '--full-index']

function patches(text: string): (string | undefined)[] {
  return text
    .split(/^(?=diff --git )/m)
    .filter((part) => part.startsWith('diff --git '))
    .map((part) => {
      const at = part.search(/^@@ /m)
      return at < 0 ? undefined : part.slice(at).replace(/\n$/, '').slice(0, PATCH_CHARS)
    })
}

interface Named {
  letter: string
  sha: string
  path: string
  previous?: string
}

function named(raw: string): Named[] {
  const fields = raw.split('\0')
  const found: Named[] = []
  for (let at = 0; at < fields.length;) {
    const head = fields[at] ?? ''
    if (!head.startsWith(':')) break
    const [, , before = '', after = '', letters = ''] = head.split(' ')
    const letter = letters.slice(0, 1)
    const sha = letter === 'D' ? before : after
    const first = fields[at + 1] ?? ''
    const moved = letter === 'R' || letter === 'C'
    found.push(
      moved
        ? { letter, sha, previous: first, path: fields[at + 2] ?? '' }
        : { letter, sha, path: first },
    )
    at += moved ? 3 : 2
  }
  return found
}

const counted = (patch: string, sign: '+' | '-') =>
  patch.split('\n').filter((line) => line.startsWith(sign)).length

export function gitDiffs(git: GitRunner): Diffs {
  const text: Diffs['text'] = async (dir, from, to) =>
    (await git.run(dir, ['diff', ...OPTIONS, from, to, '--'])).stdout.toString('utf8')

  return {
    text,
    mail: async (dir, from, to) =>
      (
        await git.run(dir, ['format-patch', '--stdout', '--no-signature', `${from}..${to}`])
      ).stdout.toString('utf8'),
    files: async (dir, from, to) => {
      const [raw, all] = await Promise.all([
        git.run(dir, ['diff', ...OPTIONS, '--raw', '-z', '--abbrev=40', from, to, '--']),
        text(dir, from, to),
      ])
      const hunks = patches(all)
      return named(raw.stdout.toString('utf8')).map((file, at) => {
        const patch = hunks[at]
        return {
          path: file.path,
          ...(file.previous === undefined ? {} : { previous: file.previous }),
          status: STATUS[file.letter] ?? 'changed',
          sha: file.sha,
          additions: patch === undefined ? 0 : counted(patch, '+'),
          deletions: patch === undefined ? 0 : counted(patch, '-'),
          ...(patch === undefined ? {} : { patch }),
        }
      })
    },
  }
}

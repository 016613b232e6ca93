/**
 * The forge's own record of every move of every ref: a hook that git runs while the refs are locked,
 * and again when they have moved. It sees pushes and the API alike, and what one transaction moved.
 *
 * A move counts from the first of the two, which nobody can have seen yet: the time between two moves
 * is never too short by it, as far as a reader of the earlier one is concerned.
 */
import { execFile } from 'node:child_process'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Commit, Move } from './evidence.ts'

const run = promisify(execFile)
const maxBytes = 256 * 1024 * 1024

/** One printf for all lines of a transaction: appended at once, they stay together. */
const script = (log: string) => `#!/bin/sh
[ "$1" = prepared ] || [ "$1" = committed ] || exit 0
at=$(date +%s%3N)
lines=
while read -r old new ref; do
  lines="$lines$1 $$ $PPID $at $old $new $ref
"
done
printf %s "$lines" >> '${log}'
exit 0
`

/** From now on every move in the bare repository is written to the file that is returned. */
export async function keepLedger(bare: string): Promise<string> {
  const hooks = join(bare, 'ledger-hooks')
  const log = join(bare, 'ledger.txt')
  await mkdir(hooks)
  await writeFile(log, '')
  const hook = join(hooks, 'reference-transaction')
  await writeFile(hook, script(log))
  await chmod(hook, 0o755)
  await run('git', ['--git-dir', bare, 'config', 'core.hooksPath', hooks])
  return log
}

const orNull = (oid: string) => (/^0+$/.test(oid) ? null : oid)

/** Moves in the order in which refs were locked for them; what was never committed is left out. */
export function parseLedger(text: string): Move[] {
  const prepared: { move: Move; committed: boolean }[] = []
  const open = new Map<string, { committed: boolean }>()
  for (const line of text.split('\n')) {
    const [phase, hook = '', git = '', at = '', old = '', next = '', ref = ''] = line.split(' ')
    if (ref === '') continue
    const key = `${git} ${ref}`
    if (phase === 'committed') {
      const one = open.get(key)
      if (one !== undefined) one.committed = true
      open.delete(key)
      continue
    }
    const transaction = `${hook}-${at}`
    const move = { at: Number(at), ref, before: orNull(old), after: orNull(next), transaction }
    const one = { move, committed: false }
    open.set(key, one)
    prepared.push(one)
  }
  return prepared.filter(({ committed }) => committed).map(({ move }) => move)
}

export const readLedger = async (log: string) => parseLedger(await readFile(log, 'utf8'))

/** Commits by OID; what is no commit is left out. */
export async function readCommits(
  bare: string,
  oids: readonly string[],
): Promise<Map<string, Commit>> {
  const commits = new Map<string, Commit>()
  for (let at = 0; at < oids.length; at += 500) {
    const some = oids.slice(at, at + 500)
    const format = '--format=%H%x00%T%x00%P%x00%an%x00%B%x01'
    const args = ['--git-dir', bare, 'log', '--no-walk=unsorted', '--ignore-missing', format]
    const { stdout } = await run('git', [...args, ...some, '--'], { maxBuffer: maxBytes })
    for (const entry of stdout.split('\x01\n')) {
      const [oid = '', tree = '', parents = '', author = '', message = ''] = entry.split('\0')
      if (oid === '') continue
      const split = parents === '' ? [] : parents.split(' ')
      commits.set(oid, { oid, tree, parents: split, author, message: message.trimEnd() })
    }
  }
  return commits
}

/** Files that differ between two commits, with what the second one has. */
export async function readChange(
  bare: string,
  from: string,
  to: string,
): Promise<Map<string, string>> {
  const git = async (...args: string[]) =>
    (await run('git', ['--git-dir', bare, ...args], { maxBuffer: maxBytes })).stdout
  const names = await git('diff-tree', '-r', '-z', '--name-only', '--no-renames', from, to)
  const files = new Map<string, string>()
  for (const path of names.split('\0').filter((name) => name !== '')) {
    const text = await git('cat-file', 'blob', `${to}:${path}`).catch(() => '(gone)')
    files.set(path, text)
  }
  return files
}

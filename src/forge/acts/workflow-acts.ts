/**
 * Workflow files run with the repository's secrets, so a limited token changes them only with
 * `workflows: write`. REST asks before a ref moves; a push is asked by git's `update` hook, which
 * sees what the push brings before any ref has it.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ApiError } from '../api-error.ts'
import type { Deps } from '../context.ts'
import { grants } from '../permissions.ts'
import type { RepoRow, UserRow } from '../store/rows.ts'

const WORKFLOWS = '.github/workflows'
const NEED = { name: 'workflows', level: 'write' } as const
const message = `refusing to allow this token to create or update a workflow below ${WORKFLOWS} without "workflows" permission`
const denied = () =>
  new ApiError(403, message, undefined, { 'x-accepted-github-permissions': 'workflows=write' })

const HOOK = `#!/bin/sh
case "$3" in *[!0]*) ;; *) exit 0 ;; esac
found=$(git log -1 --format=%H "$3" --not --all -- ${WORKFLOWS}) || exit 1
test -z "$found" && exit 0
echo '${message}' >&2
exit 1
`

export const mayChangeWorkflows = (user: UserRow | undefined): boolean => grants(user?.grant, NEED)

/** Errors: 403 when a file at `path` is a workflow that the token may not change. */
export function guardPath(user: UserRow | undefined, path: string): void {
  if (path.startsWith(`${WORKFLOWS}/`) && !mayChangeWorkflows(user)) throw denied()
}

/** Errors: 403 when a commit that no ref has yet, below `tips`, changes a workflow. */
export async function guardTips(
  deps: Deps,
  repo: RepoRow,
  user: UserRow | undefined,
  tips: readonly string[],
): Promise<void> {
  if (mayChangeWorkflows(user) || tips.length === 0) return
  const page = { limit: 1, path: WORKFLOWS }
  const found = await deps.git.commits.log(deps.dirOf(repo), [...tips, '--not', '--all'], page)
  if (found.length > 0) throw denied()
}

/** Directory of the hook, for `core.hooksPath`. */
export const hooksDir = (dir: string): string => join(dir, 'hooks')

export async function writeHook(dir: string): Promise<void> {
  await mkdir(hooksDir(dir), { recursive: true })
  await writeFile(join(hooksDir(dir), 'update'), HOOK, { mode: 0o755 })
}

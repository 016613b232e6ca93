/** A webhook that a repository is made with. */
import { stamp, type Deps } from '../context.ts'
import { ForgeError } from '../errors.ts'
import { targetFault } from '../hooks/target.ts'
import type { RepoRow } from '../store/rows.ts'
import type { ForgeHook } from '../types.ts'

/** Hooks of one repository, as on github.com. */
export const HOOKS = 20
/** What the forge tells; `*` is all of it. */
export const EVENTS = [
  '*',
  'push',
  'issues',
  'issue_comment',
  'pull_request',
  'pull_request_review',
  'pull_request_review_comment',
  'check_run',
  'status',
] as const

export const hookFault = (deps: Pick<Deps, 'hookTargets'>, url: string): string | undefined =>
  targetFault(url, deps.hookTargets)

/** Errors: `FORGE_HOOK_INVALID` (data: field). */
export function checkHook(deps: Pick<Deps, 'hookTargets'>, { url, events = [] }: ForgeHook): void {
  const bad = (field: string, why: string) =>
    new ForgeError('FORGE_HOOK_INVALID', `The webhook's ${field} cannot be used: ${why}`, {
      data: { field },
      next: `Give an address of this machine (or hookTargets: any) and events of ${EVENTS.join(', ')}.`,
    })
  const fault = hookFault(deps, url)
  if (fault !== undefined) throw bad('url', fault)
  const unknown = events.find((event) => !(EVENTS as readonly string[]).includes(event))
  if (unknown !== undefined) throw bad('events', `${unknown} is never sent`)
}

/** Leaves a hook alone whose address the repository has already. */
export async function addHooks(
  deps: Deps,
  repo: RepoRow,
  hooks: readonly ForgeHook[],
): Promise<void> {
  for (const { url, secret, events = ['push'] } of hooks) {
    const all = deps.store.hooks.of(repo.id)
    if (all.length >= HOOKS || all.some((row) => row.url === url)) continue
    await deps.hooks.watch(repo)
    const row = deps.store.hooks.create({
      repo_id: repo.id,
      active: 1,
      events: JSON.stringify(events),
      url,
      content_type: 'json',
      insecure_ssl: '0',
      secret: secret ?? null,
      created_at: stamp(deps),
      updated_at: stamp(deps),
    })
    deps.hooks.ping(row, { repo, actor: deps.store.users.byId(repo.owner_id) })
  }
}

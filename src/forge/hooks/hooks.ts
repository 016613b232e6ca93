/**
 * What happens becomes webhooks here: a fact is told once, its payload is built as things stand
 * after the transaction, and it goes to every active hook that asked for it, in the order of facts.
 * Nobody pays for what no hook asks for.
 */
import { randomUUID } from 'node:crypto'
import { explain } from '../../util/index.ts'
import type { Deps } from '../context.ts'
import { hook as hookShape } from '../shapes/hook.ts'
import type { HookRow, IssueRow, PullIssue, RepoRow } from '../store/rows.ts'
import type { Hooks, Shape } from './types.ts'
import { outbox } from './outbox.ts'
import { ZERO_OID, issueShape, pullBrief, pullShape, pushShape, surroundings } from './payloads.ts'

const eventsOf = (hook: HookRow): string[] => JSON.parse(hook.events) as string[]
const asks = (hook: HookRow, event: string): boolean => {
  const events = eventsOf(hook)
  return hook.active === 1 && (events.includes(event) || events.includes('*'))
}

export function forgeHooks(deps: Deps, targets: 'loopback' | 'any'): Hooks {
  const { store, clock, logger, faults, stopping } = deps
  const out = outbox({ store, clock, logger, faults, targets, signal: stopping })
  faults.whenLifted(() => out.thaw())
  const tips = new Map<number, Map<string, string>>()
  /** Of each repository, the facts whose payloads are being built, in order. */
  const told = new Map<number, Promise<void>>()

  function inOrder(repo: RepoRow, work: () => Promise<void>): Promise<void> {
    const next = (told.get(repo.id) ?? Promise.resolve()).then(work).catch((error: unknown) => {
      logger.error({ repo: repo.name, error: explain(error) }, 'a webhook could not be told')
    })
    told.set(repo.id, next)
    void next.then(() => {
      if (told.get(repo.id) === next) told.delete(repo.id)
    })
    return next
  }

  function send(hook: HookRow, repo: RepoRow, event: string, body: Shape): void {
    out.push({
      hookId: hook.id,
      repository: `/repos/${repo.owner}/${repo.name}`,
      guid: randomUUID(),
      event,
      action: typeof body.action === 'string' ? body.action : null,
      payload: JSON.stringify(body),
      redelivery: false,
    })
  }

  const fact: Hooks['fact'] = (event, { repo, actor }, action, body) => {
    if (!store.hooks.of(repo.id).some((hook) => asks(hook, event))) return
    store.afterCommit(() => {
      const built = (async () => ({ ...surroundings(deps, repo, actor), ...(await body()) }))()
      built.catch(() => undefined)
      void inOrder(repo, async () => {
        const whole = { ...(action === null ? {} : { action }), ...(await built) }
        for (const hook of store.hooks.of(repo.id).filter((each) => asks(each, event)))
          send(hook, repo, event, whole)
      })
    })
  }

  const fresh = (row: IssueRow) => store.issues.byId(row.id) ?? row
  const pullOf = (row: IssueRow) => store.pulls.byIssue(row.id)

  async function snapshot(repo: RepoRow): Promise<Map<string, string>> {
    const refs = await deps.git.refs.list(deps.dirOf(repo), 'refs/heads/', 'refs/tags/')
    return new Map(refs.map(({ ref, sha }) => [ref, sha]))
  }

  return {
    fact,
    issue: (at, action, more = {}) => {
      const row = at.issue
      if (row.is_pull === 0) {
        fact('issues', at, action, () => ({
          issue: issueShape(deps, at.repo, fresh(row)),
          ...more,
        }))
        return
      }
      // While a pull request is being made, its issue is there before its own half.
      if (pullOf(row) === undefined) return
      fact('pull_request', at, action, async () => ({
        number: row.number,
        pull_request: await pullShape(deps, at.repo, pullOf(row) as PullIssue),
        ...more,
      }))
    },
    said: (event, at, action, body) => {
      fact(event, at, action, () => {
        const row = fresh(at.issue)
        if (event === 'issue_comment') {
          const address = issueShape(deps, at.repo, row)
          return { issue: address, ...body }
        }
        return { pull_request: pullBrief(deps, at.repo, pullOf(row) as PullIssue), ...body }
      })
    },
    refs: async (repo, actor) => {
      if (store.hooks.of(repo.id).length === 0) return
      await inOrder(repo, async () => {
        const before = tips.get(repo.id)
        const after = await snapshot(repo)
        tips.set(repo.id, after)
        if (before === undefined) return
        for (const ref of new Set([...before.keys(), ...after.keys()])) {
          const move = {
            ref,
            before: before.get(ref) ?? ZERO_OID,
            after: after.get(ref) ?? ZERO_OID,
          }
          if (move.before === move.after) continue
          const at = { repo, actor }
          fact('push', at, null, () => pushShape(deps, repo, actor, move))
        }
      })
    },
    ping: (hook, { repo, actor }) => {
      send(hook, repo, 'ping', {
        zen: 'Keep it logically awesome.',
        hook_id: hook.id,
        hook: hookShape(deps, repo, hook),
        ...surroundings(deps, repo, actor),
      })
    },
    again: (hook, repo, row) =>
      out.push({
        hookId: hook.id,
        repository: `/repos/${repo.owner}/${repo.name}`,
        guid: row.guid,
        event: row.event,
        action: row.action,
        payload: row.payload,
        redelivery: true,
      }),
    watch: async (repo) => {
      if (!tips.has(repo.id)) tips.set(repo.id, await snapshot(repo))
    },
    stop: async () => {
      await Promise.all(told.values())
      await out.stop()
    },
  }
}

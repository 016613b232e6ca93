/**
 * What people do to issues, with the events that it leaves. Handlers decide whether somebody may;
 * here it is done. Everything is synchronous, so a handler can wrap several acts in a transaction.
 */
import { atLeast } from '../auth.ts'
import { stamp, type Deps } from '../context.ts'
import { label as labelShape } from '../shapes/issue.ts'
import { simpleUser } from '../shapes/user.ts'
import type { EventData, IssueRow, LabelRow, RepoRow, UserRow } from '../store/rows.ts'
import type { ForgeRole } from '../types.ts'
import { mentions } from './keywords.ts'

/** At most this many people work one issue, as on github.com. */
export const ASSIGNEES = 10
const NEW_LABEL_COLOR = 'ededed'

export interface On {
  repo: RepoRow
  issue: IssueRow
  actor: UserRow
}

export function record(
  deps: Deps,
  on: On,
  event: string,
  data: EventData = {},
  commit?: string,
): void {
  deps.store.talk.record({
    repoId: on.repo.id,
    issueId: on.issue.id,
    actorId: on.actor.id,
    event,
    data,
    now: stamp(deps),
    ...(commit === undefined ? {} : { commitId: commit }),
  })
}

const touch = (deps: Deps, on: On) => deps.store.issues.update(on.issue.id, {}, stamp(deps))

/** Bots act but are not assigned; people need at least triage. */
export function assignable(deps: Deps, repo: RepoRow, user: UserRow): boolean {
  return user.type === 'User' && atLeast(deps.store.users.roleIn(user, repo), 'triage')
}

/** Adds who can be assigned, up to the cap; the rest is dropped without a word, as on github.com. */
export function assign(deps: Deps, on: On, logins: readonly string[]): void {
  const { issues, users } = deps.store
  const most = deps.plan === 'free' && on.repo.private === 1 ? 1 : ASSIGNEES
  let changed = false
  for (const login of logins) {
    const user = users.byLogin(login)
    if (user === undefined || !assignable(deps, on.repo, user)) continue
    if (issues.assignees(on.issue.id).length >= most) break
    if (!issues.assign(on.issue.id, user.id)) continue
    changed = true
    record(deps, on, 'assigned', { assignee: user.id, assigner: on.actor.id })
    deps.hooks.issue(on, 'assigned', { assignee: simpleUser(deps.urls, user) })
  }
  if (changed) touch(deps, on)
}

export function unassign(deps: Deps, on: On, logins: readonly string[]): void {
  let changed = false
  for (const login of logins) {
    const user = deps.store.users.byLogin(login)
    if (user === undefined || !deps.store.issues.unassign(on.issue.id, user.id)) continue
    changed = true
    record(deps, on, 'unassigned', { assignee: user.id, assigner: on.actor.id })
    deps.hooks.issue(on, 'unassigned', { assignee: simpleUser(deps.urls, user) })
  }
  if (changed) touch(deps, on)
}

export function replaceAssignees(deps: Deps, on: On, logins: readonly string[]): void {
  const wanted = new Set(logins.map((login) => login.toLowerCase()))
  const now = deps.store.issues.assignees(on.issue.id).map(({ login }) => login)
  unassign(
    deps,
    on,
    now.filter((login) => !wanted.has(login.toLowerCase())),
  )
  assign(deps, on, logins)
}

/** A label that does not exist yet is made, as on github.com. */
export function addLabels(deps: Deps, on: On, names: readonly string[]): void {
  const { labels } = deps.store
  let changed = false
  for (const name of names) {
    const label =
      labels.byName(on.repo.id, name) ??
      labels.create(on.repo.id, { name, color: NEW_LABEL_COLOR, description: null })
    if (!labels.add(on.issue.id, label.id)) continue
    changed = true
    record(deps, on, 'labeled', { label: { name: label.name, color: label.color } })
    deps.hooks.issue(on, 'labeled', { label: labelShape(deps.urls, on.repo, label) })
  }
  if (changed) touch(deps, on)
}

export function takeLabels(deps: Deps, on: On, gone: readonly LabelRow[]): void {
  let changed = false
  for (const label of gone) {
    if (!deps.store.labels.take(on.issue.id, label.id)) continue
    changed = true
    record(deps, on, 'unlabeled', { label: { name: label.name, color: label.color } })
    deps.hooks.issue(on, 'unlabeled', { label: labelShape(deps.urls, on.repo, label) })
  }
  if (changed) touch(deps, on)
}

export function replaceLabels(deps: Deps, on: On, names: readonly string[]): void {
  const wanted = new Set(names.map((name) => name.toLowerCase()))
  const now = deps.store.labels.of(on.issue.id)
  takeLabels(
    deps,
    on,
    now.filter(({ name }) => !wanted.has(name.toLowerCase())),
  )
  addLabels(deps, on, names)
}

export function close(
  deps: Deps,
  on: On,
  reason: 'completed' | 'not_planned' | 'duplicate' | null,
  commit?: string,
): void {
  const now = stamp(deps)
  const fields = {
    state: 'closed',
    state_reason: reason,
    closed_at: now,
    closed_by: on.actor.id,
  } as const
  deps.store.issues.update(on.issue.id, fields, now)
  record(deps, on, 'closed', { state_reason: reason }, commit)
  deps.hooks.issue(on, 'closed')
}

export function reopen(deps: Deps, on: On): void {
  const reason = on.issue.is_pull === 1 ? null : ('reopened' as const)
  const fields = { state: 'open', state_reason: reason, closed_at: null, closed_by: null } as const
  deps.store.issues.update(on.issue.id, fields, stamp(deps))
  record(deps, on, 'reopened', { state_reason: reason })
  deps.hooks.issue(on, 'reopened')
}

/** Title and body together, so that one change is told once. Undefined: as it was. */
export function edit(
  deps: Deps,
  on: On,
  { title, body }: { title?: string | undefined; body?: string | null | undefined },
): void {
  const { issue } = on
  const renamed = title !== undefined && title !== issue.title
  const rewritten = body !== undefined && body !== issue.body
  if (!renamed && !rewritten) return
  deps.store.issues.update(
    issue.id,
    { ...(renamed ? { title } : {}), ...(rewritten ? { body } : {}) },
    stamp(deps),
  )
  if (renamed) record(deps, on, 'renamed', { rename: { from: issue.title, to: title } })
  if (rewritten) mention(deps, on, body ?? '')
  deps.hooks.issue(on, 'edited', {
    changes: {
      ...(renamed ? { title: { from: issue.title } } : {}),
      ...(rewritten ? { body: { from: issue.body ?? '' } } : {}),
    },
  })
}

export function setLock(deps: Deps, on: On, locked: boolean, reason: string | null): void {
  const fields = { locked: locked ? 1 : 0, lock_reason: reason }
  deps.store.issues.update(on.issue.id, fields, stamp(deps))
  record(deps, on, locked ? 'locked' : 'unlocked', { lock_reason: reason })
  deps.hooks.issue(on, locked ? 'locked' : 'unlocked')
}

/** Leaves a cross-reference on every issue of the repository that `text` names, once per origin. */
export function mention(deps: Deps, on: On, text: string): void {
  for (const number of mentions(text, `${on.repo.owner}/${on.repo.name}`)) {
    const target = deps.store.issues.byNumber(on.repo.id, number)
    if (target === undefined || target.id === on.issue.id) continue
    const known = deps.store.talk
      .events(target.id)
      .some(
        (row) =>
          row.event === 'cross-referenced' &&
          (JSON.parse(row.data) as EventData).source === on.issue.id,
      )
    if (!known) record(deps, { ...on, issue: target }, 'cross-referenced', { source: on.issue.id })
  }
}

export interface NewIssueInput {
  title: string
  body: string | null
  labels: readonly string[]
  assignees: readonly string[]
  pull: boolean
}

/** Labels need triage and assignees push; without it they are dropped, as on github.com. */
export function openIssue(
  deps: Deps,
  at: { repo: RepoRow; actor: UserRow; role: ForgeRole },
  input: NewIssueInput,
): IssueRow {
  const { repo, actor, role } = at
  return deps.store.transaction(() => {
    const issue = deps.store.issues.create({
      repoId: repo.id,
      number: deps.store.repos.nextNumber(repo.id),
      pull: input.pull,
      title: input.title,
      body: input.body,
      userId: actor.id,
      now: stamp(deps),
    })
    const on = { repo, issue, actor }
    deps.hooks.issue(on, 'opened')
    if (atLeast(role, 'triage')) addLabels(deps, on, input.labels)
    if (atLeast(role, 'push')) assign(deps, on, input.assignees)
    mention(deps, on, input.body ?? '')
    return issue
  })
}

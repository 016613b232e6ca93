/** An issue that leaves its repository: deleted, or transferred to another of the same owner. */
import { stamp, type Deps } from '../context.ts'
import { issueShape, repoShape } from '../hooks/payloads.ts'
import type { IssueRow, RepoRow } from '../store/rows.ts'
import { addLabels, assignable, record, type On } from './issue-acts.ts'

export function deleteIssue(deps: Deps, on: On): void {
  const { store } = deps
  store.transaction(() => {
    const issue = issueShape(deps, on.repo, on.issue)
    deps.hooks.fact('issues', on, 'deleted', () => ({ issue }))
    store.issues.remove(on.issue)
  })
}

/**
 * Takes along what is said and who is assigned and may be; labels that the other repository does
 * not have stay behind unless `makeLabels`, as on github.com.
 */
export function transferIssue(deps: Deps, on: On, to: RepoRow, makeLabels: boolean): IssueRow {
  const { store } = deps
  return store.transaction(() => {
    const old = issueShape(deps, on.repo, on.issue)
    const labels = store.labels.of(on.issue.id)
    const number = store.repos.nextNumber(to.id)
    const made = store.issues.move(on.issue, { repoId: to.id, number, now: stamp(deps) })
    const there = { repo: to, issue: made, actor: on.actor }
    record(deps, there, 'transferred')
    for (const user of store.issues.assignees(made.id))
      if (!assignable(deps, to, user)) store.issues.unassign(made.id, user.id)
    const known = labels.filter(
      ({ name }) => makeLabels || store.labels.byName(to.id, name) !== undefined,
    )
    addLabels(
      deps,
      there,
      known.map(({ name }) => name),
    )
    deps.hooks.fact('issues', on, 'transferred', () => ({
      issue: old,
      changes: { new_issue: issueShape(deps, to, made), new_repository: repoShape(deps, to) },
    }))
    deps.hooks.issue(there, 'opened')
    return made
  })
}

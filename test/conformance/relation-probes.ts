/** Dependencies and sub-issues: what holds a task back. */
import assert from 'node:assert/strict'
import { group, newIssue, refused } from './site.ts'

export const relationProbes = group('relations', {
  'an issue is blocked by another, once, and not by itself': async (site) => {
    const { issues } = site.octokit.rest
    const [task, blocker] = [await newIssue(site), await newIssue(site)]
    const block = (issue_id: number) => issues.addBlockedByDependency({ ...task.on, issue_id })
    assert.equal((await block(blocker.id)).status, 201)
    const { data } = await issues.listDependenciesBlockedBy(task.on)
    assert.deepEqual(
      data.map(({ number }) => number),
      [blocker.number],
    )
    const { data: blocking } = await issues.listDependenciesBlocking(blocker.on)
    assert.deepEqual(
      blocking.map(({ number }) => number),
      [task.number],
    )
    await refused(block(blocker.id), 422)
    await refused(block(task.id), 422)
    await issues.removeDependencyBlockedBy({ ...task.on, issue_id: blocker.id })
    assert.deepEqual((await issues.listDependenciesBlockedBy(task.on)).data, [])
  },
  'an issue has parts, and a part one parent': async (site) => {
    const { issues } = site.octokit.rest
    const [whole, part, other] = [await newIssue(site), await newIssue(site), await newIssue(site)]
    const add = (on: typeof whole.on) => issues.addSubIssue({ ...on, sub_issue_id: part.id })
    assert.equal((await add(whole.on)).status, 201)
    assert.deepEqual(
      (await issues.listSubIssues(whole.on)).data.map(({ number }) => number),
      [part.number],
    )
    assert.equal((await issues.getParent(part.on)).data.number, whole.number)
    await refused(add(other.on), 422)
    await issues.removeSubIssue({ ...whole.on, sub_issue_id: part.id })
    await refused(issues.getParent(part.on), 404)
  },
  'an issue says how many of its blockers are open': async (site) => {
    const { issues } = site.octokit.rest
    const [task, blocker] = [await newIssue(site), await newIssue(site)]
    await issues.addBlockedByDependency({ ...task.on, issue_id: blocker.id })
    const count = async () =>
      (await issues.get(task.on)).data.issue_dependencies_summary?.blocked_by
    assert.equal(await count(), 1)
    await issues.update({ ...blocker.on, state: 'closed' })
    assert.equal(await count(), 0)
  },
})

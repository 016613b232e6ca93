import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LIB, failure, site, type Site } from './helper.ts'

let at: Site
beforeAll(async () => {
  at = await site({ plan: 'free' })
})
afterAll(() => at.close())

const rest = () => at.as('tia').rest
const open = async (title: string) => (await rest().issues.create({ ...LIB, title })).data
const read = async (issue_number: number) =>
  (await rest().issues.get({ ...LIB, issue_number })).data
const close = (issue_number: number) =>
  at.as('ada').rest.issues.update({ ...LIB, issue_number, state: 'closed' })

describe('dependencies', () => {
  it('adds, lists, counts and removes what blocks an issue', async () => {
    const [task, first, second] = [await open('task'), await open('first'), await open('second')]
    const here = { ...LIB, issue_number: task.number }
    for (const { id } of [first, second])
      await rest().issues.addBlockedByDependency({ ...here, issue_id: id })
    const listed = await rest().issues.listDependenciesBlockedBy(here)
    expect(listed.data.map(({ number }) => number)).toEqual([first.number, second.number])
    const blocking = await rest().issues.listDependenciesBlocking({
      ...LIB,
      issue_number: first.number,
    })
    expect(blocking.data.map(({ number }) => number)).toEqual([task.number])
    await close(first.number)
    expect((await read(task.number)).issue_dependencies_summary).toEqual({
      blocked_by: 1,
      total_blocked_by: 2,
      blocking: 0,
      total_blocking: 0,
    })
    await rest().issues.removeDependencyBlockedBy({ ...here, issue_id: second.id })
    expect((await read(second.number)).issue_dependencies_summary?.total_blocking).toBe(0)
    const gone = rest().issues.removeDependencyBlockedBy({ ...here, issue_id: second.id })
    expect((await failure(gone)).status).toBe(404)
  })

  it('refuses itself, the same twice, what does not exist, and a mere reader', async () => {
    const [task, other] = [await open('task'), await open('other')]
    const here = { ...LIB, issue_number: task.number }
    const block = (issue_id: number, login: 'tia' | 'rob' = 'tia') =>
      failure(at.as(login).rest.issues.addBlockedByDependency({ ...here, issue_id }))
    expect((await block(task.id)).status).toBe(422)
    expect((await block(99_999)).status).toBe(422)
    expect((await block(other.id, 'rob')).status).toBe(403)
    await rest().issues.addBlockedByDependency({ ...here, issue_id: other.id })
    expect((await block(other.id)).status).toBe(422)
  })
})

describe('sub-issues', () => {
  it('adds, orders, moves, counts and removes parts', async () => {
    const [whole, one, two] = [await open('whole'), await open('one'), await open('two')]
    const here = { ...LIB, issue_number: whole.number }
    for (const { id } of [one, two]) await rest().issues.addSubIssue({ ...here, sub_issue_id: id })
    const parts = async () =>
      (await rest().issues.listSubIssues(here)).data.map(({ number }) => number)
    expect(await parts()).toEqual([one.number, two.number])
    await rest().issues.reprioritizeSubIssue({ ...here, sub_issue_id: two.id, before_id: one.id })
    expect(await parts()).toEqual([two.number, one.number])
    await close(one.number)
    expect((await read(whole.number)).sub_issues_summary).toEqual({
      total: 2,
      completed: 1,
      percent_completed: 50,
    })
    const parent = await rest().issues.getParent({ ...LIB, issue_number: one.number })
    expect(parent.data.number).toBe(whole.number)
    const other = { ...LIB, issue_number: (await open('other')).number }
    const move = { ...other, sub_issue_id: one.id }
    expect((await failure(rest().issues.addSubIssue(move))).status).toBe(422)
    await rest().issues.addSubIssue({ ...move, replace_parent: true })
    expect(await parts()).toEqual([two.number])
    await rest().issues.removeSubIssue({ ...here, sub_issue_id: two.id })
    expect(await parts()).toEqual([])
    const orphan = rest().issues.getParent({ ...LIB, issue_number: two.number })
    expect((await failure(orphan)).status).toBe(404)
  })

  it('refuses a circle', async () => {
    const [upper, lower] = [await open('upper'), await open('lower')]
    const add = (issue_number: number, sub_issue_id: number) =>
      rest().issues.addSubIssue({ ...LIB, issue_number, sub_issue_id })
    await add(upper.number, lower.id)
    expect((await failure(add(lower.number, upper.id))).status).toBe(422)
    expect((await failure(add(upper.number, upper.id))).status).toBe(422)
  })
})

describe('what a GitHub may lack', () => {
  it('knows no relations when they are turned off', async () => {
    const other = await site({ relations: false })
    const { issues } = other.as('ada').rest
    const { data } = await issues.create({ ...LIB, title: 'alone' })
    const here = { ...LIB, issue_number: data.number }
    expect(data).not.toHaveProperty('issue_dependencies_summary')
    expect((await failure(issues.listDependenciesBlockedBy(here))).status).toBe(404)
    expect((await failure(issues.listSubIssues(here))).status).toBe(404)
    await other.close()
  })

  it('takes one assignee in a private repository of the free plan', async () => {
    await at.server.createRepository({ owner: 'octo', name: 'den', private: true })
    const den = { owner: 'octo', repo: 'den' }
    const { issues } = at.as('ada').rest
    const assigned = async (where: typeof den) => {
      const { data } = await issues.create({ ...where, title: 'both' })
      const on = { ...where, issue_number: data.number }
      const answer = await issues.addAssignees({ ...on, assignees: ['ada', 'bob'] })
      return answer.data.assignees?.map(({ login }) => login)
    }
    expect(await assigned(den)).toEqual(['ada'])
    expect(await assigned(LIB)).toEqual(['ada', 'bob'])
  })
})

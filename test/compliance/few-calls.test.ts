/** What a mesh asks of GitHub, counted by the forge; and what it does when GitHub is down. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sleep, until } from '../../src/util/index.ts'
import { TasksWorld } from './tasks-world.ts'

let world: TasksWorld
beforeEach(async () => {
  world = await TasksWorld.make()
})
afterEach(() => world.close())

const names = ['a0', 'a1', 'a2', 'a3', 'a4']
const polling = () =>
  [...world.members.values()].filter(({ tasks }) => tasks.status().repos[0]?.role === 'polls')

describe('looking for work', () => {
  it('costs five agents about what it costs one, and no git while nothing can be done', async () => {
    const repo = await world.repository('idle')
    await world.issue(repo, { assignees: ['grace'] })
    const looked = async () =>
      until('a look of all', 60_000, () =>
        [...world.members.values()].every(
          ({ tasks }) => tasks.status().repos[0]?.lastSuccessMs !== null,
        ),
      )
    /** Requests while one member looks this many times. */
    const during = async (looks: number) => {
      const [lists, all] = [world.counting(/\/idle\/issues$/), world.counting()]
      const git = world.counting(/\.git\//)
      const poller = polling()[0]!
      let [seen, last] = [0, poller.tasks.status().repos[0]?.lastSuccessMs]
      await until('looks', 30_000, () => {
        const at = poller.tasks.status().repos[0]?.lastSuccessMs
        if (at !== last) seen += 1
        last = at
        return seen >= looks
      })
      const counts = { lists: lists.hits / seen, all: all.hits / seen, git: git.hits }
      for (const one of [lists, all, git]) one.remove()
      return counts
    }
    await world.agent({ name: names[0]!, repos: [repo] })
    await looked()
    await sleep(1_000)
    const one = await during(20)
    for (const name of names.slice(1)) await world.agent({ name, repos: [repo] })
    await looked()
    await sleep(1_000)
    const five = await during(20)
    // None, but that each looks once more a minute after it saw who is assigned: at most three requests.
    expect(one.git).toBeLessThanOrEqual(3)
    expect(five.git).toBeLessThanOrEqual(15)
    expect(one.all).toBeLessThan(1.3)
    // The poller's look, and a safety look of each of the four once in ten.
    expect(five.all).toBeLessThan(2)
    expect(five.all).toBeLessThan(2.2 * one.all)
    expect(polling()).toHaveLength(1)
  })

  it('is left to another when the poller is gone, and what it finds is taken at once', async () => {
    const repo = await world.repository('gone')
    for (const name of names.slice(0, 3)) await world.agent({ name, repos: [repo] })
    await until('one poller', 60_000, () => polling().length === 1)
    const { name } = polling()[0]!
    await world.leave(name)
    expect(polling()).toHaveLength(1)
    const issue = await world.issue(repo)
    await until('a pull request', 30_000, async () => (await world.pulls(repo)).length === 1)
    const worked = [...world.members.values()].flatMap((one) => one.worked)
    expect(worked).toEqual([issue])
  })

  it('needs no look but the first when a hook says what to look at, whoever can do it', async () => {
    const repo = await world.repository('hook')
    const slow = { pollMs: 3_600_000, safetyMs: 36_000_000, repos: [repo] }
    await world.agent({ name: 'a0', ...slow })
    const able = await world.agent({ name: 'a1', offers: ['kiln'], ...slow })
    await until('first looks', 60_000, () =>
      [...world.members.values()].every(
        ({ tasks }) => tasks.status().repos[0]?.lastSuccessMs !== null,
      ),
    )
    const issue = await world.issue(repo, { labels: ['bzzz', 'needs:kiln'] })
    const lists = world.counting(/\/hook\/issues$/)
    const receiver = world.members.get('a0')!
    for (let n = 0; n < 20; n += 1) receiver.tasks.hint({ repo, issue, event: 'issues' })
    await until('a pull request', 30_000, async () => (await world.pulls(repo)).length === 1)
    expect(able.worked).toEqual([issue])
    expect(lists.hits).toBeLessThanOrEqual(2)
    expect(able.tasks.status().hooks).toBe(true)
  })
})

describe('a blocked issue', () => {
  it('is tried at once when the poller sees its blocker closed, by who can do it', async () => {
    const repo = await world.repository('blocked')
    const at = { owner: 'octo', repo: 'blocked' }
    for (const name of names.slice(0, 2))
      await world.agent({ name, repos: [repo], offers: [name], safetyMs: 600_000 })
    await until('one poller', 60_000, () => polling().length === 1)
    const [able] = names.slice(0, 2).filter((name) => name !== polling()[0]?.name)
    const blocker = await world.issue(repo, { assignees: ['grace'] })
    const { data } = await world.octokit.rest.issues.get({ ...at, issue_number: blocker })
    const labels = ['bzzz', `needs:${able}`]
    const issue = await world.issue(repo, { labels: [] })
    await world.octokit.request(
      'POST /repos/{owner}/{repo}/issues/{issue_number}/dependencies/blocked_by',
      { ...at, issue_number: issue, issue_id: data.id },
    )
    await world.octokit.rest.issues.addLabels({ ...at, issue_number: issue, labels })
    const { entries, worked } = world.members.get(able!)!
    await until('waiting', 60_000, () => entries.some(({ type }) => type === 'task.waiting'))
    expect(worked).toEqual([])
    await world.octokit.rest.issues.update({ ...at, issue_number: blocker, state: 'closed' })
    await until('a pull request', 60_000, async () => (await world.pulls(repo)).length === 1)
    expect(worked).toEqual([issue])
  })
})

describe('an outage in the middle of the work', () => {
  it('shorter or longer than the lease: the work is kept, and delivered once', async () => {
    const [short, long] = [await world.repository('short'), await world.repository('long')]
    const issues = [await world.issue(short), await world.issue(long)]
    let finish: () => void = () => undefined
    const finished = new Promise<void>((resolve) => (finish = resolve))
    const common = { until: () => finished, slots: 2 }
    const keeper = await world.agent({ name: 'a0', repos: [short], leaseMs: 60_000, ...common })
    const loser = await world.agent({ name: 'a1', repos: [long], leaseMs: 6_000, ...common })
    const both = [keeper, loser]
    await until('work', 30_000, () => both.every(({ worked }) => worked.length === 1))
    // All that an agent asks; that a person opens an issue still works.
    const rules = [{ method: 'GET' }, { path: /\.git\// }, { path: /(assignees|pulls|comments)$/ }]
    const drops = rules.map((rule) =>
      world.forge.faults.add({ fault: { kind: 'drop', when: 'before' }, ...rule }),
    )
    finish()
    await until('both know', 60_000, () =>
      both.every(({ tasks }) => tasks.status().reach.is === 'down'),
    )
    const later = await world.issue(short)
    // Longer than the short lease.
    await sleep(7_000)
    expect(both.map(({ tasks }) => tasks.slots().used)).toEqual([1, 1])
    expect(keeper.worked).toHaveLength(1)
    for (const drop of drops) drop.remove()
    await until('all pull requests', 90_000, async () => {
      const pulls = await Promise.all([short, long].map((repo) => world.pulls(repo)))
      return pulls.map((one) => one.length).join() === '2,1'
    })
    await until('both are free and up', 60_000, () =>
      both.every(({ tasks }) => tasks.slots().used === 0 && tasks.status().reach.is === 'ok'),
    )
    expect(both.map(({ worked }) => worked)).toEqual([[issues[0], later], [issues[1]]])
    const pulls = await Promise.all([short, long].map((repo) => world.pulls(repo)))
    expect(pulls.map((one) => one.length)).toEqual([2, 1])
  })
})

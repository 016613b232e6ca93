/** The gates with one query: real octokit and forge where GitHub's ways matter, a fake where time does. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TasksError } from '../../../src/tasks/errors.ts'
import type { AskDossier, DossierInit, Why } from '../../../src/tasks/github/dossier.ts'
import { createGitHub, type Issue } from '../../../src/tasks/github/github.ts'
import { createDossiers } from '../../../src/tasks/intake/dossiers.ts'
import { createGates } from '../../../src/tasks/intake/gates.ts'
import { nullLogger, systemClock } from '../../../src/util/index.ts'
import { LIB, site, type Site } from '../forge/helper.ts'

const { signal } = new AbortController()
const repo = 'octo/lib'

describe('on a forge', () => {
  let at: Site
  let old: Site
  beforeAll(async () => {
    at = await site()
    old = await site({ relations: false })
    for (const each of [at, old])
      for (const login of ['ada', 'tia'] as const) {
        await each.as('ada').rest.issues.create({ ...LIB, title: login, body: 'text' })
        const issue_number = login === 'ada' ? 1 : 2
        await each.as(login).rest.issues.addLabels({ ...LIB, issue_number, labels: ['bzzz', 'a'] })
      }
  })
  afterAll(async () => {
    await at.close()
    await old.close()
  })

  function open({ server }: Site, login = 'bob') {
    const seen: string[] = []
    const init = { apiUrl: server.apiUrl, token: `token-${login}`, userAgent: 'test', pace: false }
    const github = createGitHub(init, {
      logger: nullLogger,
      onAnswer: ({ method, limit, graphql = false }) =>
        seen.push(`${method}${graphql ? ` ${limit?.remaining}` : ''}`),
    })
    const gates = createGates(
      { trigger: 'bzzz', trust: 'label', pollMs: 30_000 },
      { github, clock: systemClock },
    )
    return { github, gates, seen }
  }

  it('reads an issue and all that decides about it in one call, the people once', async () => {
    const { github, gates, seen } = open(at)
    const listed = await github.openIssues(repo, 'bzzz', signal)
    seen.length = 0
    const [one, two] = [
      await gates.issue(repo, 1, signal),
      listed.find(({ number }) => number === 2),
    ]
    const { labels, ...rest } = await github.issue(repo, 1, signal)
    expect({ ...one, labels: one.labels.toSorted() }).toEqual({
      ...rest,
      labels: labels.toSorted(),
    })
    expect(await gates.ask(repo, one, signal)).toEqual({ is: 'open' })
    expect(await gates.ask(repo, two as Issue, signal)).toEqual({ is: 'open' })
    expect(seen).toEqual(['QUERY 4999', 'GET', 'QUERY 4998'])
  })

  it('asks a server without the newest fields once for them, and REST for the rest', async () => {
    const { gates, seen } = open(old)
    for (const number of [1, 2]) {
      const issue = await gates.issue(repo, number, signal)
      expect(await gates.ask(repo, issue, signal)).toEqual({ is: 'open' })
    }
    // What stands before an issue is asked for in vain, once each, and whether the issue is there.
    expect(seen.filter((one) => one.startsWith('QUERY'))).toHaveLength(3)
    expect(seen).toHaveLength(7)
  })

  it('asks REST about people where the list is not for its eyes', async () => {
    const { gates, seen } = open(at, 'rob')
    const issue = await gates.issue(repo, 2, signal)
    expect(await gates.ask(repo, issue, signal)).toEqual({ is: 'open' })
    expect(seen).toEqual(['QUERY 4999', 'GET'])
  })

  it('says of an issue that is not there what REST says', async () => {
    const { gates } = open(at)
    await expect(gates.issue(repo, 99, signal)).rejects.toMatchObject({ code: 'GITHUB_NOT_FOUND' })
    expect((await gates.issue(repo, 1, signal)).number).toBe(1)
  })
})

describe('in time', () => {
  const issue = { number: 7, updatedAt: 'monday' } as Issue
  let now = 0
  const clock = { ...systemClock, monotonic: () => now, now: () => now }
  const refusal = (why: Why, data: object = {}) =>
    new TasksError('QUERY_REFUSED', 'no', { data: { why, ...data } })

  function over(answer: (init: DossierInit) => Error | ReadonlySet<string> | undefined) {
    const seen: string[] = []
    const ask: AskDossier = async (_, __, init) => {
      seen.push(`${init.newest ? 'new' : 'old'}${init.people ? ' people' : ''}`)
      const given = answer(init)
      if (given instanceof Error) throw given
      const people = given === undefined ? {} : { people: given }
      return { issue, at: repo, labeledBy: 'nobody', ...people }
    }
    now = 0
    return { dossiers: createDossiers({ label: 'bzzz' }, { ask, clock }), seen }
  }

  it('asks for people every ten minutes, and for an issue when it changed', async () => {
    const { dossiers, seen } = over(() => new Set(['tia']))
    await dossiers.about(repo, issue, signal)
    await dossiers.about(repo, issue, signal)
    expect(dossiers.triages(repo, 'Tia')).toBe(true)
    expect(dossiers.triages(repo, 'rob')).toBe(false)
    await dossiers.about(repo, { ...issue, updatedAt: 'tuesday' }, signal)
    now = 10 * 60_000
    expect(dossiers.triages(repo, 'tia')).toBe(false)
    await dossiers.about(repo, issue, signal)
    expect(seen).toEqual(['new people', 'new', 'new people'])
  })

  it('leaves alone for an hour what is lacking', async () => {
    const { dossiers, seen } = over(({ newest }) => (newest ? refusal('fields') : undefined))
    for (const minute of [0, 59, 61]) {
      now = minute * 60_000
      await dossiers.ask(repo, 7, signal)
    }
    expect(seen).toEqual(['new people', 'old people', 'old', 'new people', 'old people'])
  })

  it('leaves GraphQL alone for an hour, until the reset, or a little', async () => {
    const cases = [
      [refusal('refused'), 60],
      [refusal('limit', { resetAtMs: 20 * 60_000 }), 20],
      [refusal('limit'), 5],
      [refusal('away'), 5],
    ] as const
    for (const [error, minutes] of cases) {
      const { dossiers, seen } = over(() => error)
      for (const part of [0, 0.99, 1]) {
        now = part * minutes * 60_000
        expect(await dossiers.ask(repo, 7, signal)).toBeUndefined()
      }
      expect(seen).toHaveLength(2)
    }
  })

  it('blames nothing but the issue for what is the issue’s', async () => {
    const { dossiers, seen } = over(() => refusal('issue'))
    await dossiers.ask(repo, 7, signal)
    await dossiers.ask(repo, 7, signal)
    expect(seen).toHaveLength(2)
  })
})

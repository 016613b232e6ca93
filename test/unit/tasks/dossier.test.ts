/** One query instead of three calls: what it asks by GitHub's schema, how its answers and refusals are read. */
import { parse, validate } from 'graphql'
import { describe, expect, it } from 'vitest'
import { createDossiers as createAsk } from '../../../src/tasks/github/dossier.ts'
import { dossierOf, dossierQuery, dossierSchema } from '../../../src/tasks/github/dossier-query.ts'
import type { Allowance } from '../../../src/tasks/github/limits.ts'
import { queryAllowance } from '../../../src/tasks/github/limits.ts'
import { gitHubSchema, publishedSchema } from '../../conformance/graphql-schema.ts'

const { signal } = new AbortController()
const actor = (login: string, __typename = 'User') => ({ __typename, login })
const change = (kind: 'Labeled' | 'Unlabeled', who: object | null, name = 'bzzz') => ({
  __typename: `${kind}Event`,
  actor: who,
  label: { name },
})
const answerOf = (issue: object = {}, repository: object = {}) => ({
  repository: {
    issue: {
      number: 7,
      title: 'a',
      body: 'text',
      state: 'OPEN',
      createdAt: '2026-01-01T00:00:00Z',
      updatedAt: '2026-01-02T00:00:00Z',
      url: 'https://github.com/octo/lib/issues/7',
      repository: { nameWithOwner: 'octo/lib' },
      author: actor('ada'),
      comments: { totalCount: 3 },
      labels: { totalCount: 1, nodes: [{ name: 'bzzz' }] },
      assignees: { totalCount: 0, nodes: [] },
      timelineItems: {
        pageInfo: { hasPreviousPage: false },
        nodes: [change('Labeled', actor('tia'))],
      },
      ...issue,
    },
    ...repository,
  },
})
const read = (answer: unknown, label = 'bzzz') =>
  dossierOf(dossierSchema.parse(answer), { repo: 'octo/lib', label })

describe('the query', () => {
  it('is one of GitHub’s schema, and without the newest fields of the one that npm has', () => {
    expect(validate(gitHubSchema(), parse(dossierQuery(true)))).toEqual([])
    const published = publishedSchema()
    expect(validate(published, parse(dossierQuery(false)))).toEqual([])
    expect(validate(published, parse(dossierQuery(true)))).not.toEqual([])
  })
})

describe('an answer', () => {
  it('names who set the label last, an App as REST does', () => {
    const events = (...nodes: object[]) =>
      read(answerOf({ timelineItems: { pageInfo: { hasPreviousPage: true }, nodes } }))?.labeledBy
    const one = change('Labeled', actor('tia'), 'BZZZ')
    expect(events(one, change('Labeled', actor('bob'), 'bug'))).toEqual({
      login: 'tia',
      bot: false,
    })
    const bot = { login: 'sorter[bot]', bot: true }
    expect(events(change('Labeled', actor('sorter', 'Bot')))).toEqual(bot)
    expect(events(one, change('Unlabeled', actor('tia')))).toBe('nobody')
    expect(events(change('Labeled', null))).toBe('nobody')
    expect(events(change('Labeled', actor('bob'), 'bug'))).toBe('unknown')
    expect(read(answerOf(), 'other')?.labeledBy).toBe('nobody')
  })

  it('has the issue as REST has it, with what stands before it', () => {
    const near = (number: number, state: string, nameWithOwner = 'octo/lib') => ({
      number,
      state,
      repository: { nameWithOwner },
    })
    const dossier = read(
      answerOf({
        author: null,
        assignedActors: { totalCount: 1, nodes: [actor('hive', 'Bot')] },
        issueDependenciesSummary: { totalBlockedBy: 3, blockedBy: 2 },
        blockedBy: { nodes: [near(4, 'OPEN'), null, near(5, 'CLOSED'), near(6, 'OPEN', 'a/b')] },
        subIssuesSummary: { total: 2, completed: 1 },
        subIssues: { nodes: [near(8, 'OPEN')] },
      }),
    )
    expect(dossier?.issue).toMatchObject({
      author: '',
      assignees: ['hive[bot]'],
      labels: ['bzzz'],
      open: true,
      waitsFor: 3,
      blockedBy: 2,
      openParts: 1,
    })
    expect(dossier?.before).toEqual({ dependencies: ['#4', 'a/b#6'], 'sub-issues': ['#8'] })
    expect(read(answerOf())?.before).toBeUndefined()
  })

  it('names who may triage, and is no proof against anybody', () => {
    const edges = ['ADMIN', 'MAINTAIN', 'WRITE', 'TRIAGE', 'READ'].map((permission) => ({
      permission,
      node: { login: `The-${permission}` },
    }))
    const people = read(answerOf({}, { collaborators: { edges } }))?.people
    expect([...(people ?? [])]).toEqual(['the-admin', 'the-maintain', 'the-write', 'the-triage'])
    expect(read(answerOf({}, { collaborators: null }))?.people).toBeUndefined()
  })

  it('that is cut decides nothing', () => {
    expect(
      read(answerOf({ labels: { totalCount: 101, nodes: [{ name: 'bzzz' }] } })),
    ).toBeUndefined()
    expect(read(answerOf({ assignees: { totalCount: 21, nodes: [] } }))).toBeUndefined()
  })
})

describe('a refusal', () => {
  const asked = async (thrown: unknown, may: Allowance = { is: 'go', stretch: 1 }) => {
    const ask = createAsk({
      graphql: () => async () => {
        if (thrown !== undefined) throw thrown
        return { repository: { issue: {} } }
      },
      mayQuery: () => may,
      mustBe: async () => undefined,
    })
    const init = { label: 'bzzz', people: true, newest: true }
    return ask('octo/lib', 7, init, signal).catch((error: unknown) => error)
  }
  const why = (word: string) => ({ code: 'QUERY_REFUSED', data: { why: word } })
  const said = (error: object, data?: unknown) => ({ errors: [{ message: 'no', ...error }], data })

  it('says what is lacking', async () => {
    const code = 'undefinedField'
    expect(await asked(said({ extensions: { code } }))).toMatchObject(why('fields'))
    expect(await asked(said({ type: 'FORBIDDEN', path: ['repository'] }))).toMatchObject(
      why('refused'),
    )
    const path = ['repository', 'issue']
    expect(await asked(said({ type: 'NOT_FOUND', path }))).toMatchObject(why('issue'))
    expect(await asked({ status: 404, message: 'none', response: {} })).toMatchObject(
      why('refused'),
    )
    expect(await asked({ status: 502, message: 'none', response: {} })).toMatchObject(why('away'))
    expect(await asked(undefined)).toMatchObject(why('refused'))
  })

  it('for want of points names the reset, and costs REST nothing', async () => {
    const response = {
      status: 200,
      headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1700000000' },
      data: { errors: [{ type: 'RATE_LIMITED', message: 'no' }] },
    }
    expect(await asked({ message: 'GraphQL Rate Limit Exceeded', response })).toMatchObject({
      data: { why: 'limit', resetAtMs: 1_700_000_000_000 },
    })
    expect(await asked(said({ type: 'RATE_LIMITED' }))).toMatchObject(why('limit'))
    const wait = { is: 'wait', untilMs: 5, reason: 'few' } as const
    expect(await asked(undefined, wait)).toMatchObject({ data: { why: 'limit', resetAtMs: 5 } })
  })

  it('of the collaborators alone leaves the rest', async () => {
    const refused = said({ type: 'FORBIDDEN', path: ['repository', 'collaborators'] }, answerOf())
    expect(await asked(refused)).toMatchObject({ labeledBy: { login: 'tia' } })
  })
})

describe('the points of GraphQL', () => {
  const view = { now: 1_000, points: 0, creations: 0, creationsPerHour: 0 }
  const graphql = (remaining: number) => ({ remaining, limit: 5_000, resetAtMs: 9_000 })

  it('are kept for the refs near their end', () => {
    expect(queryAllowance(view).is).toBe('go')
    expect(queryAllowance({ ...view, graphql: graphql(501) }).is).toBe('go')
    expect(queryAllowance({ ...view, graphql: graphql(500) })).toMatchObject({
      is: 'wait',
      untilMs: 9_000,
    })
    expect(queryAllowance({ ...view, now: 9_000, graphql: graphql(0) }).is).toBe('go')
    const own = { remaining: 0, limit: 5_000, resetAtMs: 9_000 }
    expect(queryAllowance({ ...view, own, graphql: graphql(5_000) }).is).toBe('wait')
  })
})

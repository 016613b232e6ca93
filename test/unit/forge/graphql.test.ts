import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LIB, site, type Site } from './helper.ts'

let at: Site
let repositoryId = ''
const ZERO = '0'.repeat(40)
const TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904'
const MUTATION = `mutation move($input: UpdateRefsInput!) {
  updateRefs(input: $input) { clientMutationId }
}`

interface Update {
  name: string
  afterOid: string
  beforeOid?: string
  force?: boolean
}
type Login = Parameters<Site['as']>[0]

beforeAll(async () => {
  at = await site()
  const query =
    'query($owner: String!, $name: String!) { repository(owner: $owner, name: $name) { id } }'
  const answer = await at
    .as('ada')
    .graphql<{ repository: { id: string } }>(query, { owner: 'octo', name: 'lib' })
  repositoryId = answer.repository.id
})
afterAll(() => at.close())

let nonce = 0
async function record(...parents: string[]): Promise<string> {
  nonce += 1
  const message = `record ${nonce}`
  const { data } = await at
    .as('ada')
    .rest.git.createCommit({ ...LIB, message, tree: TREE, parents })
  return data.sha
}
const tip = async (ref: string) =>
  (await at.as('ada').rest.git.listMatchingRefs({ ...LIB, ref: ref.slice(5) })).data[0]?.object.sha
const move = (refUpdates: Update[], login: Login = 'ada') =>
  at.as(login).graphql(MUTATION, { input: { repositoryId, refUpdates, clientMutationId: 'one' } })
const refusal = async (promise: Promise<unknown>) => {
  const error = await promise.then(
    () => undefined,
    (cause: unknown) => cause as { errors?: { type?: string; message: string }[]; status?: number },
  )
  if (error === undefined) throw new Error('it succeeded')
  return error.errors?.[0] ?? error
}

describe('updateRefs', () => {
  it('creates, moves and deletes several refs together', async () => {
    const [claim, work] = ['refs/bzzz/claims/1', 'refs/heads/bzzz/issue-1']
    const first = await record()
    expect(
      await move([
        { name: claim, beforeOid: ZERO, afterOid: first },
        { name: work, beforeOid: ZERO, afterOid: first },
      ]),
    ).toEqual({ updateRefs: { clientMutationId: 'one' } })
    const next = await record(first)
    await move([
      { name: claim, beforeOid: first, afterOid: next },
      { name: work, beforeOid: first, afterOid: ZERO },
    ])
    expect(await tip(claim)).toBe(next)
    expect(await tip(work)).toBeUndefined()
  })

  it('does all or nothing', async () => {
    const [held, other] = ['refs/bzzz/claims/2', 'refs/bzzz/claims/3']
    const first = await record()
    await move([{ name: held, beforeOid: ZERO, afterOid: first }])
    const next = await record(first)
    const cases = [
      { name: held, beforeOid: ZERO, afterOid: next },
      { name: held, beforeOid: next, afterOid: next },
      { name: held, afterOid: await record() },
      { name: held, beforeOid: first, afterOid: 'f'.repeat(40) },
      { name: 'refs/bzzz/claims/none', afterOid: ZERO },
      { name: 'refs/heads/main', afterOid: ZERO },
      { name: 'refs/pull/1/head', afterOid: first },
      { name: 'heads/x', afterOid: first },
      { name: other, afterOid: first },
      // A directory and a file cannot have one name: git itself refuses.
      { name: `${held}/below`, beforeOid: ZERO, afterOid: first },
    ]
    for (const bad of cases) {
      const error = await refusal(move([{ name: other, beforeOid: ZERO, afterOid: first }, bad]))
      expect(error, bad.name).toMatchObject({ type: 'UNPROCESSABLE' })
      expect(await tip(other), bad.name).toBeUndefined()
    }
    expect(await tip(held)).toBe(first)
    const stray = await record()
    await move([{ name: held, beforeOid: first, afterOid: stray, force: true }])
    expect(await tip(held)).toBe(stray)
  })

  it('lets one of many win', async () => {
    const oids = await Promise.all(Array.from({ length: 8 }, () => record()))
    const done = await Promise.allSettled(
      oids.map((afterOid) => move([{ name: 'refs/bzzz/claims/9', beforeOid: ZERO, afterOid }])),
    )
    const won = oids.filter((_, index) => done[index]?.status === 'fulfilled')
    expect(won).toHaveLength(1)
    expect(await tip('refs/bzzz/claims/9')).toBe(won[0])
  })

  it('asks for an account, push, and a repository that one may see', async () => {
    const update = [{ name: 'refs/heads/no', beforeOid: ZERO, afterOid: await record() }]
    expect(await refusal(move(update, 'rob'))).toMatchObject({ type: 'FORBIDDEN' })
    expect(
      await refusal(at.anonymous.graphql('{ repository(owner: "a", name: "b") { id } }')),
    ).toMatchObject({ status: 401 })
    expect(
      await refusal(at.as('ada').graphql('{ repository(owner: "octo", name: "none") { id } }')),
    ).toMatchObject({ type: 'NOT_FOUND' })
    const input = { repositoryId: 'bm9uZQ==', refUpdates: update }
    expect(await refusal(at.as('ada').graphql(MUTATION, { input }))).toMatchObject({
      type: 'NOT_FOUND',
    })
  })
})

describe('other GraphQL', () => {
  it('takes arguments in the document, and refuses in words what it does not know', async () => {
    const { graphql } = at.as('ada')
    const name = 'refs/heads/inline'
    const oid = await record()
    await graphql(`mutation {
      # in the document
      updateRefs(input: {repositoryId: "${repositoryId}", refUpdates: [{name: "${name}", afterOid: "${oid}", force: false}]}) { clientMutationId }
    }`)
    expect(await tip(name)).toBe(oid)
    const known = '(owner: "octo", name: "lib")'
    const bad = [
      ['{ viewer { login } }', /'viewer' doesn't exist on type 'Query'/],
      [`{ repository${known} { id nope } }`, /'nope' doesn't exist on type 'Repository'/],
      ['{ repository(owner: "octo") { id } }', /name/],
      ['{ repository(owner: $o, name: "lib") { id } }', /\$o/],
      ['subscription { x { y } }', /subscription/],
      [`{ repository${known} { id }`, /Syntax Error/],
      [`{ a(b: ${'['.repeat(50)}`, /Syntax Error/],
      [`{ a(b: ${'['.repeat(50_000)}`, /nested too deeply/],
      [`{ ${'a '.repeat(6_000)} }`, /token/],
    ] as const
    for (const [text, words] of bad)
      expect((await refusal(graphql(text))) as Error, text.slice(0, 60)).toMatchObject({
        message: expect.stringMatching(words) as string,
      })
  })
})

/** The forge's GraphQL against GitHub's published schema: what it says it has, and what it answers. */
import {
  execute,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isUnionType,
  parse,
  validate,
  type GraphQLSchema,
} from 'graphql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { forgeSchema } from '../../src/forge/graphql/schema.ts'
import { LIB, site, type Site } from '../unit/forge/helper.ts'
import { gitHubSchema, publishedSchema } from './graphql-schema.ts'

const gitHub = gitHubSchema()

/** What of a schema another one does not have, or has in another form. */
function beyond(own: GraphQLSchema, other: GraphQLSchema): string[] {
  const found: string[] = []
  const say = (is: boolean, what: string) => void (is || found.push(what))
  for (const [name, type] of Object.entries(own.getTypeMap())) {
    if (name.startsWith('__')) continue
    const theirs = other.getType(name)
    say(theirs?.constructor === type.constructor, name)
    if (isEnumType(type) && isEnumType(theirs))
      for (const { name: value } of type.getValues())
        say(theirs.getValue(value) !== undefined, `${name}.${value}`)
    if (isUnionType(type) && isUnionType(theirs)) {
      const members = new Set(theirs.getTypes().map(String))
      for (const member of type.getTypes())
        say(members.has(member.name), `${name} | ${member.name}`)
    }
    if (isInputObjectType(type) && isInputObjectType(theirs)) {
      const fields = theirs.getFields()
      for (const field of Object.values(type.getFields()))
        say(String(fields[field.name]?.type) === String(field.type), `${name}.${field.name}`)
    }
    const composite = (one: typeof theirs) =>
      isObjectType(one) || isInterfaceType(one) ? one.getFields() : undefined
    const [mine, known] = [composite(type), composite(theirs)]
    for (const field of Object.values(mine ?? {})) {
      const at = known?.[field.name]
      say(String(at?.type) === String(field.type), `${name}.${field.name}`)
      for (const argument of field.args) {
        const same = at?.args.find((one) => one.name === argument.name)
        say(String(same?.type) === String(argument.type), `${name}.${field.name}(${argument.name})`)
      }
    }
  }
  return found
}

describe('the schema of the forge', () => {
  it('is a part of GitHub’s', () => {
    expect(beyond(forgeSchema({ relations: true }), gitHub)).toEqual([])
    expect(beyond(forgeSchema({ relations: false }), publishedSchema())).toEqual([])
    expect(beyond(gitHub, publishedSchema())).toContain('Issue.blockedBy')
  })
})

describe('answers', () => {
  let at: Site
  beforeAll(async () => {
    at = await site()
    const { rest } = at.as('ada')
    for (const title of ['one', 'two', 'three'])
      await rest.issues.create({ ...LIB, title, body: 'text', labels: ['bzzz'] })
    const [, two, three] = (await rest.issues.listForRepo({ ...LIB, direction: 'asc' })).data
    await rest.issues.addAssignees({ ...LIB, issue_number: 1, assignees: ['ada'] })
    await rest.issues.removeLabel({ ...LIB, issue_number: 1, name: 'bzzz' })
    await at.as('tia').rest.issues.addLabels({ ...LIB, issue_number: 1, labels: ['bzzz'] })
    const path = 'POST /repos/{owner}/{repo}/issues/{issue_number}'
    const on = { ...LIB, issue_number: 1 }
    await at.as('ada').request(`${path}/dependencies/blocked_by`, { ...on, issue_id: two?.id ?? 0 })
    await at.as('ada').request(`${path}/sub_issues`, { ...on, sub_issue_id: three?.id ?? 0 })
  })
  afterAll(() => at.close())

  const page = 'pageInfo { hasNextPage hasPreviousPage } totalCount'
  const whole = `query ($people: Boolean!) {
    repository(owner: "octo", name: "lib") {
      id nameWithOwner
      collaborators(first: 100) @include(if: $people) { ${page} edges { permission node { id login } } }
      issue(number: 1) {
        id databaseId number title body state createdAt updatedAt url
        repository { nameWithOwner }
        author { __typename login }
        labels(first: 10) { ${page} nodes { id name } }
        assignees(first: 10) { ${page} nodes { login } }
        assignedActors(first: 10) { ${page} nodes { __typename ... on Actor { login } } }
        timelineItems(last: 2, itemTypes: [LABELED_EVENT, UNLABELED_EVENT]) {
          ${page}
          nodes {
            __typename
            ... on LabeledEvent { actor { __typename login } label { name } createdAt }
            ... on UnlabeledEvent { actor { __typename login } label { name } createdAt }
          }
        }
        blockedBy(first: 5) { ${page} nodes { number state repository { nameWithOwner } } }
        subIssues(first: 5) { ${page} nodes { number state } }
        subIssuesSummary { total completed percentCompleted }
        issueDependenciesSummary { blockedBy totalBlockedBy blocking totalBlocking }
      }
    }
  }`

  it('have GitHub’s form and say what REST says', async () => {
    const variableValues = { people: true }
    const answer = await at.as('ada').graphql<Record<string, unknown>>(whole, variableValues)
    const document = parse(whole)
    expect(validate(gitHub, document)).toEqual([])
    // GitHub's schema completes the answer as if it were its own: types, enums and nulls are judged.
    const judged = await execute({ schema: gitHub, document, rootValue: answer, variableValues })
    expect(judged.errors).toBeUndefined()
    expect(JSON.parse(JSON.stringify(judged.data))).toEqual(answer)
    const rest = (await at.as('ada').rest.issues.get({ ...LIB, issue_number: 1 })).data
    expect(answer).toMatchObject({
      repository: {
        collaborators: { edges: expect.arrayContaining([edge('tia', 'TRIAGE'), edge('ada')]) },
        issue: {
          title: rest.title,
          updatedAt: rest.updated_at,
          url: rest.html_url,
          author: { __typename: 'User', login: 'ada' },
          labels: { nodes: [{ name: 'bzzz' }] },
          assignees: { nodes: [{ login: 'ada' }] },
          assignedActors: { totalCount: 1 },
          timelineItems: {
            totalCount: 3,
            pageInfo: { hasPreviousPage: true },
            nodes: [
              { __typename: 'UnlabeledEvent', actor: { login: 'ada' } },
              { __typename: 'LabeledEvent', actor: { login: 'tia' }, label: { name: 'bzzz' } },
            ],
          },
          blockedBy: { nodes: [{ number: 2, state: 'OPEN' }] },
          subIssues: { nodes: [{ number: 3 }] },
          issueDependenciesSummary: { blockedBy: 1 },
        },
      },
    })
  })
  const edge = (login: string, permission = 'WRITE') =>
    expect.objectContaining({
      permission,
      node: expect.objectContaining({ login }) as object,
    }) as object

  it('keep collaborators from who may not push, and the rest of the answer stands', async () => {
    const refused = at.as('tia').graphql(whole, { people: true })
    await expect(refused).rejects.toMatchObject({
      errors: [{ type: 'FORBIDDEN', path: ['repository', 'collaborators'] }],
      data: { repository: { collaborators: null, issue: { number: 1 } } },
    })
    await expect(at.as('tia').graphql(whole, { people: false })).resolves.toBeDefined()
  })

  it('ask for a page, and no more than 100', async () => {
    const labels = (how: string) =>
      at
        .as('ada')
        .graphql(
          `{ repository(owner: "octo", name: "lib") { issue(number: 1) { labels${how} { totalCount } } } }`,
        )
    await expect(labels('')).rejects.toMatchObject({
      errors: [{ type: 'MISSING_PAGINATION_BOUNDARIES' }],
    })
    await expect(labels('(first: 101)')).rejects.toMatchObject({
      errors: [{ type: 'EXCESSIVE_PAGINATION' }],
    })
  })

  it('cost points by what the connections could need, and end with RATE_LIMITED', async () => {
    const small = await site({ rateLimit: 5 })
    try {
      const many = `{ repository(owner: "octo", name: "lib") { issue(number: 1) {
        subIssues(first: 100) { nodes { labels(first: 100) { totalCount } blockedBy(first: 100) { nodes { labels(first: 1) { totalCount } } } } }
      } } }`
      await expect(small.as('ada').graphql(many)).rejects.toMatchObject({
        errors: [{ type: 'RATE_LIMITED' }],
      })
      const one = '{ repository(owner: "octo", name: "lib") { id } }'
      for (let call = 0; call < 4; call += 1) await small.as('ada').graphql(one)
      const error = await small
        .as('ada')
        .graphql(one)
        .catch((cause: unknown) => cause)
      expect(error).toMatchObject({ errors: [{ type: 'RATE_LIMITED' }] })
    } finally {
      await small.close()
    }
  })
})

/**
 * GitHub's GraphQL schema as npm has it, with what GitHub added since that version: relations between
 * issues by dependencies, and assignees that are no people.
 * https://docs.github.com/en/graphql/reference/objects#issue
 */
import { schema as published } from '@octokit/graphql-schema'
import { buildASTSchema, extendSchema, parse, type GraphQLSchema } from 'graphql'

const SINCE = `
type IssueDependenciesSummary { blockedBy: Int! blocking: Int! totalBlockedBy: Int! totalBlocking: Int! }
type AssigneeEdge { cursor: String! node: Assignee }
type AssigneeConnection { edges: [AssigneeEdge] nodes: [Assignee] pageInfo: PageInfo! totalCount: Int! }
extend type Issue {
  assignedActors(after: String, before: String, first: Int, last: Int): AssigneeConnection!
  blockedBy(after: String, before: String, first: Int, last: Int): IssueConnection!
  blocking(after: String, before: String, first: Int, last: Int): IssueConnection!
  issueDependenciesSummary: IssueDependenciesSummary!
}
`

/** As published: what an Enterprise Server of some age knows at most. */
export const publishedSchema = (): GraphQLSchema =>
  // It defines a field twice, which is no matter here.
  buildASTSchema(parse(published.idl), { assumeValidSDL: true })

export const gitHubSchema = (): GraphQLSchema => extendSchema(publishedSchema(), parse(SINCE))

/**
 * The part of GitHub's schema that the forge answers, in GitHub's own words; a test holds it against
 * the published one. What needs relations between issues is apart, since a forge can be without.
 */
import { buildSchema, type GraphQLSchema } from 'graphql'

const CORE = `
scalar DateTime
scalar GitObjectID
scalar GitRefname
scalar URI

type Query {
  repository(followRenames: Boolean = true, name: String!, owner: String!): Repository
}

type Mutation {
  updateRefs(input: UpdateRefsInput!): UpdateRefsPayload
  transferIssue(input: TransferIssueInput!): TransferIssuePayload
  deleteIssue(input: DeleteIssueInput!): DeleteIssuePayload
  markPullRequestReadyForReview(input: MarkPullRequestReadyForReviewInput!): MarkPullRequestReadyForReviewPayload
  convertPullRequestToDraft(input: ConvertPullRequestToDraftInput!): ConvertPullRequestToDraftPayload
}

type Repository {
  id: ID!
  nameWithOwner: String!
  issue(number: Int!): Issue
  collaborators(first: Int, last: Int): RepositoryCollaboratorConnection
}

type RepositoryCollaboratorConnection {
  edges: [RepositoryCollaboratorEdge]
  nodes: [User]
  pageInfo: PageInfo!
  totalCount: Int!
}

type RepositoryCollaboratorEdge {
  node: User!
  permission: RepositoryPermission!
}

enum RepositoryPermission { ADMIN MAINTAIN READ TRIAGE WRITE }

type PageInfo {
  hasNextPage: Boolean!
  hasPreviousPage: Boolean!
}

interface Actor { login: String! }
type User implements Actor { id: ID! login: String! }
type Bot implements Actor { id: ID! login: String! }
type Organization implements Actor { id: ID! login: String! }

enum IssueState { CLOSED OPEN }

type Issue {
  id: ID!
  databaseId: Int
  number: Int!
  title: String!
  body: String!
  state: IssueState!
  createdAt: DateTime!
  updatedAt: DateTime!
  url: URI!
  repository: Repository!
  author: Actor
  comments: IssueCommentConnection!
  labels(first: Int, last: Int): LabelConnection
  assignees(first: Int, last: Int): UserConnection!
  timelineItems(first: Int, last: Int, itemTypes: [IssueTimelineItemsItemType!]): IssueTimelineItemsConnection!
}

type Label { id: ID! name: String! }
type IssueCommentConnection { totalCount: Int! }
type LabelConnection { nodes: [Label] pageInfo: PageInfo! totalCount: Int! }
type UserConnection { nodes: [User] pageInfo: PageInfo! totalCount: Int! }

enum IssueTimelineItemsItemType { LABELED_EVENT UNLABELED_EVENT }
union IssueTimelineItems = LabeledEvent | UnlabeledEvent
type IssueTimelineItemsConnection { nodes: [IssueTimelineItems] pageInfo: PageInfo! totalCount: Int! }
type LabeledEvent { id: ID! actor: Actor createdAt: DateTime! label: Label! }
type UnlabeledEvent { id: ID! actor: Actor createdAt: DateTime! label: Label! }

input UpdateRefsInput { clientMutationId: String refUpdates: [RefUpdate!]! repositoryId: ID! }
input RefUpdate { afterOid: GitObjectID! beforeOid: GitObjectID force: Boolean = false name: GitRefname! }
type UpdateRefsPayload { clientMutationId: String }

input TransferIssueInput { clientMutationId: String createLabelsIfMissing: Boolean = false issueId: ID! repositoryId: ID! }
type TransferIssuePayload { clientMutationId: String issue: Issue }

input DeleteIssueInput { clientMutationId: String issueId: ID! }
type DeleteIssuePayload { clientMutationId: String repository: Repository }

type PullRequest { id: ID! number: Int! isDraft: Boolean! }
input MarkPullRequestReadyForReviewInput { clientMutationId: String pullRequestId: ID! }
type MarkPullRequestReadyForReviewPayload { clientMutationId: String pullRequest: PullRequest }
input ConvertPullRequestToDraftInput { clientMutationId: String pullRequestId: ID! }
type ConvertPullRequestToDraftPayload { clientMutationId: String pullRequest: PullRequest }
`

const RELATIONS = `
type IssueConnection { nodes: [Issue] pageInfo: PageInfo! totalCount: Int! }
type SubIssuesSummary { completed: Int! percentCompleted: Int! total: Int! }
type IssueDependenciesSummary { blockedBy: Int! blocking: Int! totalBlockedBy: Int! totalBlocking: Int! }
union Assignee = Bot | Organization | User
type AssigneeConnection { nodes: [Assignee] pageInfo: PageInfo! totalCount: Int! }

extend type Issue {
  subIssues(first: Int, last: Int): IssueConnection!
  subIssuesSummary: SubIssuesSummary!
  blockedBy(first: Int, last: Int): IssueConnection!
  issueDependenciesSummary: IssueDependenciesSummary!
  assignedActors(first: Int, last: Int): AssigneeConnection!
}
`

/** `relations`: with dependencies and sub-issues, as github.com has them. */
export const forgeSchema = ({ relations }: { relations: boolean }): GraphQLSchema =>
  buildSchema(relations ? `${CORE}${RELATIONS}` : CORE)

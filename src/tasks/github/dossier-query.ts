/**
 * One GraphQL query for all that is asked of an issue before it is tried: the issue, who set its label
 * last, who may triage, and which issues stand before it. It costs one point of GraphQL's own limit.
 *
 * What an old Enterprise Server lacks is left out by `newest: false`. The fields are those of
 * https://docs.github.com/en/graphql/reference/objects#issue; tests hold both against GitHub's schema.
 */
import { z } from 'zod'
import type { Issue } from './shapes.ts'

const actor = '__typename login'
const near = 'nodes { number state repository { nameWithOwner } }'
const newestFields = `
      assignedActors(first: 20) { totalCount nodes { __typename ... on Actor { login } } }
      issueDependenciesSummary { totalBlockedBy blockedBy }
      blockedBy(first: 100) { ${near} }
      subIssuesSummary { total completed }
      subIssues(first: 100) { ${near} }`
const oldFields = `
      assignees(first: 20) { totalCount nodes { __typename login } }`

/** Variables: `owner`, `name`, `number`, and `people`: whether to ask for the collaborators. */
export const dossierQuery = (
  newest: boolean,
) => `query ($owner: String!, $name: String!, $number: Int!, $people: Boolean!) {
  repository(owner: $owner, name: $name) {
    collaborators(first: 100) @include(if: $people) { edges { permission node { login } } }
    issue(number: $number) {
      number title body state createdAt updatedAt url
      repository { nameWithOwner }
      author { ${actor} }
      comments { totalCount }
      labels(first: 100) { totalCount nodes { name } }${newest ? newestFields : oldFields}
      timelineItems(last: 100, itemTypes: [LABELED_EVENT, UNLABELED_EVENT]) {
        pageInfo { hasPreviousPage }
        nodes {
          __typename
          ... on LabeledEvent { actor { ${actor} } label { name } }
          ... on UnlabeledEvent { actor { ${actor} } label { name } }
        }
      }
    }
  }
}`

const login = z.string().max(100)
const actorSchema = z.object({ __typename: z.string().max(100), login }).nullish()
const nodes = <S extends z.ZodType>(one: S) =>
  z
    .array(one.nullable())
    .max(100)
    .nullish()
    .transform((all) =>
      (all ?? []).filter((each): each is NonNullable<z.infer<S>> => each !== null),
    )
const nearSchema = z.object({
  nodes: nodes(
    z.object({
      number: z.number().int().positive(),
      state: z.string().max(20),
      repository: z.object({ nameWithOwner: z.string().max(201) }),
    }),
  ),
})
const labelEvent = z.object({
  __typename: z.string().max(100),
  actor: actorSchema,
  label: z.object({ name: z.string().max(1_000) }).nullish(),
})
const issueSchema = z.object({
  number: z.number().int().positive(),
  title: z.string().max(1_024),
  body: z.string().max(262_144),
  state: z.string().max(20),
  createdAt: z.string().max(40),
  updatedAt: z.string().max(40),
  url: z.string().max(2_048),
  repository: z.object({ nameWithOwner: z.string().max(201) }),
  author: actorSchema,
  comments: z.object({ totalCount: z.number().int().nonnegative() }),
  labels: z
    .object({ totalCount: z.number(), nodes: nodes(z.object({ name: z.string().max(1_000) })) })
    .nullable(),
  assignees: z.object({ totalCount: z.number(), nodes: nodes(actorSchema) }).optional(),
  assignedActors: z.object({ totalCount: z.number(), nodes: nodes(actorSchema) }).optional(),
  issueDependenciesSummary: z
    .object({ totalBlockedBy: z.number(), blockedBy: z.number() })
    .optional(),
  blockedBy: nearSchema.optional(),
  subIssuesSummary: z.object({ total: z.number(), completed: z.number() }).optional(),
  subIssues: nearSchema.optional(),
  timelineItems: z.object({
    pageInfo: z.object({ hasPreviousPage: z.boolean() }),
    nodes: nodes(labelEvent),
  }),
})

/** Of an answer, also of one whose collaborators were refused. */
export const dossierSchema = z.object({
  repository: z.object({
    collaborators: z
      .object({
        edges: nodes(z.object({ permission: z.string().max(20), node: z.object({ login }) })),
      })
      .nullish(),
    issue: issueSchema,
  }),
})

export interface Actor {
  login: string
  /** An App, which has no permission level of its own. */
  bot: boolean
}

export interface Dossier {
  issue: Issue
  /** `owner/name` where the issue is now. */
  at: string
  /** Who set the label last; `nobody`: it was taken off, never set, or by an account that is gone. */
  labeledBy: Actor | 'nobody' | 'unknown'
  /** Logins, in lower case, that may triage; there may be others. Absent: not told. */
  people?: ReadonlySet<string>
  /** Open issues before this one, as `#4` or `octo/other#4`; absent: not told. */
  before?: { dependencies: readonly string[]; 'sub-issues': readonly string[] }
}

const triaging: ReadonlySet<string> = new Set(['ADMIN', 'MAINTAIN', 'WRITE', 'TRIAGE'])

/** Undefined: the answer is cut where it must not be, and REST is to be asked. Pure. */
export function dossierOf(
  { repository: { issue: raw, collaborators } }: z.infer<typeof dossierSchema>,
  { repo, label }: { repo: string; label: string },
): Dossier | undefined {
  const { labels, issueDependenciesSummary: blockers, subIssuesSummary: parts } = raw
  const assigned = raw.assignedActors ?? raw.assignees
  const isCut = (list: { totalCount: number; nodes: readonly unknown[] } | null | undefined) =>
    list !== null && list !== undefined && list.totalCount > list.nodes.length
  if (assigned === undefined || isCut(labels) || isCut(assigned)) return undefined
  const issue: Issue = {
    number: raw.number,
    title: raw.title,
    body: raw.body,
    open: raw.state === 'OPEN',
    labels: (labels?.nodes ?? []).map(({ name }) => name),
    assignees: assigned.nodes.map(restLogin),
    author: restLogin(raw.author),
    comments: raw.comments.totalCount,
    createdAt: raw.createdAt,
    updatedAt: raw.updatedAt,
    url: raw.url,
    isPull: false,
    ...(blockers === undefined
      ? {}
      : { waitsFor: blockers.totalBlockedBy, blockedBy: blockers.blockedBy }),
    ...(parts === undefined ? {} : { openParts: parts.total - parts.completed }),
  }
  const people = collaborators?.edges
    .filter(({ permission }) => triaging.has(permission))
    .map(({ node }) => node.login.toLowerCase())
  const { blockedBy, subIssues } = raw
  const open = (list: z.infer<typeof nearSchema>) =>
    list.nodes
      .filter(({ state }) => state === 'OPEN')
      .map(({ number, repository: { nameWithOwner } }) =>
        nameWithOwner.toLowerCase() === repo.toLowerCase()
          ? `#${number}`
          : `${nameWithOwner}#${number}`,
      )
  const before =
    blockedBy === undefined || subIssues === undefined
      ? undefined
      : { dependencies: open(blockedBy), 'sub-issues': open(subIssues) }
  return {
    issue,
    at: raw.repository.nameWithOwner,
    labeledBy: labeledBy(raw.timelineItems, label),
    ...(people === undefined ? {} : { people: new Set(people) }),
    ...(before === undefined ? {} : { before }),
  }
}

function labeledBy(
  { nodes: events, pageInfo }: z.infer<typeof issueSchema>['timelineItems'],
  label: string,
): Dossier['labeledBy'] {
  const last = events.findLast(({ label: one }) => one?.name.toLowerCase() === label.toLowerCase())
  if (last === undefined) return pageInfo.hasPreviousPage ? 'unknown' : 'nobody'
  if (last.__typename !== 'LabeledEvent' || !last.actor) return 'nobody'
  return { login: restLogin(last.actor), bot: last.actor.__typename === 'Bot' }
}

/** As REST names it: an App's login has `[bot]` there, and only there. Empty for who is gone. */
function restLogin(who: z.infer<typeof actorSchema>): string {
  if (!who) return ''
  return who.__typename === 'Bot' && !who.login.endsWith('[bot]') ? `${who.login}[bot]` : who.login
}

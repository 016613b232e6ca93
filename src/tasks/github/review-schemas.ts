/** What of GitHub's answers about pull requests is used, decoded: nothing else of an answer goes further. */
import { z } from 'zod'

const text = z
  .string()
  .max(262_144)
  .nullish()
  .transform((body) => body ?? '')
const login = z.string().max(100)
/** Accounts that are gone have none. */
const author = z
  .object({ login, type: z.string().max(100).nullish() })
  .nullish()
  .transform((user) => ({ author: user?.login ?? '', bot: user?.type === 'Bot' }))
const id = z.number().int().positive()
const oid = z.string().max(64)
const time = z.string().max(64)
const labels = z
  .array(z.object({ name: z.string().nullish() }))
  .max(1_000)
  .transform((all) => all.flatMap(({ name }) => name ?? []))

const pullFields = {
  number: id,
  updated_at: time,
  draft: z.boolean().nullish(),
  labels,
  head: z.object({ ref: z.string().max(1_024), sha: oid }),
}

export const pullsSchema = z.array(
  z.object(pullFields).transform((raw) => ({
    number: raw.number,
    updatedAt: raw.updated_at,
    draft: raw.draft === true,
    labels: raw.labels,
    headRef: raw.head.ref,
    headOid: raw.head.sha,
  })),
)
/** A pull request as a listing shows it. */
export type PullSummary = z.infer<typeof pullsSchema>[number]

export const pullDetailSchema = z
  .object({
    ...pullFields,
    node_id: z.string().max(200),
    html_url: z.string().max(2_048),
    state: z.string().max(100),
    merged: z.boolean(),
    merged_by: z.object({ login }).nullish(),
    mergeable: z.boolean().nullish(),
    mergeable_state: z.string().max(100).nullish(),
    base: z.object({ ref: z.string().max(1_024), sha: oid }),
    comments: z.number().int().nonnegative().nullish(),
  })
  .transform((raw) => ({
    number: raw.number,
    nodeId: raw.node_id,
    url: raw.html_url,
    updatedAt: raw.updated_at,
    draft: raw.draft === true,
    labels: raw.labels,
    headRef: raw.head.ref,
    headOid: raw.head.sha,
    baseRef: raw.base.ref,
    baseOid: raw.base.sha,
    open: raw.state === 'open',
    merged: raw.merged,
    mergedBy: raw.merged_by?.login,
    /** Git cannot merge it; false also while GitHub is still finding out. */
    conflicts: raw.mergeable === false,
    /** GitHub has not found out yet. */
    unknown: raw.state === 'open' && (raw.mergeable === null || raw.mergeable === undefined),
    comments: raw.comments ?? 0,
  }))
export type PullDetail = z.infer<typeof pullDetailSchema>

export const reviewsSchema = z.array(
  z
    .object({
      id,
      user: author,
      state: z.string().max(100),
      body: text,
      submitted_at: time.nullish(),
    })
    .transform((raw) => ({
      id: raw.id,
      ...raw.user,
      state: raw.state,
      body: raw.body,
      submittedAt: raw.submitted_at ?? '',
    })),
)
export type Review = z.infer<typeof reviewsSchema>[number]

export const lineCommentsSchema = z.array(
  z
    .object({
      id,
      pull_request_review_id: id.nullish(),
      user: author,
      path: z.string().max(4_096),
      line: z.number().int().nullish(),
      body: text,
      diff_hunk: z.string().max(262_144).nullish(),
    })
    .transform((raw) => ({
      id: raw.id,
      review: raw.pull_request_review_id ?? null,
      ...raw.user,
      path: raw.path,
      line: raw.line ?? null,
      body: raw.body,
      hunk: raw.diff_hunk ?? '',
    })),
)
/** A comment on a line of the diff. */
export type LineComment = z.infer<typeof lineCommentsSchema>[number]

export const checkRunsSchema = z.object({
  total_count: z.number().int().nonnegative(),
  check_runs: z.array(
    z.object({
      id,
      name: z.string().max(1_024),
      status: z.string().max(100),
      conclusion: z.string().max(100).nullish(),
      html_url: z.string().max(2_048).nullish(),
      output: z
        .object({ title: text, summary: text, text })
        .partial()
        .nullish()
        .transform((output) => output ?? {}),
      app: z.object({ slug: z.string().max(200).nullish() }).nullish(),
    }),
  ),
})

export const combinedStatusSchema = z.object({
  statuses: z.array(
    z.object({
      id,
      context: z.string().max(1_024),
      state: z.string().max(100),
      description: text,
      target_url: z.string().max(2_048).nullish(),
    }),
  ),
})

export const talkSchema = z.array(
  z
    .object({
      id,
      user: author,
      body: text,
      created_at: time,
      reactions: z.object({ total_count: z.number().int().nonnegative() }).nullish(),
    })
    .transform((raw) => ({
      id: raw.id,
      ...raw.user,
      body: raw.body,
      createdAt: raw.created_at,
      reactions: raw.reactions?.total_count ?? 0,
    })),
)
/** A comment of the conversation below an issue or a pull request. */
export type TalkComment = z.infer<typeof talkSchema>[number]

export const reactionsSchema = z.array(z.object({ user: author, content: z.string().max(100) }))

export const openedSchema = z.object({ id, number: id, html_url: z.string().max(2_048) })
export const bodiesSchema = z.array(
  z.object({
    id,
    number: id,
    body: text,
    created_at: time,
    pull_request: z.unknown().optional(),
  }),
)

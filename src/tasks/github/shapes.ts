/** The few fields of GitHub's answers that are used, decoded: nothing else of an answer goes further. */
import { z } from 'zod'

export const userSchema = z.object({ login: z.string().max(100) })
const labelSchema = z
  .union([z.string(), z.object({ name: z.string().nullish() })])
  .transform((label) => (typeof label === 'string' ? label : (label.name ?? '')))
export const issueSchema = z.object({
  number: z.number().int().positive(),
  title: z.string().max(1_024),
  body: z
    .string()
    .max(262_144)
    .nullish()
    .transform((body) => body ?? ''),
  state: z.string(),
  labels: z.array(labelSchema),
  assignees: z
    .array(userSchema)
    .nullish()
    .transform((users) => (users ?? []).map((user) => user.login)),
  user: userSchema.nullish().transform((user) => user?.login ?? ''),
  comments: z.number().int().nonnegative().optional(),
  created_at: z.string(),
  updated_at: z.string(),
  html_url: z.string().max(2_048),
  repository_url: z.string().max(2_048).optional(),
  pull_request: z.unknown().optional(),
  issue_dependencies_summary: z
    .object({ total_blocked_by: z.number(), blocked_by: z.number().optional() })
    .nullish(),
  sub_issues_summary: z.object({ total: z.number(), completed: z.number() }).nullish(),
})

export interface Issue {
  number: number
  title: string
  body: string
  open: boolean
  labels: string[]
  assignees: string[]
  author: string
  createdAt: string
  updatedAt: string
  url: string
  isPull: boolean
  /** How many comments it has; absent where GitHub does not say. */
  comments?: number
  /** Issues that it is marked as blocked by, open or closed; absent where GitHub does not say. */
  waitsFor?: number
  /** Those of them that are open, as far as GitHub says; only a sign that something changed. */
  blockedBy?: number
  /** Its sub-issues that are open; absent where GitHub does not say. */
  openParts?: number
}

export const repositorySchema = z.object({
  full_name: z.string(),
  clone_url: z.url(),
  default_branch: z.string().max(255),
  permissions: z.object({ push: z.boolean().optional() }).optional(),
})

export interface Repository {
  fullName: string
  cloneUrl: string
  defaultBranch: string
  canPush: boolean
  /** Of an App: permissions that a task needs and the App does not have, such as `contents`. */
  missing?: string[]
}

export const toRepository = (raw: z.infer<typeof repositorySchema>): Repository => ({
  fullName: raw.full_name,
  cloneUrl: raw.clone_url,
  defaultBranch: raw.default_branch,
  canPush: raw.permissions?.push === true,
})

export const commentSchema = z.object({
  body: z
    .string()
    .max(262_144)
    .nullish()
    .transform((body) => body ?? ''),
})
export type Comment = z.infer<typeof commentSchema>

export const pullSchema = z.object({
  number: z.number().int(),
  html_url: z.string(),
  state: z.string(),
  head: z.object({ sha: z.string() }),
  merged_at: z.string().max(64).nullish(),
})

export interface Pull {
  number: number
  url: string
  open: boolean
  headOid: string
  merged?: boolean
}

export interface RateLimit {
  limit: number
  remaining: number
  resetAtMs: number
}

export function toIssue(raw: z.infer<typeof issueSchema>): Issue {
  const { issue_dependencies_summary: blockers, sub_issues_summary: parts } = raw
  return {
    number: raw.number,
    title: raw.title,
    body: raw.body,
    open: raw.state === 'open',
    labels: raw.labels.filter((label) => label !== ''),
    assignees: raw.assignees,
    author: raw.user,
    createdAt: raw.created_at,
    updatedAt: raw.updated_at,
    url: raw.html_url,
    isPull: raw.pull_request !== undefined,
    ...(raw.comments === undefined ? {} : { comments: raw.comments }),
    ...(blockers === null || blockers === undefined ? {} : { waitsFor: blockers.total_blocked_by }),
    ...(blockers?.blocked_by === undefined ? {} : { blockedBy: blockers.blocked_by }),
    ...(parts === null || parts === undefined ? {} : { openParts: parts.total - parts.completed }),
  }
}

export const toPull = (raw: z.infer<typeof pullSchema>): Pull => ({
  number: raw.number,
  url: raw.html_url,
  open: raw.state === 'open',
  headOid: raw.head.sha,
  merged: typeof raw.merged_at === 'string',
})

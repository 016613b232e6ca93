/** Rows as the tables hold them. Instants are ISO 8601 in UTC with whole seconds, as GitHub's. */
import type { ForgePermissions, ForgeRole } from '../types.ts'

/** What a token may do less than its account. */
export interface Grant {
  /** Null: all that the account may. */
  permissions: ForgePermissions | null
  /** `owner/name`, or `owner/*` for all of an owner's, in lower case; null: every repository. */
  repositories: readonly string[] | null
  /** Id of the App's installation; null: a fine-grained token of a person. */
  installation: number | null
}

export interface UserRow {
  id: number
  login: string
  type: 'User' | 'Bot' | 'Organization'
  role: ForgeRole
  created_at: string
  /** Set on a caller whose token is limited. */
  grant?: Grant
}

export interface RepoRow {
  id: number
  owner_id: number
  /** Login of the owner (joined). */
  owner: string
  name: string
  private: number
  description: string | null
  default_branch: string
  created_at: string
  updated_at: string
  pushed_at: string
}

export interface IssueRow {
  id: number
  repo_id: number
  number: number
  is_pull: number
  title: string
  body: string | null
  state: 'open' | 'closed'
  state_reason: 'completed' | 'not_planned' | 'reopened' | 'duplicate' | null
  user_id: number
  locked: number
  lock_reason: string | null
  created_at: string
  updated_at: string
  closed_at: string | null
  closed_by: number | null
}

export interface PullRow {
  issue_id: number
  head_ref: string
  base_ref: string
  head_sha: string
  base_sha: string
  draft: number
  maintainer_can_modify: number
  merged_at: string | null
  merged_by: number | null
  merge_commit_sha: string | null
}

/** A pull request: its issue and its own half. */
export type PullIssue = IssueRow & PullRow

export interface LabelRow {
  id: number
  repo_id: number
  name: string
  color: string
  description: string | null
  is_default: number
}

export interface CommentRow {
  id: number
  issue_id: number
  user_id: number
  body: string
  created_at: string
  updated_at: string
}

export interface ReactionRow {
  id: number
  subject: 'issue' | 'comment'
  subject_id: number
  user_id: number
  content: string
  created_at: string
}

export interface EventData {
  label?: { name: string; color: string }
  assignee?: number
  assigner?: number
  rename?: { from: string; to: string }
  lock_reason?: string | null
  state_reason?: string | null
  /** Issue id of the mention's origin, for `cross-referenced`. */
  source?: number
  requested_reviewer?: number
  /** What was said, for `commented` and `reviewed`: they stand in the log for its order. */
  comment?: number
  review?: number
}

export interface EventRow {
  id: number
  repo_id: number
  issue_id: number
  actor_id: number
  event: string
  commit_id: string | null
  data: string
  created_at: string
}

export interface ReviewRow {
  id: number
  issue_id: number
  user_id: number
  body: string
  state: 'PENDING' | 'COMMENTED' | 'APPROVED' | 'CHANGES_REQUESTED' | 'DISMISSED'
  commit_id: string
  submitted_at: string | null
}

export interface ReviewCommentRow {
  id: number
  issue_id: number
  review_id: number | null
  user_id: number
  body: string
  path: string
  line: number | null
  side: 'LEFT' | 'RIGHT'
  commit_id: string
  diff_hunk: string
  reply_to: number | null
  created_at: string
  updated_at: string
}

export interface CheckRunRow {
  id: number
  repo_id: number
  head_sha: string
  name: string
  status: 'queued' | 'in_progress' | 'completed'
  conclusion: string | null
  started_at: string | null
  completed_at: string | null
  details_url: string | null
  external_id: string | null
  title: string | null
  summary: string | null
  text: string | null
}

export interface StatusRow {
  id: number
  repo_id: number
  sha: string
  state: 'error' | 'failure' | 'pending' | 'success'
  context: string
  description: string | null
  target_url: string | null
  user_id: number
  created_at: string
}

export interface HookRow {
  id: number
  repo_id: number
  active: number
  /** JSON list of names. */
  events: string
  url: string
  content_type: 'json' | 'form'
  insecure_ssl: '0' | '1'
  secret: string | null
  last_code: number | null
  last_status: string
  last_message: string | null
  created_at: string
  updated_at: string
}

export interface DeliveryRow {
  id: number
  guid: string
  hook_id: number
  event: string
  action: string | null
  redelivery: number
  delivered_at: string
  /** Seconds. */
  duration: number
  status: string
  /** 0: there was no answer. */
  status_code: number
  url: string
  request_headers: string
  payload: string
  response_headers: string
  response_body: string
}

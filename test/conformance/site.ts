/** What a probe gets, and the small things that probes share. */
import assert from 'node:assert/strict'
import type { Octokit } from 'octokit'

export interface ProbeSite {
  /** May push. */
  octokit: Octokit
  /** Another account that may push. */
  other: Octokit
  owner: string
  repo: string
  /** Logins that can be assigned: eleven or more, the caller among them. */
  people: readonly string[]
  /** Runs git in a clone of the repository, as the account of `octokit`; the exit code and the output. */
  git(...args: string[]): Promise<{ code: number; text: string }>
}

export interface Probe {
  name: string
  run: (site: ProbeSite) => Promise<void>
}

/** Probes under one heading: `refs: create`. */
export const group = (
  heading: string,
  all: Readonly<Record<string, Probe['run']>>,
): readonly Probe[] =>
  Object.entries(all).map(([name, run]) => ({ name: `${heading}: ${name}`, run }))

let count = 0
/** A name that no other probe has. */
export const unique = (word: string): string => {
  count += 1
  return `${word}-${process.pid}-${count}`
}

export const ZERO = '0'.repeat(40)

interface Refusal {
  status: number
  message: string
  data: { message?: string; errors?: { code?: string; field?: string; message?: string }[] }
}

/** The refusal of a request that must be refused with `status`. */
export async function refused(promise: Promise<unknown>, status: number): Promise<Refusal> {
  const error = await promise.then(
    () => undefined,
    (cause: unknown) => cause as { status?: number; message: string; response?: { data: unknown } },
  )
  assert.ok(error !== undefined, `the request succeeded; ${status} was due`)
  assert.equal(error.status, status, error.message)
  const data = (error.response?.data ?? {}) as Refusal['data']
  return { status, message: error.message, data }
}

export async function mainTip({ octokit, owner, repo }: ProbeSite): Promise<string> {
  const { data } = await octokit.rest.git.getRef({ owner, repo, ref: 'heads/main' })
  return data.object.sha
}

/** A commit of its own with the tree of `parent`. */
export async function commitOn(
  { octokit, owner, repo }: ProbeSite,
  parent: string,
): Promise<string> {
  const { data: base } = await octokit.rest.git.getCommit({ owner, repo, commit_sha: parent })
  const message = unique('a commit')
  const made = await octokit.rest.git.createCommit({
    owner,
    repo,
    message,
    tree: base.tree.sha,
    parents: [parent],
  })
  return made.data.sha
}

/** A branch with one more file than `from`. */
export async function branchWith(site: ProbeSite, from = 'main'): Promise<string> {
  const { octokit, owner, repo } = site
  const branch = unique('topic')
  const { data } = await octokit.rest.git.getRef({ owner, repo, ref: `heads/${from}` })
  const ref = `refs/heads/${branch}`
  await octokit.rest.git.createRef({ owner, repo, ref, sha: data.object.sha })
  await octokit.rest.repos.createOrUpdateFileContents({
    owner,
    repo,
    branch,
    path: `${branch}.txt`,
    message: `write ${branch}`,
    content: Buffer.from(`${branch}\n`).toString('base64'),
  })
  return branch
}

export async function newIssue(
  { octokit, owner, repo }: ProbeSite,
  more: { body?: string; labels?: string[]; assignees?: string[] } = {},
) {
  const { data } = await octokit.rest.issues.create({
    owner,
    repo,
    title: unique('issue'),
    ...more,
  })
  return { ...data, on: { owner, repo, issue_number: data.number } }
}

export const loginsOf = (users: readonly { login: string }[] | null | undefined): string[] =>
  (users ?? []).map(({ login }) => login)

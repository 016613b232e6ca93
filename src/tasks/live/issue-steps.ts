/** What the scratch issue is for: labels, assignment, dependencies, sub-issues, conditional requests. */
import { z } from 'zod'
import type { Answer, Probe } from '../github/probe.ts'
import { typedCall, type TypedCall } from '../github/typed.ts'
import type { Found } from './ref-steps.ts'
import type { Scratch } from './scratch.ts'

export interface IssueAt {
  probe: Probe
  scratch: Scratch
  owner: string
  repo: string
  number: number
  login: string
  apiUrl: string
}

/** Nobody has it: GitHub logins have at most 39 characters. */
const nobody = 'bzzz-doctor-nobody-has-this-login-at-all-here'

const labels = z.array(z.object({ name: z.string() }))
const issue = z.object({
  assignees: z.array(z.object({ login: z.string() })).nullish(),
  labels: labels.optional(),
})
const at = '/repos/{owner}/{repo}'
const here = `${at}/issues/{issue_number}`

const refused = (what: string, { status, said }: Answer): Found => ({
  result: 'no',
  seen: `${what}: ${status} ${said}`.trim(),
})

const parametersOf = ({ owner, repo, number }: IssueAt) => ({ owner, repo, issue_number: number })

export async function labelStep(on: IssueAt, name: string, signal: AbortSignal): Promise<Found> {
  const { probe, scratch, owner, repo, number } = on
  const parameters = parametersOf(on)
  const ofRepo = { owner, repo, name }
  const typed = (call: Pick<TypedCall, 'gh' | 'method' | 'path'>) =>
    typedCall({ apiUrl: on.apiUrl, repo: `${owner}/${repo}`, ...call })
  const before = await probe.ask(`GET ${at}/labels/{name}`, ofRepo, signal)
  if (before.status === 404) {
    scratch.note({
      what: `the label ${name} of ${owner}/${repo}`,
      next: typed({
        gh: ['label', 'delete', name, '--yes'],
        method: 'DELETE',
        path: `labels/${encodeURIComponent(name)}`,
      }),
      remove: (inner) => gone(probe.ask(`DELETE ${at}/labels/{name}`, ofRepo, inner)),
    })
  } else {
    scratch.note({
      what: `the label ${name} on #${number}`,
      next: typed({
        gh: ['issue', 'edit', String(number), '--remove-label', name],
        method: 'DELETE',
        path: `issues/${number}/labels/${encodeURIComponent(name)}`,
      }),
      remove: (inner) =>
        gone(probe.ask(`DELETE ${here}/labels/{name}`, { ...parameters, name }, inner)),
    })
  }
  const added = await probe.ask(`POST ${here}/labels`, { ...parameters, labels: [name] }, signal)
  if (added.status !== 200) return refused('a label cannot be set', added)
  const back = issue.safeParse((await probe.ask(`GET ${here}`, parameters, signal)).data).data
  const set = back?.labels?.some((one) => one.name.toLowerCase() === name.toLowerCase()) === true
  return set
    ? { result: 'yes', seen: 'set and read back' }
    : { result: 'no', seen: 'a label that was set is not on the issue' }
}

/** The own login can be assigned; whoever cannot be is dropped, in silence or not. */
export async function assignStep(on: IssueAt, signal: AbortSignal): Promise<Found> {
  const { probe, scratch, owner, repo, number, login } = on
  const parameters = parametersOf(on)
  const has = (answer: Answer) =>
    issue
      .safeParse(answer.data)
      .data?.assignees?.some((one) => one.login.toLowerCase() === login.toLowerCase())
  const already = has(await probe.ask(`GET ${here}`, parameters, signal)) === true
  if (!already) {
    scratch.note({
      what: `the assignment of ${login} to #${number}`,
      next: typedCall({
        apiUrl: on.apiUrl,
        repo: `${owner}/${repo}`,
        gh: ['issue', 'edit', String(number), '--remove-assignee', login],
        method: 'DELETE',
        path: `issues/${number}/assignees`,
        body: { assignees: [login] },
      }),
      remove: (inner) =>
        gone(probe.ask(`DELETE ${here}/assignees`, { ...parameters, assignees: [login] }, inner)),
    })
  }
  const assigned = await probe.ask(
    `POST ${here}/assignees`,
    { ...parameters, assignees: [login] },
    signal,
  )
  if (assigned.status !== 201) return refused(`${login} cannot be assigned`, assigned)
  if (has(assigned) !== true)
    return { result: 'no', seen: `${login} was dropped in silence: it cannot be assigned here` }
  return { result: 'yes', seen: `${login} was assigned` }
}

export async function dropStep(on: IssueAt, signal: AbortSignal): Promise<Found> {
  const body = { ...parametersOf(on), assignees: [nobody] }
  const answer = await on.probe.ask(`POST ${here}/assignees`, body, signal)
  if (answer.status === 201)
    return { result: 'yes', seen: 'an unknown login is dropped in silence (201)' }
  return { result: 'no', seen: `an unknown login is refused with ${answer.status}` }
}

/** Two issues are needed for a relation; that the paths answer is enough. */
export async function relationStep(
  on: IssueAt,
  path: 'dependencies/blocked_by' | 'sub_issues',
  signal: AbortSignal,
): Promise<Found> {
  const answer = await on.probe.ask(`GET ${here}/${path}`, parametersOf(on), signal)
  if (answer.status === 200) return { result: 'yes', seen: 'answers' }
  return refused('not here', answer)
}

/** A 304 costs nothing of the rate limit. */
export async function etagStep(on: IssueAt, signal: AbortSignal): Promise<Found> {
  const parameters = parametersOf(on)
  const first = await on.probe.ask(`GET ${here}`, parameters, signal)
  const etag = first.headers['etag']
  if (typeof etag !== 'string') return { result: 'no', seen: 'answers have no ETag' }
  const headers = { 'if-none-match': etag }
  const second = await on.probe.ask(`GET ${here}`, { ...parameters, headers }, signal)
  if (second.status !== 304)
    return { result: 'no', seen: `asked again with its ETag: ${second.status}` }
  const [before, after] = [first, second].map((one) => Number(one.headers['x-ratelimit-remaining']))
  if (before === undefined || after === undefined || Number.isNaN(before) || Number.isNaN(after))
    return { result: 'yes', seen: '304; no rate limit is told' }
  return before - after <= 0
    ? { result: 'yes', seen: '304, and the rate limit stays as it was' }
    : {
        result: 'yes',
        seen: `304; the rate limit went down by ${before - after}, perhaps by others`,
      }
}

/** Removed, or not there: anything else is an error. */
export async function gone(asked: Promise<Answer>): Promise<void> {
  const { status, said } = await asked
  if (status < 300 || status === 404 || status === 410) return
  throw new Error(`${status} ${said}`.trim())
}

/**
 * The issue that the probe works on. One that it makes is known by a title that no other has, so that
 * it is found again when GitHub made it and the answer was lost.
 */
import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { Probe } from '../github/probe.ts'
import { typedCall } from '../github/typed.ts'
import { decode } from './decode.ts'
import { gone } from './issue-steps.ts'
import type { Scratch } from './scratch.ts'
import type { LiveInit, LiveReport } from './types.ts'

const issueSchema = z.object({
  number: z.number().int().positive(),
  html_url: z.string().max(2_048),
})
const issuesSchema = z.array(issueSchema.extend({ title: z.string() }))

interface IssueComponents {
  probe: Probe
  scratch: Scratch
  owner: string
  name: string
}

/** The issue that was named, or a new one, which is noted. Errors: `GITHUB_UNAUTHORIZED`, `GITHUB_FORBIDDEN`, `GITHUB_NOT_FOUND`, `GITHUB_ANSWER`. */
export async function issueFor(
  { issue, repo, apiUrl }: LiveInit,
  { probe, scratch, owner, name }: IssueComponents,
  signal: AbortSignal,
): Promise<NonNullable<LiveReport['issue']>> {
  const at = { owner, repo: name }
  if (issue !== undefined) {
    const route = 'GET /repos/{owner}/{repo}/issues/{issue_number}'
    const answer = await probe.ask(route, { ...at, issue_number: issue }, signal)
    const { number, html_url: url } = decode(answer, issueSchema, `${repo}#${issue}`)
    return { number, url, scratch: false }
  }
  const title = `bzzz doctor: a scratch issue, closed by itself (${randomBytes(4).toString('hex')})`
  const body =
    'Made by `bzzz doctor --live` to find out what this GitHub allows. It can be deleted.'
  let made: number | undefined
  scratch.note({
    get what() {
      return made === undefined ? `the issue "${title}" of ${repo}` : `the issue ${repo}#${made}`
    },
    get next() {
      const number = String(made ?? 'NUMBER')
      const typed = typedCall({
        apiUrl,
        repo,
        gh: ['issue', 'close', number],
        method: 'PATCH',
        path: `issues/${number}`,
        body: { state: 'closed' },
      })
      return made === undefined ? `If it is among the open issues: ${typed}` : typed
    },
    async remove(inner) {
      const number = made ?? (await numberOf(title, { probe, at }, inner))
      if (number === undefined) return
      const closed = { issue_number: number, state: 'closed', state_reason: 'not_planned' }
      const route = 'PATCH /repos/{owner}/{repo}/issues/{issue_number}'
      await gone(probe.ask(route, { ...at, ...closed }, inner))
    },
  })
  const route = 'POST /repos/{owner}/{repo}/issues'
  const answer = await probe.ask(route, { ...at, title, body }, signal)
  const { number, html_url: url } = decode(answer, issueSchema, `an issue in ${repo}`)
  made = number
  return { number, url, scratch: true }
}

/** Of an issue whose number was never heard, because the answer was lost; undefined when it was not made. */
async function numberOf(
  title: string,
  { probe, at }: { probe: Probe; at: { owner: string; repo: string } },
  signal: AbortSignal,
): Promise<number | undefined> {
  const newest = { state: 'open', sort: 'created', direction: 'desc', per_page: 100 }
  const answer = await probe.ask('GET /repos/{owner}/{repo}/issues', { ...at, ...newest }, signal)
  const listed = decode(answer, issuesSchema, 'the list of issues')
  return listed.find((one) => one.title === title)?.number
}

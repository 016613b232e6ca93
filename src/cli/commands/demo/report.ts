/**
 * What became of the demo, looked at from outside: the forge's own answers (pull requests, labels,
 * comments) and the journals that the observer replicated, not what agents say of themselves.
 */
import { z } from 'zod'
import type { HelpTree } from '../../../help/index.ts'
import type { JournalInfo, Verification } from '../../../journal/index.ts'
import type { TaskRow } from '../../../tasks/index.ts'
import { explain } from '../../../util/index.ts'
import { castOf } from './cast.ts'
import { helpRows, type HelpRow } from './helped.ts'
import { repo, type Stage, type StagedIssue } from './stage.ts'

export interface Report {
  agents: {
    name: string
    peerId: string
    journal: { key: string; length: number }
    tasks: number
  }[]
  tasks: TaskRow[]
  /** Claims that were lost in a race. */
  contention: number
  /** Issues that were solved with a peer's help. */
  help: HelpRow[]
  /** Journals of agents here in full; those of them whose every entry was verified. */
  journals: { replicated: number; verified: number }
  /** What did not end as expected; empty when all is well. */
  problems: string[]
}

const pullsSchema = z.array(
  z.object({
    number: z.number(),
    state: z.string(),
    body: z.string().nullable(),
    head: z.object({ ref: z.string() }),
  }),
)
const issueSchema = z.object({
  labels: z.array(z.object({ name: z.string() })),
  comments: z.number(),
})

export interface ReportInit {
  names: readonly string[]
  rows: TaskRow[]
  contention: number
  journals: JournalInfo[]
  /** All requests for help that the journals here tell of. */
  trees: HelpTree[]
  verifications: Verification[]
}

export async function report(
  stage: Stage,
  init: ReportInit,
  signal?: AbortSignal,
): Promise<Report> {
  const pulls = pullsSchema.parse(
    await stage.read(`/repos/${repo}/pulls?state=all&per_page=100`, signal),
  )
  const problems: string[] = []
  for (const issue of stage.issues)
    problems.push(...(await judge(stage, issue, init.rows, pulls, signal)))
  const theirs = journalsOf(init)
  const verified = init.verifications.filter(({ ok, agent }) => ok && init.names.includes(agent))
  for (const name of init.names) {
    if (!theirs.some(({ agent }) => agent === name))
      problems.push(`the journal of ${name} did not reach the observer`)
  }
  for (const { agent, ok, problems: faults } of init.verifications) {
    if (!ok) problems.push(`the journal of ${agent} does not verify: ${faults.join('; ')}`)
  }
  const help = helpOf(init)
  problems.push(...judgeHelp(stage.issues, help, castOf(init.names).hops))
  return {
    agents: agentsOf(init),
    tasks: init.rows,
    contention: init.contention,
    help,
    journals: {
      replicated: theirs.filter(({ available, length }) => available === length).length,
      verified: verified.length,
    },
    problems,
  }
}

/** What is known when the demo cannot go on: nothing was looked at from outside, and nothing verified. */
export function reportSoFar(init: Omit<ReportInit, 'verifications'>, error: unknown): Report {
  const full = journalsOf(init).filter(({ available, length }) => available === length)
  return {
    agents: agentsOf(init),
    tasks: init.rows,
    contention: init.contention,
    help: helpOf(init),
    journals: { replicated: full.length, verified: 0 },
    problems: [`the demo did not end: ${explain(error)}`],
  }
}

const journalsOf = ({ journals, names }: Pick<ReportInit, 'journals' | 'names'>) =>
  journals.filter((journal) => !journal.own && names.includes(journal.agent))

function agentsOf(init: Omit<ReportInit, 'verifications'>): Report['agents'] {
  return journalsOf(init).map(({ agent, peerId, key, length }) => ({
    name: agent,
    peerId,
    journal: { key, length },
    tasks: init.rows.filter((row) => row.agent === agent && hasPull(row)).length,
  }))
}

function helpOf(init: Omit<ReportInit, 'verifications'>): HelpRow[] {
  const names = new Map(journalsOf(init).map(({ peerId, agent }) => [peerId, agent]))
  return helpRows(init.trees, (peerId) => names.get(peerId) ?? peerId)
}

function judgeHelp(
  issues: readonly StagedIssue[],
  help: readonly HelpRow[],
  hops: number,
): string[] {
  if (hops === 0) return []
  return issues
    .filter(({ helped }) => helped)
    .flatMap(({ number, title }) => {
      const what = `issue #${number} (${title})`
      const found = help.find(({ issue }) => issue === number)
      if (found === undefined) return [`${what} was not solved with a peer's help`]
      const { helper, hop } = found
      return hop === hops ? [] : [`${what} was helped by ${helper} at hop ${hop}, not ${hops}`]
    })
}

async function judge(
  stage: Stage,
  issue: StagedIssue,
  rows: readonly TaskRow[],
  pulls: z.infer<typeof pullsSchema>,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const what = `issue #${issue.number} (${issue.title})`
  const state = rows.find((row) => row.issue === issue.number)?.state ?? 'unseen'
  const end = state === 'review' ? 'done' : state
  const problems = end === issue.expect ? [] : [`${what} is ${state}, not ${issue.expect}`]
  const own = pulls.filter(({ body }) =>
    new RegExp(`^Closes #${issue.number}$`, 'm').test(body ?? ''),
  )
  const wanted = issue.expect === 'done' || issue.expect === 'merged' ? 1 : 0
  if (own.length !== wanted) problems.push(`${what} has ${own.length} pull requests, not ${wanted}`)
  if (issue.expect !== 'failed') return problems
  const { labels, comments } = issueSchema.parse(
    await stage.read(`/repos/${repo}/issues/${issue.number}`, signal),
  )
  if (!labels.some(({ name }) => name === 'bzzz:failed'))
    problems.push(`${what} has no label bzzz:failed`)
  if (comments === 0) problems.push(`${what} has no comment that says what was tried`)
  return problems
}

/** States in which an issue is where it was meant to end, or can get nowhere else. */
export function isSettled(issue: StagedIssue, rows: readonly TaskRow[]): boolean {
  const state = rows.find((row) => row.issue === issue.number)?.state
  if (issue.expect === 'merged' && (state === 'done' || state === 'review')) return false
  return ended.has(state ?? '') || (state === 'waiting' && issue.expect === 'waiting')
}

const ended: ReadonlySet<string> = new Set([
  'done',
  'review',
  'merged',
  'closed',
  'failed',
  'cancelled',
])

/** The work is there to be looked at, or was taken. */
export const hasPull = ({ state }: Pick<TaskRow, 'state'>): boolean =>
  state === 'done' || state === 'review' || state === 'merged'

/**
 * Which issues are tasks, and for whom. Pure: an issue, the policy and what peers announce come
 * in; a verdict with its reason goes out. Nothing here decides a claim; it only spares attempts.
 */
import type { Issue } from '../github/github.ts'

/** What is known of a peer (or of oneself) when load is spread. */
export interface Candidate {
  peerId: string
  name: string
  login?: string
  /** Every word that `needs:` may ask for: tags, tools, languages, executors, models, "gpu". Lower case. */
  offers: ReadonlySet<string>
  repositories: readonly string[]
  freeSlots: number
  /** All slots; absent where it is not known, as are the following. */
  slots?: number
  /** Kinds of its executors: `command` does chores, any other prose. */
  kinds?: ReadonlySet<string>
  /** 1-minute load average, and cores. */
  load1?: number
  cores?: number
  /** Bytes. */
  memory?: { free: number; total: number }
}

export type Verdict =
  | { is: 'eligible' }
  | { is: 'skip'; reason: string }
  /** Eligible, but nobody who is connected has what it needs. */
  | { is: 'waiting'; reason: string }

export interface IntakeRules {
  trigger: string
  failed: string
  /** Of what a person stopped. Default: there is no such label. */
  stopped?: string
  requiredLabels: readonly string[]
  /** Logins of this mesh; every other assignee is a human or another system. */
  meshLogins: ReadonlySet<string>
}

const tryAgain = '; remove the label to try again'
/** Whether an agent leaves an issue alone only because it was marked as failed. */
export const saysFailed = (reason: string) => reason.endsWith(tryAgain)

/** Step 1 of the protocol, for the issue's own sake. */
export function eligible(issue: Issue, rules: IntakeRules): Verdict {
  const skip = (reason: string): Verdict => ({ is: 'skip', reason })
  const has = (label: string) =>
    issue.labels.some((other) => other.toLowerCase() === label.toLowerCase())
  if (!issue.open) return skip('closed')
  if (issue.isPull) return skip('a pull request')
  if (!has(rules.trigger)) return skip(`without the label ${rules.trigger}`)
  if (has(rules.failed)) return skip(`labelled ${rules.failed}${tryAgain}`)
  if (rules.stopped !== undefined && has(rules.stopped))
    return skip(`stopped by a person (label ${rules.stopped})`)
  const missing = rules.requiredLabels.filter((label) => !has(label))
  if (missing.length > 0)
    return skip(`without the label ${missing.join(', ')} that WORKFLOW.md requires`)
  const foreign = foreignAssignees(issue, rules.meshLogins)
  if (foreign.length > 0) return skip(`assigned to ${foreign.join(', ')}`)
  return { is: 'eligible' }
}

export function foreignAssignees(issue: Issue, meshLogins: ReadonlySet<string>): string[] {
  return issue.assignees.filter((login) => !meshLogins.has(login.toLowerCase()))
}

/**
 * Place of an issue by its labels, lower first: its index in `order` (highest priority first), or
 * between the two halves of it without such a label. A label may be the word itself or
 * `priority:WORD`; `priority:high` and `priority:low` are always understood, as the two ends. Of
 * several labels the highest counts; case does not matter.
 */
export function priorityOf(labels: readonly string[], order: readonly string[]): number {
  const words = order.map((word) => word.toLowerCase())
  const middle = Math.ceil(words.length / 2) - 0.5
  const ends = new Map([
    ['priority:high', Math.min(0, middle - 0.5)],
    ['priority:low', Math.max(words.length - 1, middle + 0.5)],
  ])
  const places = labels.flatMap((label) => {
    const word = label.toLowerCase().replace(/^priority:\s+/, 'priority:')
    const place = words.findIndex((other) => word === other || word === `priority:${other}`)
    return place >= 0 ? [place] : (ends.get(word) ?? [])
  })
  return places.length === 0 ? middle : Math.min(...places)
}

/** What of `needs` the candidate lacks. */
export function lacking(needs: readonly string[], candidate: Candidate): string[] {
  return needs.filter((need) => !candidate.offers.has(need))
}

/** Why nothing new is taken in the repository, if it is paused; `everywhere`: for the whole mesh. */
export function pausedBy(
  { paused = [] }: { paused?: readonly string[] },
  repo: string,
  policy: { paused?: string },
): { reason: string; everywhere: boolean } | undefined {
  if (policy.paused !== undefined) {
    const said = policy.paused === '' ? '' : `: ${policy.paused}`
    return { reason: `paused by WORKFLOW.md${said}`, everywhere: true }
  }
  const here = paused.some((name) => name.toLowerCase() === repo.toLowerCase())
  return here ? { reason: 'paused by github.paused of this agent', everywhere: false } : undefined
}

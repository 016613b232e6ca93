/**
 * What must be asked before an issue is tried: whether it was made a task by somebody who may do
 * that, and whether it waits for other issues. Asked only for what is about to be tried, and
 * remembered, so that polling costs nothing.
 *
 * GitHub lets only people with triage permission label an issue, with one exception: an issue form
 * sets its labels in the name of whoever opens the issue. So the actor of the label is looked at.
 * Of two no permission need be asked: the user who owns the repository, and the token's own login.
 */
import { hasCode, RecentMap, type Clock, type Logger } from '../../util/index.ts'
import type { Feature, GateCalls } from '../github/gate-calls.ts'
import { createDossiers, trustMs } from './dossiers.ts'
import type { GitHub, Issue } from '../github/github.ts'

/** Whose word makes an issue a task: who set the label, who opened the issue, or anyone's. */
type Trust = 'label' | 'author' | 'anyone'

type GateVerdict =
  { is: 'open' } | { is: 'untrusted'; reason: string } | { is: 'blocked'; reason: string }

export interface Gates {
  /**
   * The issue as it stands now, with all that `ask` needs by one query where GraphQL answers, and else
   * by REST. Errors: those of GitHub.
   */
  issue(repo: string, number: number, signal: AbortSignal): Promise<Issue>
  /** Errors: those of GitHub. */
  ask(repo: string, issue: Issue, signal: AbortSignal): Promise<GateVerdict>
  /**
   * Which of the logins, of earlier holders, were assigned after the last of them had let go (`since`, ms): by
   * a person who has the account, too. Errors: those of GitHub.
   */
  takenSince?(
    repo: string,
    issue: Issue,
    held: { logins: readonly string[]; since: number },
    signal: AbortSignal,
  ): Promise<string[]>
  /** Whether the last answer for the issue was another than open. */
  barred(repo: string, issue: number): boolean
  /**
   * The issue is not open any more, or something else about it changed: what waits for it is asked
   * about again at its next turn, and not when its pause ends. Returns the repositories that hold such issues.
   */
  changed(repo: string, issue: number): string[]
}

export interface GatesInit {
  trigger: string
  /** Whose word makes an issue a task. */
  trust: Trust
  /** Pause before a blocked issue is asked about again, ms; a function is asked each time. */
  pollMs: number | ((repo: string) => number)
}

/** Answers that are kept; the oldest go first. */
const maxKept = 5_000
/** How long a forge that lacks a feature is not asked for it again, ms. */
const featureMs = 60 * 60_000
/** What an agent's clock and GitHub's may differ by, and an own assignment come late by, ms. */
const lateMs = 5 * 60_000
/** Blocked issues of a repository that are looked at again in one turn. */
const againPerTurn = 10

interface Block {
  repo: string
  /** Monotonic ms of the last look. */
  at: number
  /** What of the issue the answer stood on. */
  as: string
  reason: string
  /** What it waits for, as `owner/name#4` in lower case. */
  by: ReadonlySet<string>
}

export interface GatesComponents {
  github: Pick<GitHub, 'issue'> & { gates: GateCalls }
  clock: Clock
  logger?: Pick<Logger, 'debug'>
  /**
   * Login that the token belongs to, null while it is unknown: a repository is worked only after
   * GitHub said that this login may push, which is more than triage. Default: nobody's.
   */
  own?: () => string | null
}

export function createGates(
  { trigger, trust, pollMs }: GatesInit,
  { github, clock, logger, own = () => null }: GatesComponents,
): Gates {
  const verdicts = new RecentMap<string, { until: number; reason: string | undefined }>(maxKept)
  const people = new RecentMap<string, { until: number; may: boolean }>(maxKept)
  const lacking = new RecentMap<string, number>(maxKept)
  const blocked = new RecentMap<string, Block>(maxKept)
  const assigned = new RecentMap<string, number>(maxKept)
  const barred = new RecentMap<string, true>(maxKept)
  const ask = github.gates.dossier
  const dossiers = createDossiers({ label: trigger }, { ask, clock, logger })

  async function mayTriage(
    repo: string,
    { url }: Issue,
    login: string,
    signal: AbortSignal,
  ): Promise<boolean> {
    if ([own(), ownerOf(url)].some((sure) => sure?.toLowerCase() === login.toLowerCase()))
      return true
    if (login === '') return false
    if (dossiers.triages(repo, login)) return true
    const key = `${repo} ${login}`.toLowerCase()
    const known = people.get(key)
    if (known !== undefined && known.until > clock.monotonic()) return known.may
    const may = await github.gates.mayTriage(repo, login, signal)
    people.set(key, { may, until: clock.monotonic() + trustMs })
    return may
  }

  async function distrust(
    repo: string,
    issue: Issue,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const opened = async () =>
      (await mayTriage(repo, issue, issue.author, signal))
        ? undefined
        : `untrusted: opened by ${issue.author}, who may not triage`
    if (trust === 'author') return opened()
    const told = (await dossiers.about(repo, issue, signal))?.labeledBy ?? 'unknown'
    const by =
      told === 'unknown' ? await github.gates.labeledBy(repo, issue.number, trigger, signal) : told
    // Without an event the label came with the issue.
    if (by === undefined || by === 'nobody') return opened()
    if (by.bot || (await mayTriage(repo, issue, by.login, signal))) return undefined
    return `untrusted: ${trigger} was set by ${by.login}, who may not triage`
  }

  async function untrusted(repo: string, issue: Issue, signal: AbortSignal) {
    if (trust === 'anyone') return undefined
    const key = `${repo}#${issue.number} ${issue.updatedAt}`
    const known = verdicts.get(key)
    if (known !== undefined && known.until > clock.monotonic()) return known.reason
    const reason = await distrust(repo, issue, signal)
    verdicts.set(key, { reason, until: clock.monotonic() + trustMs })
    return reason
  }

  async function before(repo: string, issue: Issue, feature: Feature, signal: AbortSignal) {
    const none = feature === 'dependencies' ? issue.waitsFor : issue.openParts
    const key = `${feature} ${repo}`
    if (none === 0 || (lacking.get(key) ?? -Infinity) > clock.monotonic()) return []
    const told = dossiers.fresh(repo, issue)?.before?.[feature]
    if (told !== undefined) return told
    try {
      return await github.gates.openBefore(repo, issue.number, feature, signal)
    } catch (error) {
      if (!hasCode(error, 'GITHUB_NOT_FOUND')) throw error
      // Only when the issue itself is there is it the feature that is not.
      await github.issue(repo, issue.number, signal)
      lacking.set(key, clock.monotonic() + featureMs)
      return []
    }
  }

  async function waiting(repo: string, issue: Issue, signal: AbortSignal) {
    const key = `${repo}#${issue.number}`
    const { updatedAt, waitsFor, blockedBy, openParts } = issue
    const as = JSON.stringify([updatedAt, waitsFor, blockedBy, openParts])
    const known = blocked.get(key)
    if (known?.as === as) {
      const many = [...blocked.values()].filter((one) => one.repo === repo).length
      const every = typeof pollMs === 'number' ? pollMs : pollMs(repo)
      const pause = every * (Math.ceil(many / againPerTurn) - 0.5)
      if (clock.monotonic() - known.at < pause) return known.reason
    }
    const blockers = await before(repo, issue, 'dependencies', signal)
    const parts = blockers.length > 0 ? [] : await before(repo, issue, 'sub-issues', signal)
    if (blockers.length + parts.length === 0) {
      blocked.delete(key)
      return undefined
    }
    const reason =
      blockers.length > 0 ? `blocked by ${some(blockers)}` : `has open sub-issues ${some(parts)}`
    const by = new Set([...blockers, ...parts].map((name) => fullName(repo, name)))
    blocked.set(key, { repo, at: clock.monotonic(), as, reason, by })
    return reason
  }

  async function judge(repo: string, issue: Issue, signal: AbortSignal): Promise<GateVerdict> {
    const doubt = await untrusted(repo, issue, signal)
    if (doubt !== undefined) return { is: 'untrusted', reason: doubt }
    const reason = await waiting(repo, issue, signal)
    return reason === undefined ? { is: 'open' } : { is: 'blocked', reason }
  }

  return {
    async issue(repo, number, signal) {
      const dossier = trust === 'anyone' ? undefined : await dossiers.ask(repo, number, signal)
      return dossier?.issue ?? github.issue(repo, number, signal)
    },
    async ask(repo, issue, signal) {
      const verdict = await judge(repo, issue, signal)
      const key = `${repo}#${issue.number}`
      if (verdict.is === 'open') barred.delete(key)
      else barred.set(key, true)
      return verdict
    },
    async takenSince(repo, issue, { logins, since }, signal) {
      const taken: string[] = []
      for (const login of logins) {
        const key = `${repo}#${issue.number} ${issue.updatedAt} ${login}`
        const known = assigned.get(key)
        const at =
          known ?? (await github.gates.assignedAt?.(repo, issue.number, login, signal)) ?? 0
        assigned.set(key, at)
        if (at > since + lateMs) taken.push(login)
      }
      return taken
    },
    barred: (repo, issue) => barred.has(`${repo}#${issue}`),
    changed(repo, issue) {
      const name = fullName(repo, `#${issue}`)
      const waiting = [...blocked].filter(([key, { by }]) => by.has(name) || key === name)
      for (const [key, block] of waiting) blocked.set(key, { ...block, at: -Infinity })
      return [...new Set(waiting.map(([, block]) => block.repo))]
    },
  }
}

const fullName = (repo: string, name: string) =>
  (name.startsWith('#') ? `${repo}${name}` : name).toLowerCase()

/** By GitHub's own address of the issue, which also names the new owner of a repository that moved. */
const ownerOf = (url: string) => /\/([\w.-]{1,100})\/[\w.-]{1,100}\/issues\/\d+$/.exec(url)?.[1]

const some = (names: readonly string[]) =>
  names.length > 10
    ? `${names.slice(0, 10).join(', ')} and ${names.length - 10} more`
    : names.join(', ')

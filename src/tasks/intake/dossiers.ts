/**
 * What GraphQL told of issues and people, so that a question is asked once, and where it is not to be
 * asked: absent, refused or out of points. Then REST is asked as before, which costs more calls.
 */
import { explain, hasCode, RecentMap, type Clock, type Logger } from '../../util/index.ts'
import { TasksError } from '../errors.ts'
import type { AskDossier, Why } from '../github/dossier.ts'
import type { Dossier } from '../github/dossier-query.ts'
import type { Issue } from '../github/github.ts'

export interface Dossiers {
  /** Asks anew; undefined: ask by REST. */
  ask(repo: string, number: number, signal: AbortSignal): Promise<Dossier | undefined>
  /** As last asked about the issue in this form, or asks; undefined: ask by REST. */
  about(repo: string, issue: Issue, signal: AbortSignal): Promise<Dossier | undefined>
  /** Of what was asked a moment ago; what stands before an issue changes without a trace in it. */
  fresh(repo: string, issue: Issue): Dossier | undefined
  /** Whether the login is known to triage. No is no proof: a list can be cut, or hide people. */
  triages(repo: string, login: string): boolean
}

/** How long an answer about people or a label counts, ms. */
export const trustMs = 10 * 60_000
/** How long what stands before an issue counts, ms. */
const freshMs = 5_000
/** How long a server that lacks something is not asked for it again, ms. */
const lackMs = 60 * 60_000
/** How long GraphQL is left alone after it did not answer, ms. */
const awayMs = 5 * 60_000
/** Dossiers that are kept; they hold the issues' texts. */
const maxDossiers = 200
/** Repositories of which something is remembered: no configuration has more. */
const maxRepos = 1_000

interface Standing {
  /** Times are monotonic ms: until when not to ask at all, for the newest fields, for people. */
  none: number
  old: number
  unseen: number
  people: { logins: ReadonlySet<string>; until: number }
}

export function createDossiers(
  { label }: { label: string },
  {
    ask,
    clock,
    logger,
  }: { ask: AskDossier | undefined; clock: Clock; logger?: Pick<Logger, 'debug'> | undefined },
): Dossiers {
  const known = new RecentMap<string, { dossier: Dossier; until: number }>(maxDossiers)
  const standings = new RecentMap<string, Standing>(maxRepos)
  const now = () => clock.monotonic()

  function standingOf(repo: string): Standing {
    const key = repo.toLowerCase()
    const people = { logins: new Set<string>(), until: -Infinity }
    const found = standings.get(key) ?? {
      none: -Infinity,
      old: -Infinity,
      unseen: -Infinity,
      people,
    }
    standings.set(key, found)
    return found
  }

  async function query(repo: string, number: number, signal: AbortSignal) {
    if (ask === undefined) return undefined
    const at = standingOf(repo)
    // Twice: once more without what the server turned out to lack.
    for (let tries = 0; tries < 2 && at.none <= now(); tries += 1) {
      const newest = at.old <= now()
      const people = at.people.until <= now() && at.unseen <= now()
      try {
        const dossier = await ask(repo, number, { label, people, newest }, signal)
        if (dossier.people !== undefined)
          at.people = { logins: dossier.people, until: now() + trustMs }
        else if (people) at.unseen = now() + lackMs
        known.set(keyOf(repo, dossier.issue), { dossier, until: now() + trustMs })
        return dossier
      } catch (error) {
        if (!(error instanceof TasksError) || !hasCode(error, 'QUERY_REFUSED')) throw error
        logger?.debug({ event: 'github.query', repo, err: explain(error) }, 'REST is asked instead')
        if (error.data['why'] === 'fields' && newest) at.old = now() + lackMs
        else {
          at.none = now() + pauseAfter(error, clock.now())
          break
        }
      }
    }
    return undefined
  }

  return {
    ask: query,
    async about(repo, issue, signal) {
      const found = known.get(keyOf(repo, issue))
      if (found !== undefined && found.until > now()) return found.dossier
      return query(repo, issue.number, signal)
    },
    fresh(repo, issue) {
      const found = known.get(keyOf(repo, issue))
      return found !== undefined && found.until - trustMs + freshMs > now()
        ? found.dossier
        : undefined
    },
    triages(repo, login) {
      const { logins, until } = standingOf(repo).people
      return until > now() && logins.has(login.toLowerCase())
    },
  }
}

/** For how long GraphQL is not asked, ms: not at all where the matter is this one issue's. Pure. */
export function pauseAfter({ data }: TasksError, wall: number): number {
  const why = data['why'] as Why
  if (why === 'issue' || why === 'cut') return 0
  if (why === 'away') return awayMs
  const reset = Number(data['resetAtMs'])
  if (why !== 'limit' || !Number.isFinite(reset)) return why === 'limit' ? awayMs : lackMs
  return Math.min(lackMs, Math.max(0, reset - wall))
}

const keyOf = (repo: string, { number, updatedAt }: Issue) =>
  `${repo.toLowerCase()}#${number} ${updatedAt}`

/**
 * Asks for a dossier, and says in one code why there is none: then REST answers the same in several
 * calls. What became of it belongs to who asked; see `intake/dossiers.ts`.
 */
import { z } from 'zod'
import { hasCode } from '../../util/index.ts'
import { TasksError } from '../errors.ts'
import { dossierOf, dossierQuery, dossierSchema, type Dossier } from './dossier-query.ts'
import { asTasksError } from './errors.ts'
import type { Allowance } from './limits.ts'

export interface DossierInit {
  /** The trigger label. */
  label: string
  /** Whether to ask for the people who may triage, too. */
  people: boolean
  /** Whether to ask for what old servers lack. */
  newest: boolean
}

/**
 * Errors: `QUERY_REFUSED`, `data.why`: `fields` (the schema lacks some), `limit` (until
 * `data.resetAtMs`, when known), `issue` (there is none to be seen), `cut` (more than the query
 * shows), `refused`, `away` (no answer). Only an abort is told as itself.
 */
export type AskDossier = (
  repo: string,
  number: number,
  init: DossierInit,
  signal: AbortSignal,
) => Promise<Dossier>

export type Why = 'fields' | 'limit' | 'issue' | 'cut' | 'refused' | 'away'

export interface DossierComponents {
  /** Throws what octokit throws. */
  graphql: (
    repo: string,
  ) => (query: string, variables: Record<string, unknown>, signal: AbortSignal) => Promise<unknown>
  /** Whether GraphQL's own limit allows for it. */
  mayQuery: () => Allowance
  /** Errors: `GITHUB_NOT_FOUND` when the answer is about another issue. */
  mustBe: (
    repo: string,
    number: number,
    answer: { number: number; at: string },
    signal: AbortSignal,
  ) => Promise<void>
}

const failureSchema = z.object({
  errors: z
    .array(
      z.object({
        message: z.string(),
        type: z.string().nullish(),
        path: z.array(z.union([z.string(), z.number()])).nullish(),
        extensions: z.object({ code: z.string().nullish() }).nullish(),
      }),
    )
    .min(1)
    .max(100),
  data: z.unknown(),
})
type Failure = z.infer<typeof failureSchema>

export function createDossiers({ graphql, mayQuery, mustBe }: DossierComponents): AskDossier {
  return async (repo, number, { label, people, newest }, signal) => {
    const may = mayQuery()
    if (may.is === 'wait') throw refused('limit', may.reason, { resetAtMs: may.untilMs })
    const [owner = '', name = ''] = repo.split('/')
    const variables = { owner, name, number, people }
    const answer = await graphql(repo)(dossierQuery(newest), variables, signal).catch(
      (error: unknown) => {
        const failure = failureSchema.safeParse(error).data
        if (failure === undefined || signal.aborted) throw asRefusal(error)
        if (failure.errors.every(isAboutPeople)) return failure.data
        throw judged(failure)
      },
    )
    const decoded = dossierSchema.safeParse(answer)
    if (!decoded.success) {
      const at = decoded.error.issues[0]?.path.join('.') ?? ''
      throw refused('refused', `GraphQL answered in an unknown form at "${at}"`)
    }
    const dossier = dossierOf(decoded.data, { repo, label })
    if (dossier === undefined) throw refused('cut', `${repo}#${number} has too many labels`)
    await mustBe(repo, number, { number: dossier.issue.number, at: dossier.at }, signal)
    return dossier
  }
}

/** The collaborators were kept from us; the rest of the answer stands. */
const isAboutPeople = ({ path }: Failure['errors'][number]) =>
  path?.[0] === 'repository' && path[1] === 'collaborators'

function judged({ errors }: Failure): TasksError {
  const said = errors.map(({ message }) => message).join('; ')
  const some = (test: (error: Failure['errors'][number]) => boolean) => errors.some(test)
  if (some(({ type }) => type === 'RATE_LIMITED')) return refused('limit', said)
  if (some(({ type, extensions }) => [type, extensions?.code].includes('undefinedField')))
    return refused('fields', said)
  const about = some(({ type, path }) => type === 'NOT_FOUND' && path?.[1] === 'issue')
  return refused(about ? 'issue' : 'refused', said)
}

function asRefusal(error: unknown): Error {
  const coded = asTasksError(error, 'POST /graphql', {})
  if (hasCode(coded, 'ABORTED') || !(coded instanceof TasksError)) return coded
  if (coded.code === 'GITHUB_RATE_LIMITED')
    return refused('limit', coded.message, { resetAtMs: coded.data['resetAtMs'] })
  const away = coded.code === 'GITHUB_UNREACHABLE' || hasCode(error, 'DEADLINE')
  return refused(away ? 'away' : 'refused', coded.message)
}

const refused = (why: Why, reason: string, data: Record<string, unknown> = {}) =>
  new TasksError(
    'QUERY_REFUSED',
    `GraphQL did not answer for an issue (${reason.slice(0, 300)}).`,
    {
      data: { why, ...data },
      next: 'Nothing: REST is asked instead.',
    },
  )

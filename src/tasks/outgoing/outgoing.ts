/**
 * The gate of all that is written to GitHub. Every REST and GraphQL call goes through `github/github.ts`,
 * every git command against the remote through `claim/remote.ts`; these two ask here first. In a dry run
 * no write passes, whoever asks for it; otherwise texts lose what looks like a secret.
 */
import type { Logger } from '../../util/index.ts'
import { TasksError } from '../errors.ts'

export interface OutgoingInit {
  dryRun: boolean
}

export interface OutgoingComponents {
  logger: Logger
  /** Takes secrets out of a text. */
  mask: (text: string, signal?: AbortSignal) => Promise<string>
}

export interface Outgoing {
  readonly dryRun: boolean
  /** The parameters to send. Errors: `DRY_RUN` for what is no reading. */
  rest(
    route: string,
    parameters: Record<string, unknown>,
    signal: AbortSignal,
  ): Promise<Record<string, unknown>>
  /** Errors: `DRY_RUN` for what is no query. */
  graphql(query: string): void
  /** Errors: `DRY_RUN` for what is no fetch or listing. */
  git(args: readonly string[]): void
}

const READING_ROUTE = /^(?:GET|HEAD) /
const READING_COMMANDS = new Set(['fetch', 'ls-remote'])
/** Parameters that people read. */
const TEXTS = ['title', 'body', 'commit_title', 'commit_message', 'description']

/** Lets everything pass: for measurements and tests. */
export const openGate: Outgoing = {
  dryRun: false,
  rest: (_, parameters) => Promise.resolve(parameters),
  graphql: () => undefined,
  git: () => undefined,
}

export function createOutgoing(
  { dryRun }: OutgoingInit,
  { logger, mask }: OutgoingComponents,
): Outgoing {
  function refuse(what: string): never {
    logger.info({ event: 'dry-run', what }, `dry run: not done: ${what}`)
    throw new TasksError('DRY_RUN', `This is a dry run: ${what} was not done.`, {
      data: { what },
      next: 'Start the agent without --dry-run.',
    })
  }

  return {
    dryRun,
    async rest(route, parameters, signal) {
      if (READING_ROUTE.test(route)) return parameters
      if (dryRun) refuse(filled(route, parameters))
      const texts = TEXTS.flatMap((name) => {
        const text = parameters[name]
        return typeof text === 'string' && text !== '' ? [[name, text] as const] : []
      })
      const masked = await Promise.all(
        // A text that was cut within a character holds half of it, which GitHub refuses.
        texts.map(
          async ([name, text]) => [name, (await mask(text, signal)).toWellFormed()] as const,
        ),
      )
      return { ...parameters, ...Object.fromEntries(masked) }
    },
    graphql(query) {
      const name = /^\s*(?:#[^\n]*\s*)*(\w+)?/.exec(query)?.[1]
      if (dryRun && name !== undefined && name !== 'query' && name !== 'fragment')
        refuse(`GraphQL ${name}`)
    },
    git(args) {
      const command = args.find((arg) => !arg.startsWith('-')) ?? ''
      if (!dryRun || READING_COMMANDS.has(command)) return
      refuse(`git ${command} ${args.filter((arg) => arg.includes(':refs/')).join(' ')}`)
    },
  }
}

/** `POST /repos/{owner}/{repo}/issues/{issue_number}/labels` with what is known in its place. */
function filled(route: string, parameters: Record<string, unknown>): string {
  return route.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = parameters[name]
    return typeof value === 'string' || typeof value === 'number' ? String(value) : whole
  })
}

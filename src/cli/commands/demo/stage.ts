/** The demo's stage: a directory, a forge with a repository and its issues, and accounts. */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { forge, type Forge } from '../../../forge/index.ts'
import type { Processes } from '../../../process/index.ts'
import type { Logger } from '../../../util/index.ts'
import { createCall } from './call.ts'

export const repo = 'octo/tidy-text'
const maintainer = 'octo'

const issuesSchema = z
  .array(
    z.strictObject({
      title: z.string().min(1).max(200),
      body: z.string().max(60_000),
      labels: z.array(z.string()).min(1),
      /** How it must end: shown at the end, and the exit code of `--once`. */
      expect: z.enum(['done', 'merged', 'failed', 'waiting']),
      /** What the maintainer asks for in a review of the pull request, before merging it. */
      review: z.string().max(60_000).optional(),
      /** Title of an issue before this one that it waits for. */
      blockedBy: z.string().max(200).optional(),
      /** Who takes it cannot finish it: it is done with the help of a peer. */
      helped: z.boolean().default(false),
    }),
  )
  .min(1)

export interface StagedIssue {
  number: number
  title: string
  /** `done`: with a pull request. */
  expect: 'done' | 'merged' | 'failed' | 'waiting'
  review?: string
  helped: boolean
}

export interface Stage {
  forge: Forge
  issues: StagedIssue[]
  /** The maintainer labels the issues, and with that they are tasks. */
  open: (signal: AbortSignal) => Promise<void>
  /** Token of the account that works under this name. */
  tokens: ReadonlyMap<string, string>
  /** Of the maintainer, to look at the result from outside. */
  read: (path: string, signal?: AbortSignal) => Promise<unknown>
  /** By the maintainer. */
  write: (
    method: 'POST' | 'PUT',
    path: string,
    body: object,
    signal?: AbortSignal,
  ) => Promise<unknown>
}

export async function setStage(
  init: {
    dir: string
    examples: string
    names: readonly string[]
    onForge: (forge: Forge) => void
  },
  { processes, logger }: { processes: Processes; logger: Logger },
  signal: AbortSignal,
): Promise<Stage> {
  const token = () => randomBytes(20).toString('hex')
  const tokens = new Map(init.names.map((name) => [name, token()]))
  const own = token()
  const server = forge(
    {
      dir: join(init.dir, 'forge'),
      users: [
        { login: maintainer, token: own, role: 'admin' },
        ...[...tokens].map(([login, secret]) => ({ login, token: secret, role: 'push' as const })),
      ],
    },
    { processes, logger },
  )
  init.onForge(server)
  await server.start()
  const [owner = '', name = ''] = repo.split('/')
  const description = 'Small tools for tidy text: the sample repository of the Bzzz demo.'
  await server.createRepository({
    owner,
    name,
    description,
    from: join(init.examples, 'sample-repo'),
  })

  const call = createCall({ apiUrl: server.apiUrl, token: own })
  const text = await readFile(join(init.examples, 'issues.yaml'), 'utf8')
  const issues: StagedIssue[] = []
  const ids = new Map<string, number>()
  const at = `/repos/${repo}/issues`
  const labelled: { number: number; labels: string[] }[] = []
  for (const staged of issuesSchema.parse(parse(text))) {
    const { expect, review, blockedBy, helped, labels, ...issue } = staged
    const { title } = issue
    const before = blockedBy === undefined ? undefined : ids.get(blockedBy)
    const made = z
      .object({ number: z.number(), id: z.number() })
      .parse(await call('POST', at, issue, signal))
    const { number, id } = made
    ids.set(title, id)
    labelled.push({ number, labels })
    if (before !== undefined)
      await call('POST', `${at}/${number}/dependencies/blocked_by`, { issue_id: before }, signal)
    issues.push({ number, title, expect, helped, ...(review === undefined ? {} : { review }) })
  }
  // What is to begin first is a task first.
  const rank = ({ labels }: { labels: string[] }) => Number(!labels.includes('priority:high'))
  return {
    forge: server,
    issues,
    async open(outer) {
      for (const { number, labels } of labelled.toSorted((one, other) => rank(one) - rank(other)))
        await call('POST', `${at}/${number}/labels`, { labels }, outer)
    },
    tokens,
    read: (path, outer) => call('GET', path, undefined, outer),
    write: call,
  }
}

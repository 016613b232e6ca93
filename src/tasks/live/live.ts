/**
 * `bzzz doctor --live`: finds out, on a scratch issue and on refs of its own, what a GitHub allows of
 * what claims need, and takes away what it made, also when it is stopped or fails.
 *
 *   issue ─► labels, assignment, relations, ETag ─► git and REST × own namespace and refs/heads ─► clean up
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import { explain, hasCode, throwIfAborted, withDeadline } from '../../util/index.ts'
import { createGitTransport, parseListing } from '../claim/git-transport.ts'
import { openRepository } from '../claim/repository.ts'
import { createRestTransport } from '../claim/rest-transport.ts'
import { TasksError } from '../errors.ts'
import { createProbe, type Probe } from '../github/probe.ts'
import { readOnly, sameSite } from '../look/place.ts'
import { decode } from './decode.ts'
import { delayed } from './ending.ts'
import * as issues from './issue-steps.ts'
import { headsPrefixOf, recommend } from './recommend.ts'
import { fence, move, race, type Found, type RefWay } from './ref-steps.ts'
import { createScratch } from './scratch.ts'
import { issueFor } from './scratch-issue.ts'
import type { LiveComponents, LiveInit, LiveReport, LiveStep } from './types.ts'

/** Limit of one step, ms: five pushes over a slow link. */
const stepMs = 120_000
/** What is under way when the probe is stopped may end for as long, ms. */
const endMs = 10_000
const label = 'bzzz-doctor'

const repositorySchema = z.object({
  clone_url: z.url(),
  permissions: z.object({ push: z.boolean() }).optional(),
})
const userSchema = z.object({ login: z.string().max(100) })

/**
 * Never rejects for what GitHub refuses, nor when it is stopped: that is in the report. Errors: those
 * of the local store of git.
 */
export async function probeLive(
  init: LiveInit,
  { git, onStep = () => undefined }: LiveComponents,
  signal: AbortSignal,
): Promise<LiveReport> {
  const { repo, apiUrl, refPrefix } = init
  const [owner = '', name = ''] = repo.split('/')
  const probe = createProbe(init)
  const scratch = createScratch()
  const steps: LiveStep[] = []
  const report: LiveReport = {
    repo,
    apiUrl,
    login: null,
    issue: null,
    steps,
    recommended: null,
    left: [],
    incomplete: null,
  }

  const ending = delayed(signal, endMs)

  async function step(id: string, title: string, find: (inner: AbortSignal) => Promise<Found>) {
    onStep(title)
    throwIfAborted(signal)
    const wait = { signal: ending.signal }
    const found = await withDeadline(title, stepMs, find, wait).catch((error: unknown) => {
      if (signal.aborted || hasCode(error, 'ABORTED')) throw error
      return { result: 'unknown' as const, seen: explain(error).replace(/\s+/g, ' ').slice(0, 300) }
    })
    steps.push({ id, title, ...found })
    throwIfAborted(signal)
  }

  try {
    const login =
      init.app?.login ??
      decode(await probe.ask('GET /user', {}, signal), userSchema, 'the token').login
    report.login = login
    const seen = await probe.ask('GET /repos/{owner}/{repo}', { owner, repo: name }, signal)
    const { clone_url: cloneUrl, permissions } = decode(seen, repositorySchema, repo)
    const lacks = init.app?.missing
    if (lacks !== undefined ? lacks.length > 0 : permissions?.push !== true)
      throw readOnly(repo, login, lacks === undefined ? undefined : [...lacks])
    const url = init.gitUrl === undefined ? cloneUrl : `${init.gitUrl}/${repo}.git`
    if (init.gitUrl === undefined && !sameSite(apiUrl, url))
      throw new TasksError(
        'GITHUB_ANSWER',
        `${repo} is to be cloned from another site than the API's.`,
        {
          next: 'If the token may go there, set github.gitUrl to that site.',
        },
      )
    throwIfAborted(signal)
    report.issue = await issueFor(init, { probe, scratch, owner, name }, ending.signal)
    const { number } = report.issue
    const on = { probe, scratch, owner, repo: name, number, login: init.assignee ?? login, apiUrl }
    await step('labels', 'set a label', (inner) => issues.labelStep(on, label, inner))
    await step('assign', 'assign oneself', (inner) => issues.assignStep(on, inner))
    await step('assign.drop', 'drop who cannot be assigned', (inner) => issues.dropStep(on, inner))
    await step('dependencies', 'issue dependencies', (inner) =>
      issues.relationStep(on, 'dependencies/blocked_by', inner),
    )
    await step('sub-issues', 'sub-issues', (inner) => issues.relationStep(on, 'sub_issues', inner))
    await step('etag', 'conditional requests', (inner) => issues.etagStep(on, inner))

    const store = { gitDir: join(init.dir, 'live.git'), url, token: init.token }
    const nonce = randomBytes(4).toString('hex')
    for (const [place, base] of [
      ['custom', refPrefix],
      ['heads', headsPrefixOf(refPrefix)],
    ] as const) {
      if (place === 'heads' && base === refPrefix) continue
      for (const transport of ['git', 'rest'] as const) {
        const id = `${transport}.${place}`
        const prefix = `${base.replace(/[^/]+\/$/, '')}doctor-${nonce}/${transport}/`
        const at = { ...store, refPrefix: prefix }
        const api = probe.refs(repo)
        const refs = await openRepository(at, {
          git,
          transport:
            transport === 'git'
              ? createGitTransport(at, { git })
              : createRestTransport(at, { git, api }),
        })
        const branch = `refs/heads/bzzz-doctor-${nonce}-${id.replace('.', '-')}`
        const what = transport === 'git' ? 'git push' : 'REST and updateRefs'
        const way: RefWay = { id, title: `${what}, ${base}`, refs, prefix }
        // Also what a transport sets down beside its refs.
        const patterns = [`${prefix.slice(0, -1)}*`, branch]
        const remove = remover({ git, ...store }, api, patterns)
        const next = `git ls-remote ${url} ${patterns.map((one) => `'${one}'`).join(' ')}, then git push ${url} :REF for each`
        scratch.note({ what: `refs below ${prefix} and ${branch}`, next, remove })
        await step(`${id}.race`, `${way.title}: race`, (inner) => race(way, inner))
        const cannot = steps.at(-1)?.result !== 'yes'
        const rest = [
          ['move', (inner: AbortSignal) => move(way, inner)],
          ['fence', (inner: AbortSignal) => fence(way, branch, inner)],
        ] as const
        for (const [kind, find] of rest) {
          if (!cannot) await step(`${id}.${kind}`, `${way.title}: ${kind}`, find)
        }
      }
    }
    report.recommended = recommend(steps, refPrefix)
  } catch (error) {
    const next = error instanceof TasksError && error.next !== undefined ? ` ${error.next}` : ''
    report.incomplete = signal.aborted ? 'It was stopped.' : `${explain(error)}${next}`
  } finally {
    ending.forget()
    onStep('clean up')
    report.left = await scratch.cleanUp()
  }
  return report
}

/** By REST, and by git what REST leaves; gone is what the listing does not show any more. */
function remover(
  {
    git,
    gitDir,
    url,
    token,
  }: { git: LiveComponents['git']; gitDir: string; url: string; token: string },
  api: ReturnType<Probe['refs']>,
  patterns: readonly string[],
) {
  const auth = { url: new URL('/', url).href, token }
  const listed = async (signal: AbortSignal) => {
    const args = ['ls-remote', '--quiet', url, ...patterns]
    return [...parseListing(await git(args, { cwd: gitDir, auth, signal })).keys()]
  }
  return async (signal: AbortSignal) => {
    for (const name of await listed(signal)) await api.remove(name, signal).catch(() => undefined)
    const there = await listed(signal)
    if (there.length === 0) return
    const specs = there.map((name) => `:${name}`)
    await git(['push', '--quiet', '--no-verify', url, ...specs], { cwd: gitDir, auth, signal })
    const still = await listed(signal)
    if (still.length > 0) throw new Error(`${still.join(', ')} cannot be removed`)
  }
}

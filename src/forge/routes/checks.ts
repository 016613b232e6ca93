/** Check runs and commit statuses. github.com lets only Apps write check runs; here push is enough. */
import type { Hono } from 'hono'
import { z } from 'zod'
import { notFound } from '../api-error.ts'
import { access, caller } from '../auth.ts'
import { longText, readBody, sha } from '../body.ts'
import { stamp, type Ctx, type Deps, type Env } from '../context.ts'
import { checkRunShape, statusShape } from '../hooks/payloads.ts'
import { cut, linkPages, pageOf } from '../paging.ts'
import { checkRun, combinedStatus, status } from '../shapes/check.ts'
import type { CheckRunRow, RepoRow } from '../store/rows.ts'
import { R, commitOf, idParam, param } from './common.ts'

const CONCLUSIONS = [
  'action_required',
  'cancelled',
  'failure',
  'neutral',
  'success',
  'skipped',
  'stale',
  'timed_out',
] as const
const date = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text).toISOString().replace(/\.\d{3}Z$/, 'Z'))
const run = z.object({
  name: z.string().min(1).max(255),
  head_sha: sha,
  status: z.enum(['queued', 'in_progress', 'completed']).optional(),
  conclusion: z.enum(CONCLUSIONS).optional(),
  started_at: date.optional(),
  completed_at: date.optional(),
  details_url: z.url().optional(),
  external_id: z.string().max(255).optional(),
  output: z
    .object({
      title: z.string().max(255).optional(),
      summary: longText.optional(),
      text: longText.optional(),
    })
    .optional(),
})
const newStatus = z.object({
  state: z.enum(['error', 'failure', 'pending', 'success']),
  target_url: z.url().nullish(),
  description: z.string().max(140).nullish(),
  context: z.string().min(1).max(255).default('default'),
})

const runChange = run.omit({ head_sha: true }).partial()
type RunBody = z.infer<typeof runChange>

function change(row: Omit<CheckRunRow, 'id'>, body: RunBody, now: string): Omit<CheckRunRow, 'id'> {
  const state = body.conclusion !== undefined ? 'completed' : (body.status ?? row.status)
  return {
    ...row,
    name: body.name ?? row.name,
    status: state,
    conclusion: body.conclusion ?? (state === 'completed' ? row.conclusion : null),
    started_at: body.started_at ?? row.started_at ?? now,
    completed_at: state === 'completed' ? (body.completed_at ?? row.completed_at ?? now) : null,
    details_url: body.details_url ?? row.details_url,
    external_id: body.external_id ?? row.external_id,
    title: body.output?.title ?? row.title,
    summary: body.output?.summary ?? row.summary,
    text: body.output?.text ?? row.text,
  }
}

export function checkRoutes(api: Hono<Env>, deps: Deps): void {
  const { store, urls } = deps

  const tell = (c: Ctx, repo: RepoRow, row: CheckRunRow, action: 'created' | 'completed') => {
    const body = { check_run: checkRunShape(deps, repo, row) }
    deps.hooks.fact('check_run', { repo, actor: caller(c) }, action, () => body)
  }

  api.post(`${R}/check-runs`, async (c) => {
    const { repo } = access(deps, c, 'push')
    const body = await readBody(c, 'CheckRun', run)
    await commitOf(deps, repo, body.head_sha)
    const empty = {
      repo_id: repo.id,
      head_sha: body.head_sha,
      name: body.name,
      status: 'queued' as const,
      conclusion: null,
      started_at: null,
      completed_at: null,
      details_url: null,
      external_id: null,
      title: null,
      summary: null,
      text: null,
    }
    const row = store.checks.saveRun(change(empty, body, stamp(deps)))
    tell(c, repo, row, 'created')
    if (row.status === 'completed') tell(c, repo, row, 'completed')
    return c.json(checkRun(urls, repo, row), 201)
  })

  api.patch(`${R}/check-runs/:check_run_id`, async (c) => {
    const { repo } = access(deps, c, 'push')
    const row = store.checks.run(idParam(c, 'check_run_id'))
    if (row === undefined || row.repo_id !== repo.id) throw notFound()
    const body = await readBody(c, 'CheckRun', runChange)
    const now = store.checks.saveRun({ ...change(row, body, stamp(deps)), id: row.id })
    if (now.status === 'completed' && row.status !== 'completed') tell(c, repo, now, 'completed')
    return c.json(checkRun(urls, repo, now))
  })

  api.get(`${R}/check-runs/:check_run_id`, (c) => {
    const { repo } = access(deps, c, 'read')
    const row = store.checks.run(idParam(c, 'check_run_id'))
    if (row === undefined || row.repo_id !== repo.id) throw notFound()
    return c.json(checkRun(urls, repo, row))
  })

  api.get(`${R}/commits/:ref{.+}/check-runs`, async (c) => {
    const { repo } = access(deps, c, 'read')
    const head = await commitOf(deps, repo, param(c, 'ref'))
    const name = c.req.query('check_name')
    const state = c.req.query('status')
    const rows = store.checks
      .runs(repo.id, head)
      .filter(
        (row) =>
          (name === undefined || row.name === name) &&
          (state === undefined || row.status === state),
      )
    return c.json({
      total_count: rows.length,
      check_runs: cut(c, urls, rows).map((row) => checkRun(urls, repo, row)),
    })
  })

  api.post(`${R}/statuses/:sha`, async (c) => {
    const { repo } = access(deps, c, 'push')
    const body = await readBody(c, 'Status', newStatus)
    const row = store.checks.addStatus({
      repo_id: repo.id,
      sha: await commitOf(deps, repo, param(c, 'sha')),
      state: body.state,
      context: body.context,
      description: body.description ?? null,
      target_url: body.target_url ?? null,
      user_id: caller(c).id,
      created_at: stamp(deps),
    })
    const actor = caller(c)
    deps.hooks.fact('status', { repo, actor }, null, () => statusShape(deps, repo, row))
    const shape = status(deps, repo, row)
    c.header('location', shape.url)
    return c.json(shape, 201)
  })

  api.get(`${R}/commits/:ref{.+}/statuses`, async (c) => {
    const { repo } = access(deps, c, 'read')
    const rows = store.checks.statuses(repo.id, await commitOf(deps, repo, param(c, 'ref')))
    const page = pageOf(c)
    linkPages(c, urls, page, rows.length)
    return c.json(
      rows.slice(page.offset, page.offset + page.limit).map((row) => status(deps, repo, row)),
    )
  })

  api.get(`${R}/commits/:ref{.+}/status`, async (c) => {
    const { repo } = access(deps, c, 'read')
    const head = await commitOf(deps, repo, param(c, 'ref'))
    return c.json(combinedStatus(deps, repo, head, store.checks.statuses(repo.id, head)))
  })
}

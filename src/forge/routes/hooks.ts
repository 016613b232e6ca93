/** Webhooks of a repository: made, changed, pinged, and what was delivered. Admins only. */
import type { Hono } from 'hono'
import { z } from 'zod'
import { ApiError, invalid, notFound } from '../api-error.ts'
import { access, caller } from '../auth.ts'
import { readBody } from '../body.ts'
import { stamp, type Ctx, type Deps, type Env } from '../context.ts'
import { EVENTS, HOOKS, hookFault } from '../acts/hook-acts.ts'
import { cut } from '../paging.ts'
import { delivery, deliveryItem, hook } from '../shapes/hook.ts'
import type { HookRow, RepoRow } from '../store/rows.ts'
import { R, idParam } from './common.ts'

const events = z.array(z.enum(EVENTS)).min(1).max(EVENTS.length)
const ssl = z.union([z.enum(['0', '1']), z.literal([0, 1]).transform((one) => `${one}` as const)])
const config = z.object({
  url: z.string().min(1).max(2_000),
  content_type: z.enum(['json', 'form']).default('form'),
  secret: z.string().max(255).optional(),
  insecure_ssl: ssl.default('0'),
})
const create = z.object({
  name: z.literal('web').optional(),
  config,
  events: events.default(['push']),
  active: z.boolean().default(true),
})
const change = z.object({
  config: config.partial().optional(),
  events: events.optional(),
  add_events: events.optional(),
  remove_events: events.optional(),
  active: z.boolean().optional(),
})
const H = `${R}/hooks/:hook_id`

export function hookRoutes(api: Hono<Env>, deps: Deps): void {
  const { store, urls } = deps

  const open = (c: Ctx) => ({ repo: access(deps, c, 'admin').repo, actor: caller(c) })
  const hookOf = (c: Ctx, repo: RepoRow): HookRow => {
    const row = store.hooks.byId(idParam(c, 'hook_id'))
    if (row === undefined || row.repo_id !== repo.id) throw notFound()
    return row
  }
  const custom = (message: string) => invalid({ resource: 'Hook', code: 'custom', message })
  const checkUrl = (url: string) => {
    const fault = hookFault(deps, url)
    if (fault !== undefined) throw custom(fault)
  }

  api.get(`${R}/hooks`, (c) => {
    const { repo } = open(c)
    return c.json(cut(c, urls, store.hooks.of(repo.id)).map((row) => hook(deps, repo, row)))
  })

  api.post(`${R}/hooks`, async (c) => {
    const { repo, actor } = open(c)
    const body = await readBody(c, 'Hook', create)
    checkUrl(body.config.url)
    await deps.hooks.watch(repo)
    const all = store.hooks.of(repo.id)
    if (all.length >= HOOKS) throw custom(`The "push" event cannot have more than ${HOOKS} hooks`)
    const wanted = JSON.stringify(body.events)
    if (all.some((row) => row.url === body.config.url && row.events === wanted))
      throw custom('Hook already exists on this repository')
    const row = store.hooks.create({
      repo_id: repo.id,
      active: body.active ? 1 : 0,
      events: wanted,
      url: body.config.url,
      content_type: body.config.content_type,
      insecure_ssl: body.config.insecure_ssl,
      secret: body.config.secret ?? null,
      created_at: stamp(deps),
      updated_at: stamp(deps),
    })
    deps.hooks.ping(row, { repo, actor })
    const shape = hook(deps, repo, row)
    c.header('location', shape.url)
    return c.json(shape, 201)
  })

  api.get(H, (c) => {
    const { repo } = open(c)
    return c.json(hook(deps, repo, hookOf(c, repo)))
  })

  api.patch(H, async (c) => {
    const { repo } = open(c)
    const body = await readBody(c, 'Hook', change)
    const row = hookOf(c, repo)
    // A default of the schema is no wish of the caller.
    const given = body.config
    if (given?.url !== undefined) checkUrl(given.url)
    const now = new Set(body.events ?? (JSON.parse(row.events) as string[]))
    for (const event of body.add_events ?? []) now.add(event)
    for (const event of body.remove_events ?? []) now.delete(event)
    store.hooks.update(row.id, {
      ...(given?.url === undefined ? {} : { url: given.url }),
      ...(given?.content_type === undefined ? {} : { content_type: given.content_type }),
      ...(given?.insecure_ssl === undefined ? {} : { insecure_ssl: given.insecure_ssl }),
      // As on github.com, a configuration without a secret takes the secret away.
      ...(given === undefined ? {} : { secret: given.secret ?? null }),
      ...(body.active === undefined ? {} : { active: body.active ? 1 : 0 }),
      events: JSON.stringify([...now]),
      updated_at: stamp(deps),
    })
    return c.json(hook(deps, repo, hookOf(c, repo)))
  })

  api.delete(H, (c) => {
    const { repo } = open(c)
    store.hooks.remove(hookOf(c, repo).id)
    return c.body(null, 204)
  })

  api.post(`${H}/pings`, (c) => {
    const { repo, actor } = open(c)
    deps.hooks.ping(hookOf(c, repo), { repo, actor })
    return c.body(null, 204)
  })

  api.get(`${H}/deliveries`, (c) => {
    const { repo } = open(c)
    const rows = store.hooks.deliveries(hookOf(c, repo).id)
    return c.json(cut(c, urls, rows).map(deliveryItem))
  })

  const deliveryOf = (c: Ctx, row: HookRow) => {
    const found = store.hooks.delivery(idParam(c, 'delivery_id'))
    if (found === undefined || found.hook_id !== row.id) throw notFound()
    return found
  }
  api.get(`${H}/deliveries/:delivery_id`, (c) => {
    const { repo } = open(c)
    return c.json(delivery(deliveryOf(c, hookOf(c, repo))))
  })

  api.post(`${H}/deliveries/:delivery_id/attempts`, (c) => {
    const { repo } = open(c)
    const row = hookOf(c, repo)
    if (!deps.hooks.again(row, repo, deliveryOf(c, row)))
      throw new ApiError(503, 'Too many deliveries wait.')
    return c.json({}, 202)
  })
}

/** Routes that show and change who belongs to the mesh. Bodies are small JSON documents, decoded here. */
import { isAbsolute } from 'node:path'
import { Hono } from 'hono'
import { z } from 'zod'
import { body } from './body.ts'
import type { MembershipSources } from './membership-types.ts'
import { parameters } from './parameters.ts'

const YEAR_MS = 365 * 86_400_000

const role = z.enum(['worker', 'observer', 'signer'])
const roles = z
  .array(role)
  .min(1)
  .max(3)
  .transform((all) => [...new Set(all)])
const peerId = z.string().regex(/^[1-9A-HJ-NP-Za-km-z]{46,64}$/, 'must be a peer id')
/** Peer id, name, or six words. */
const who = z.string().min(1).max(256)

const inviteSchema = z.strictObject({
  roles: roles.optional(),
  uses: z.int().min(1).max(1_000).nullable().optional(),
  ttlMs: z
    .int()
    .min(1_000)
    .max(10 * YEAR_MS)
    .nullable()
    .optional(),
})
const idSchema = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{4,32}$/, 'must be 4 to 32 hexadecimal digits'),
})
const approveSchema = z.strictObject({ who, roles: roles.optional() })
const whoSchema = z.strictObject({ who })
const removeSchema = z.strictObject({ who, distrust: z.boolean().default(false) })
const rotateSchema = z.strictObject({
  recoveryFile: z.string().max(4_096).refine(isAbsolute, 'must be an absolute path'),
  remove: z.array(who).max(100).default([]),
  reinstate: z.array(who).max(100).default([]),
})
const peerSchema = z.object({ peerId })

export function membershipRoutes(sources: MembershipSources): Hono {
  const api = new Hono()
  api.get('/invites', (context) => context.json(sources.invites()))
  api.post('/invites', async (context) => {
    const request = parameters(inviteSchema, await body(context.req))
    return context.json(await sources.invite(request), 201)
  })
  api.post('/invites/:id/revoke', async (context) => {
    const { id } = parameters(idSchema, context.req.param())
    await sources.revokeInvite(id)
    return context.json({ id, revoked: true })
  })
  api.post('/members/approve', async (context) => {
    const { who: one, roles: granted } = parameters(approveSchema, await body(context.req))
    return context.json(await sources.approve(one, granted))
  })
  api.post('/members/deny', async (context) => {
    const { who: one } = parameters(whoSchema, await body(context.req))
    await sources.deny(one)
    return context.json({ who: one, denied: true })
  })
  api.post('/members/remove', async (context) => {
    const { who: one, distrust } = parameters(removeSchema, await body(context.req))
    return context.json(await sources.remove(one, { distrust }))
  })
  api.post('/members/rotate', async (context) =>
    context.json(await sources.rotate(parameters(rotateSchema, await body(context.req)))),
  )
  api.post('/peers/:peerId/ping', async (context) => {
    const { peerId: one } = parameters(peerSchema, context.req.param())
    return context.json({ rttMs: await sources.ping(one, context.req.raw.signal) })
  })
  return api
}

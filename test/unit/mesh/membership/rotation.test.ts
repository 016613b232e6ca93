import { chmod, copyFile, cp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openMembership, type Membership } from '../../../../src/mesh/index.ts'
import { address, codeOf, createWorld, sync, wire, type World } from './support.ts'

let world: World
let ada: Membership
let sue: Membership
let bob: Membership
let safe: string
beforeEach(async () => {
  world = await createWorld()
  ada = await world.found()
  sue = await world.admit('sue', ada, { roles: ['signer'] })
  bob = await world.admit('bob', ada)
  await sync(ada, sue, bob)
  safe = join(world.root, 'stick')
  await rename(join(world.home('ada'), 'recovery.key'), safe)
})
afterEach(() => world.close())

const standings = (one: Membership, ...others: Membership[]) =>
  others.map(({ peerId }) => one.standing(peerId))

test('who stole the mesh key loses it all to the recovery key, used anywhere', async () => {
  // The thief has the founder's home, and uses it.
  await cp(world.home('ada'), world.home('thief'), { recursive: true })
  const thief = (await openMembership({ home: world.home('thief'), ...world.common }))!
  const spy = await world.admit('spy', thief, { roles: ['signer'] })
  await thief.remove('bob')
  await thief.remove('sue', { distrust: true })
  await sync(sue, bob, thief, spy)
  expect(standings(sue, spy, bob, sue)).toEqual(['member', 'removed', 'removed'])

  const rotated = await sue.rotate(safe, { remove: ['ada', 'spy'], reinstate: ['bob'] })
  expect(rotated).toEqual({ epoch: 1, left: 23, members: 2, removals: 2 })
  expect(sue.holdsRoot).toBe(true)
  await sync(sue, bob, thief, spy)
  for (const one of [sue, bob, thief]) {
    expect(standings(one, ada, spy, bob, sue)).toEqual(['removed', 'removed', 'member', 'member'])
  }
  expect(sue.roles(sue.peerId)).toEqual(['signer'])
  expect(bob.meshId).toBe(ada.meshId)
  // Its key is of no use now.
  expect(thief.holdsRoot).toBe(false)
  expect(await codeOf(() => thief.remove('bob'))).toBe('NOT_SIGNER')
  const { token } = await sue.invite({ addresses: [address] })
  expect((await world.attempt('new', sue, { token })).is).toBe('joined')
})

test('what the old key signs after the rotation counts for nothing', async () => {
  await cp(world.home('ada'), world.home('thief'), { recursive: true })
  const thief = (await openMembership({ home: world.home('thief'), ...world.common }))!
  await sue.rotate(safe, { remove: ['ada'] })
  await thief.remove('bob')
  const { refused } = await sue.merge(wire(thief.statements()))
  expect(Object.keys(refused)).toEqual(['stale'])
  expect(sue.standing(bob.peerId)).toBe('member')
})

test('tokens and invites of before are void', async () => {
  const { token } = await ada.invite({ addresses: [address], uses: null, ttlMs: null })
  await ada.rotate(safe)
  expect(ada.invites().map(({ revoked }) => revoked)).toEqual([true, true, true])
  expect(await world.attempt('x', ada, { token })).toMatchObject({ code: 'TOKEN_VOID' })
})

test('removals and revocations are signed anew', async () => {
  await sue.remove('bob')
  const { token, id } = await ada.invite({ addresses: [address], uses: null, ttlMs: null })
  await ada.revokeInvite(id)
  await sync(ada, sue)
  expect(await ada.rotate(safe)).toMatchObject({ members: 2, removals: 1 })
  expect(ada.standing(bob.peerId)).toBe('removed')
  void token
  expect(
    ada.statements().filter((one) => (one as { kind: string }).kind === 'revocation'),
  ).toHaveLength(1)
})

test('what a signer decided elsewhere meanwhile is not lost', async () => {
  const cat = await world.admit('cat', sue)
  await sue.remove('bob')
  await ada.rotate(safe)
  expect(standings(ada, cat, bob)).toEqual(['stranger', 'member'])
  await sue.merge(wire(ada.statements()))
  await sync(ada, sue)
  expect(standings(ada, cat, bob)).toEqual(['member', 'removed'])
})

test('nor when the signer hears of the rotation from one that does not know all, and restarts', async () => {
  const cat = await world.admit('cat', sue)
  await ada.rotate(safe)
  const stranger = await world.admit('dan', ada)
  const told: string[] = []
  sue.events.on('out', (standing) => told.push(standing))
  await sue.answer(wire(stranger.introduction()), { peerId: stranger.peerId })
  expect(standings(sue, sue, stranger)).toEqual(['stranger', 'member'])
  const again = (await openMembership({ home: world.home('sue'), ...world.common }))!
  await again.merge(wire(ada.statements()))
  expect(standings(again, again, cat, bob)).toEqual(['member', 'member', 'member'])
  // Had it not restarted, it would not have called itself out for that moment.
  await sue.merge(wire(ada.statements()))
  await world.clock.advance(60_000)
  expect(told).toEqual([])
})

test('the same recovery key rotates again; a second rotation elsewhere is the same one', async () => {
  await ada.rotate(safe)
  await sue.rotate(safe)
  await sync(ada, sue)
  expect(ada.digest()).toBe(sue.digest())
  expect([ada.holdsRoot, sue.holdsRoot]).toEqual([true, true])
  expect(await ada.rotate(safe)).toMatchObject({ epoch: 2, left: 22 })
  const again = await openMembership({ home: world.home('ada'), ...world.common })
  expect(again?.holdsRoot).toBe(true)
})

test('a crash between key and membership is made good by the same command', async () => {
  const before = await readFile(join(world.home('ada'), 'membership.json'))
  await ada.rotate(safe)
  await writeFile(join(world.home('ada'), 'membership.json'), before)
  const again = (await openMembership({ home: world.home('ada'), ...world.common }))!
  expect(again.holdsRoot).toBe(false)
  expect(await again.rotate(safe)).toMatchObject({ epoch: 1 })
  expect(again.holdsRoot).toBe(true)
})

test('a lost mesh key is replaced, too; a recovery key on a stick has any mode', async () => {
  await rm(join(world.home('ada'), 'mesh.key'))
  await chmod(safe, 0o644)
  const again = (await openMembership({ home: world.home('ada'), ...world.common }))!
  expect(again.holdsRoot).toBe(false)
  await again.rotate(safe)
  expect(again.holdsRoot).toBe(true)
})

test('another key is no recovery key: not that of another mesh, not the mesh key, none', async () => {
  await world.found('eva')
  const other = join(world.home('eva'), 'recovery.key')
  expect(await codeOf(() => ada.rotate(other))).toBe('RECOVERY_WRONG')
  expect(await codeOf(() => ada.rotate(join(world.home('ada'), 'mesh.key')))).toBe('RECOVERY_WRONG')
  expect(await codeOf(() => ada.rotate(join(world.root, 'nothing')))).toBe('KEY_MISSING')
  await copyFile(join(world.home('ada'), 'membership.json'), join(world.root, 'text'))
  expect(await codeOf(() => ada.rotate(join(world.root, 'text')))).toBe('KEY_CORRUPT')
  expect(await codeOf(() => ada.rotate(safe, { remove: ['ada'] }))).toBe('MEMBER_SELF')
  expect(await codeOf(() => ada.rotate(safe, { remove: ['nobody'] }))).toBe('MEMBER_UNKNOWN')
})

test('after the last rotation the mesh says so', async () => {
  for (let n = 1; n <= 24; n += 1) expect((await ada.rotate(safe)).epoch).toBe(n)
  expect(await codeOf(() => ada.rotate(safe))).toBe('ROTATIONS_SPENT')
  expect(Buffer.byteLength(JSON.stringify(ada.introduction()))).toBeLessThan(16 * 1024)
  await sync(ada, bob)
  expect(bob.standing(bob.peerId)).toBe('member')
})

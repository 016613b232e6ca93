import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  createJoiner,
  openMembership,
  readToken,
  type JoinStep,
  type Membership,
} from '../../../../src/mesh/index.ts'
import { proofBytes } from '../../../../src/mesh/membership/join-wire.ts'
import { generateKey } from '../../../../src/mesh/membership/keys.ts'
import { maxJoinAnswerBytes } from '../../../../src/mesh/membership/limits.ts'
import { address, codeOf, createWorld, sync, wire, type World } from './support.ts'

let world: World
let ada: Membership
beforeEach(async () => {
  world = await createWorld()
  ada = await world.found()
})
afterEach(() => world.close())

const MINUTE = 60_000
const token = async (signer: Membership, options = {}) =>
  (await signer.invite({ addresses: [address], ...options })).token
const code = (step: JoinStep) => (step.is === 'refused' ? step.code : step.is)

test('a token is one short word that says what it is for', async () => {
  const addresses = [
    ...Array.from(
      { length: 12 },
      (_, n) => `/ip4/192.168.100.${100 + n}/tcp/40001/p2p/${ada.peerId}`,
    ),
    'nonsense',
  ]
  const text = await token(ada, { addresses, roles: ['observer'], uses: 3, ttlMs: MINUTE })
  expect(text).toMatch(/^bzzz1\.[\w-]+$/)
  expect(text.length).toBeLessThanOrEqual(700)
  expect(readToken(` ${text}\n`)).toEqual({
    meshId: ada.meshId,
    meshName: 'demo',
    roles: ['observer'],
    uses: 3,
    expiresAt: world.clock.now() + MINUTE,
    addresses: addresses.slice(0, 8),
    signer: ada.peerId,
  })
  const long = `/dns6/${'a'.repeat(200)}.example/tcp/4001`
  const few = readToken(
    await token(ada, { addresses: [long, long, long, address], ttlMs: null, uses: null }),
  )
  expect(few.addresses.length).toBeGreaterThanOrEqual(1)
  expect(few.addresses).toContain(`${address}/p2p/${ada.peerId}`)
  expect(few.uses).toBeNull()
})

test('a token that is not whole is told from a forged one', async () => {
  const text = await token(ada)
  const changed = `${text.slice(0, -9)}${text.at(-9) === 'x' ? 'y' : 'x'}${text.slice(-8)}`
  for (const bad of [
    '',
    'hello',
    text.slice(1),
    text.slice(0, -1),
    `${text}A`,
    changed,
    'bzzz1.',
  ]) {
    expect(await codeOf(() => readToken(bad))).toBe('TOKEN_MALFORMED')
  }
  expect(await codeOf(() => world.joiner('x', { token: 'bzzz1.AAAA' }))).toBe('TOKEN_MALFORMED')
})

test.each<[string, { uses?: number | null; ttlMs?: number | null; roles?: never[] }, string]>([
  ['no uses', { uses: 0 }, 'INVITE_INVALID'],
  ['too many uses', { uses: 1001 }, 'INVITE_INVALID'],
  ['no time', { ttlMs: 0 }, 'INVITE_INVALID'],
  ['no roles', { roles: [] }, 'MESH_CONFIG_INVALID'],
])('an invite for %s is refused', async (_what, options, expected) => {
  expect(await codeOf(() => token(ada, options))).toBe(expected)
})

test('a token for one is used once, also when two come at once', async () => {
  const text = await token(ada)
  const steps = await Promise.all(
    ['b', 'c'].map((name) => world.attempt(name, ada, { token: text })),
  )
  expect(steps.map(code).sort()).toEqual(['TOKEN_SPENT', 'joined'])
  expect(ada.invites()).toMatchObject([{ usesLeft: 0, revoked: false }])
  expect(ada.members()).toHaveLength(2)
})

test('the answer lost: the same machine asks again and costs no second use, also after a restart', async () => {
  const text = await token(ada, { uses: 2 })
  const bob = await world.joiner('bob', { token: text })
  await ada.answer(wire(await bob.message(ada.peerId)), { peerId: bob.peerId })
  const again = (await openMembership({ home: world.home('ada'), ...world.common }))!
  expect(code(await world.attempt('bob', again, { token: text }))).toBe('joined')
  expect(again.invites()).toMatchObject([{ usesLeft: 1 }])
})

test('a crash between counting and admitting loses neither the use nor the joiner', async () => {
  const before = await readFile(join(world.home('ada'), 'membership.json'))
  const text = await token(ada)
  const bob = await world.joiner('bob', { token: text })
  await ada.answer(wire(await bob.message(ada.peerId)), { peerId: bob.peerId })
  // The disk as it was when the use was counted and the record not written.
  await writeFile(join(world.home('ada'), 'membership.json'), before)
  const again = (await openMembership({ home: world.home('ada'), ...world.common }))!
  expect(again.standing(bob.peerId)).toBe('stranger')
  expect(code(await world.attempt('eve', again, { token: text }))).toBe('TOKEN_SPENT')
  expect(code(await world.attempt('bob', again, { token: text }))).toBe('joined')
})

test('expired, revoked, guessed, of another mesh: each is refused by its name', async () => {
  const late = await token(ada, { ttlMs: MINUTE })
  const revoked = await token(ada, { uses: null })
  const [, { id }] = ada.invites() as [unknown, { id: string }]
  await ada.revokeInvite(id.slice(0, 8))
  await world.clock.advance(MINUTE + 1)
  expect(await world.attempt('b', ada, { token: late })).toMatchObject({
    code: 'TOKEN_EXPIRED',
    final: true,
  })
  expect(await world.attempt('b', ada, { token: revoked })).toMatchObject({
    code: 'TOKEN_REVOKED',
    final: true,
  })
  expect(ada.invites().map(({ revoked }) => revoked)).toEqual([false, true])

  const other = await world.found('eva')
  const foreign = await token(other)
  expect(await world.attempt('b', ada, { token: foreign })).toMatchObject({
    code: 'TOKEN_WRONG_MESH',
    final: false,
  })

  // Guessed: all that is public is right, the private key is not.
  const joiner = await world.joiner('b', { token: foreign })
  const message = (await joiner.message(ada.peerId)) as { invite: object }
  const guess = { ...message, invite: { ...message.invite, mesh: ada.meshId, by: ada.peerId } }
  expect(await ada.answer(guess, { peerId: joiner.peerId })).toMatchObject({ code: 'TOKEN_FORGED' })
})

test('an invite that somebody made up, with a key of their own, is forged', async () => {
  await token(ada, { uses: null })
  const eve = await world.joiner('eve')
  const key = generateKey()
  const { meshId: mesh, peerId: by } = ada
  const body = {
    id: 'a'.repeat(32),
    roles: ['worker' as const],
    uses: null,
    expiresAt: null,
    key: key.publicKey,
    by,
  }
  const of = {
    mesh,
    invite: body.id,
    joiner: eve.peerId,
    responder: by,
    name: 'eve',
    at: world.clock.now(),
  }
  for (const signature of [key.sign(Buffer.from('x')), new Uint8Array(64)]) {
    const message = {
      kind: 'join',
      v: 1,
      name: 'eve',
      at: of.at,
      invite: {
        ...body,
        kind: 'invite',
        v: 1,
        mesh,
        epoch: 0,
        signature: Buffer.from(signature).toString('base64url'),
      },
      proof: Buffer.from(key.sign(proofBytes(of))).toString('base64url'),
    }
    expect(await ada.answer(message, { peerId: eve.peerId })).toMatchObject({
      code: 'TOKEN_FORGED',
    })
  }
  expect(ada.members()).toHaveLength(1)
})

test('an invite that a worker signed, or a forgotten one, admits nobody', async () => {
  const bob = await world.admit('bob', ada)
  await sync(ada, bob)
  expect(await codeOf(() => token(bob))).toBe('NOT_SIGNER')
  const text = await token(ada)
  await rm(join(world.home('ada'), 'invites.json'))
  const again = (await openMembership({ home: world.home('ada'), ...world.common }))!
  expect(code(await world.attempt('c', again, { token: text }))).toBe('TOKEN_UNKNOWN')
})

test('a recorded message serves nobody else, nowhere else, and not for long', async () => {
  const text = await token(ada, { uses: null, ttlMs: null })
  const bob = await world.joiner('bob', { token: text })
  const sue = await world.admit('sue', ada, { roles: ['signer'] })
  await sync(ada, sue)
  const message = wire(await bob.message(ada.peerId))
  const eve = await world.joiner('eve')
  expect(await ada.answer(message, { peerId: eve.peerId })).toMatchObject({ code: 'TOKEN_FORGED' })
  expect(await sue.answer(message, { peerId: bob.peerId })).toMatchObject({ code: 'TOKEN_FORGED' })
  await world.clock.advance(11 * MINUTE)
  expect(await ada.answer(message, { peerId: bob.peerId })).toMatchObject({ code: 'JOIN_STALE' })
})

test('a reusable token is redeemed by any signer; one with uses by its maker only', async () => {
  const sue = await world.admit('sue', ada, { roles: ['signer'] })
  await sync(ada, sue)
  const many = await token(ada, { uses: null, ttlMs: null })
  expect(code(await world.attempt('b', sue, { token: many }))).toBe('joined')
  expect(code(await world.attempt('c', ada, { token: many }))).toBe('joined')
  const once = await token(ada)
  sue.locate((peerId) => (peerId === ada.peerId ? [`${address}/p2p/${peerId}`] : []))
  expect(await world.attempt('d', sue, { token: once })).toEqual({
    is: 'elsewhere',
    signers: [{ peerId: ada.peerId, addresses: [`${address}/p2p/${ada.peerId}`] }],
  })
  // Those who came by a reusable one are forgotten sooner.
  await sync(ada, sue)
  const life = (name: string) => {
    const { issuedAt, expiresAt } = ada.members().find((member) => member.name === name)!
    return (expiresAt - issuedAt) / (24 * 60 * MINUTE)
  }
  expect([life('b'), life('sue'), life('ada')]).toEqual([7, 365, 365])
})

test('who cannot sign names those who can', async () => {
  const bob = await world.admit('bob', ada)
  await sync(ada, bob)
  const many = await token(ada, { uses: null })
  const elsewhere = { is: 'elsewhere', signers: [{ peerId: ada.peerId, addresses: [] }] }
  expect(await world.attempt('c', bob, { token: many })).toEqual(elsewhere)
  expect(await world.attempt('c', bob)).toEqual(elsewhere)
})

test('a member with a token for more gets more, and keeps what it has', async () => {
  const bob = await world.admit('bob', ada, { roles: ['observer'] })
  const more = await token(ada, { roles: ['worker'] })
  expect(code(await world.attempt('bob', ada, { token: more }))).toBe('joined')
  expect(ada.roles(bob.peerId)).toEqual(['observer', 'worker'])
  const same = await token(ada, { roles: ['worker'] })
  expect(code(await world.attempt('bob', ada, { token: same }))).toBe('joined')
  expect(ada.invites().map(({ usesLeft }) => usesLeft)).toEqual([0, 0, 1])
})

test('an expired member comes back by a new token, with its home as it is', async () => {
  const bob = await world.admit('bob', ada)
  await world.clock.advance(31 * 24 * 60 * MINUTE)
  expect([ada.standing(bob.peerId), bob.standing(bob.peerId)]).toEqual(['expired', 'expired'])
  const step = await world.attempt('bob', ada, { token: await token(ada) })
  expect(code(step)).toBe('joined')
  expect(ada.standing(bob.peerId)).toBe('member')
})

test('a home of another mesh joins only when told to, and what it was is moved aside', async () => {
  const eva = await world.found('eva')
  const text = await token(ada)
  expect(await codeOf(() => world.joiner('eva', { token: text }))).toBe('MESH_EXISTS')
  const step = await world.attempt('eva', ada, { token: text, replace: true })
  if (step.is !== 'joined') throw new Error(code(step))
  expect(step.membership.meshId).toBe(ada.meshId)
  expect(step.membership.peerId).toBe(eva.peerId)
  expect(step.membership.holdsRoot).toBe(false)
})

test.each<[string, (good: Record<string, unknown>) => unknown]>([
  ['null', () => null],
  ['text', () => 'welcome'],
  ['no statements', (good) => ({ ...good, statements: [] })],
  ['others alone', (good) => ({ ...good, statements: (good.statements as unknown[]).slice(0, 1) })],
  ['a question', () => ({ kind: 'ask', v: 1 })],
  ['an unknown refusal', () => ({ kind: 'refused', v: 1, code: 'BECAUSE' })],
  ['too much', (good) => ({ ...good, statements: Array(1000).fill(null) })],
])('a hostile answer is refused: %s', async (_what, forge) => {
  const bob = await world.joiner('bob', { token: await token(ada) })
  const good = await ada.answer(wire(await bob.message(ada.peerId)), { peerId: bob.peerId })
  const step = await bob.accept(wire(forge(good as Record<string, unknown>)), ada.peerId)
  expect(step).toMatchObject({ is: 'refused', code: 'JOIN_ANSWER_INVALID', final: false })
  expect(await openMembership({ home: world.home('bob'), ...world.common })).toBeUndefined()
})

test('another mesh that says welcome is not joined with a token', async () => {
  const eva = await world.found('eva')
  const bob = await world.joiner('bob', { token: await token(ada) })
  const evas = await world.joiner('bob', { token: await token(eva) })
  const welcome = await eva.answer(wire(await evas.message(eva.peerId)), { peerId: bob.peerId })
  expect(await bob.accept(wire(welcome), eva.peerId)).toMatchObject({
    code: 'TOKEN_WRONG_MESH',
    final: false,
  })
})

test('junk on the join protocol is answered with a refusal', async () => {
  const { peerId } = await world.joiner('bob')
  for (const junk of [
    null,
    7,
    'x',
    [],
    {},
    { kind: 'join' },
    { kind: 'introduce', v: 1, mesh: 'x' },
  ]) {
    expect(await ada.answer(junk, { peerId })).toEqual({
      kind: 'refused',
      v: 1,
      code: 'JOIN_INVALID',
    })
  }
  expect(await ada.answer({}, { peerId: 'nobody' })).toMatchObject({ code: 'JOIN_INVALID' })
})

test('names that would move the cursor, or none, are refused before anything is asked', async () => {
  for (const name of ['', '\u001b[2J', 'x'.repeat(65)]) {
    const { clock, logger } = world.common
    const init = { home: world.home('n'), name, roles: ['worker' as const], clock, logger }
    expect(await codeOf(() => createJoiner(init))).toBe('MESH_CONFIG_INVALID')
  }
})

test('a new member hears of the others at once, as many as fit into one answer', async () => {
  const others = []
  for (let n = 0; n < 5; n += 1) others.push(await world.admit(`other-${n}`, ada))
  const late = await world.admit('late', ada)
  for (const other of others) expect(late.standing(other.peerId)).toBe('member')
  const { token } = await ada.invite({ addresses: [address] })
  const one = await world.joiner('latest', { token })
  const from = { peerId: one.peerId, address }
  const answer = await ada.answer(wire(await one.message(ada.peerId)), from)
  expect(JSON.stringify(answer).length).toBeLessThan(maxJoinAnswerBytes)
})

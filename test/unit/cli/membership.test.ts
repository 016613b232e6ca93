import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { MembershipStatus, Role, Standing } from '../../../src/api/client.ts'
import { membershipLines } from '../../../src/cli/client/membership-lines.ts'
import { pickPeer } from '../../../src/cli/client/pick.ts'
import { finding } from '../../../src/cli/commands/doctor/membership.ts'
import {
  goodFor,
  joinedText,
  lifeOf,
  rotatedText,
  tokenIn,
} from '../../../src/cli/commands/membership/texts.ts'
import { tokenOf } from '../../../src/cli/commands/membership/token.ts'
import { life, roles, uses } from '../../../src/cli/options.ts'
import { comeBack } from '../../../src/mesh/index.ts'
import { asking, otherPeerId, ownPeerId, peers } from '../api/fixture.ts'

const minute = 60_000
const day = 1_440 * minute

describe('options', () => {
  it.each([
    ['30s', 30_000],
    ['15m', 15 * minute],
    ['2h', 120 * minute],
    ['7d', 7 * day],
    ['never', 'never'],
  ])('take %s as a life', (text, ms) => {
    expect(life(text)).toBe(ms)
  })
  it.each(['', '15', '0m', '-1m', '1w', '3651d', '1.5h', 'Never', '15m '])(
    'refuse %j as a life',
    (text) => {
      expect(() => life(text)).toThrow('15m')
    },
  )
  it('take uses', () => {
    expect([uses('1'), uses('1000'), uses('any')]).toEqual([1, 1_000, 'any'])
    for (const text of ['0', '1001', '', 'all', '1.5']) expect(() => uses(text)).toThrow('Write')
  })
  it('take roles, each once', () => {
    expect(roles('worker,signer', ['observer', 'worker'])).toEqual(['observer', 'worker', 'signer'])
    for (const text of ['', 'root', 'worker,', 'Worker'])
      expect(() => roles(text, [])).toThrow('worker, observer, signer')
  })
})

describe('texts', () => {
  const invite = { roles: ['worker' as const], usesLeft: 1, expiresAt: 15 * minute, revoked: false }

  it('say for whom and how long an invitation is good', () => {
    expect(goodFor(invite, 0)).toMatch(/^For 1 machine, as worker, within 15m\. Whoever has it/)
    expect(goodFor({ ...invite, usesLeft: null, expiresAt: null }, 0)).toMatch(
      /^For any number of machines, as worker, until it is revoked/,
    )
  })
  it.each([
    [{}, 'for 15m'],
    [{ expiresAt: null }, 'for ever'],
    [{ expiresAt: 0 }, 'expired'],
    [{ usesLeft: 0 }, 'used'],
    [{ revoked: true, usesLeft: 0 }, 'revoked'],
  ])('tell the state of %j', (change, text) => {
    expect(lifeOf({ ...invite, ...change }, 0)).toBe(text)
  })
  it.each(['bzzz1.abc', ' bzzz join bzzz1.abc\n', 'bzzz  join\tbzzz1.abc'])(
    'find the token in %j',
    (text) => {
      expect(tokenIn(text)).toBe('bzzz1.abc')
    },
  )
  it('say what to do when the role that is configured was not granted', () => {
    expect(joinedText('team', ['worker'], ['worker']).join(' ')).not.toContain('observer')
    expect(joinedText('team', ['observer'], ['worker'])[1]).toContain('roles: [observer]')
    expect(joinedText('team', ['worker'], ['observer'])[1]).toBe('Start its agent with `bzzz up`.')
  })
  it('say how often a recovery key can still be used', () => {
    const rotated = { epoch: 1, left: 6, members: 2, removals: 1 }
    expect(rotatedText(rotated).join(' ')).toContain('6 more times')
    expect(rotatedText({ ...rotated, left: 0 }).join(' ')).toContain('cannot be used again')
  })
})

describe('the token to join with', () => {
  let cwd: string
  beforeEach(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'bzzz-token-'))
    await writeFile(join(cwd, 'token'), 'bzzz join bzzz1.abc\n')
    await writeFile(join(cwd, 'empty'), ' \n')
    await writeFile(join(cwd, 'large'), 'x'.repeat(20_000))
  })
  afterEach(() => rm(cwd, { recursive: true, force: true }))

  it('comes from the command line or a file', async () => {
    expect(await tokenOf({ cwd }, undefined, undefined)).toBeUndefined()
    expect(await tokenOf({ cwd }, 'bzzz1.abc', undefined)).toBe('bzzz1.abc')
    expect(await tokenOf({ cwd }, undefined, 'token')).toBe('bzzz1.abc')
  })
  it.each([
    [undefined, 'none', 'TOKEN_UNREADABLE'],
    [undefined, '.', 'TOKEN_UNREADABLE'],
    [undefined, 'empty', 'TOKEN_UNREADABLE'],
    [undefined, 'large', 'TOKEN_UNREADABLE'],
    ['bzzz1.abc', 'token', 'USAGE'],
  ])('is refused: %j %j', async (given, file, code) => {
    await expect(tokenOf({ cwd }, given, file)).rejects.toMatchObject({ code })
  })
})

describe('the line of the status', () => {
  const status: MembershipStatus = {
    meshId: 'ef'.repeat(32),
    meshName: 'team',
    standing: 'member',
    roles: ['worker', 'signer'],
    expiresAtMs: 20 * day,
    asks: 0,
  }
  it('names mesh, roles and end', () => {
    expect(membershipLines(status, 0)).toEqual([
      ['member', 'of team (efefefefefef) as worker, signer; ends in 20d'],
    ])
  })
  it('warns of an end that nobody renews', () => {
    const late = { ...status, renewalLate: true }
    expect(membershipLines(late, 15 * day)[0]?.[1]).toContain('no signer has renewed it')
  })
  it('says that it was put out, and who asks', () => {
    const [first, second] = membershipLines({ ...status, standing: 'removed', asks: 2 }, 0)
    expect(first?.[1]).toMatch(/^removed: team .* takes no new tasks$/)
    expect(second?.[1]).toContain('2 machines')
  })
})

describe('who is meant', () => {
  const rows = [...peers, asking]
  const own = { name: 'owl', peerId: ownPeerId }
  it.each([
    [otherPeerId, otherPeerId],
    ['bee', otherPeerId],
    ['ability cabin fabric ginger habit ice', asking.peerId],
    [' Ability-cabin, FABRIC ginger habit ice', asking.peerId],
  ])('by %j', (who, peerId) => {
    expect(pickPeer({ rows, own }, who, 'machine').peerId).toBe(peerId)
  })
  it.each(['', 'be', 'ability cabin', otherPeerId.slice(0, 20)])('is nobody by %j', (who) => {
    expect(() => pickPeer({ rows, own }, who, 'machine')).toThrow(
      expect.objectContaining({ code: 'PEER_NOT_FOUND' }),
    )
  })
  it.each([ownPeerId, 'owl'])('is this machine by %s, unless another has that name', (who) => {
    expect(() => pickPeer({ rows, own }, who, 'member')).toThrow(
      expect.objectContaining({ code: 'PEER_IS_OWN', message: `${who} is this machine.` }),
    )
    const other = { ...asking, name: 'owl' }
    expect(pickPeer({ rows: [other], own }, 'owl', 'member')).toBe(other)
  })
  it('is unclear when two have the name', () => {
    const twice = [...rows, { ...asking, name: 'bee' }]
    expect(() => pickPeer({ rows: twice, own }, 'bee', 'machine')).toThrow(
      expect.objectContaining({ code: 'PEER_AMBIGUOUS' }),
    )
  })
})

describe('the check of doctor', () => {
  const own = {
    peerId: ownPeerId,
    name: 'owl',
    standing: 'member' as const,
    roles: ['worker' as const],
    issuedAt: 0,
    expiresAt: 20 * day,
    by: 'root',
  }
  const membership = {
    meshId: 'ef'.repeat(32),
    meshName: 'team',
    peerId: ownPeerId,
    standing: (): Standing => 'member',
    roles: (): Role[] => ['worker'],
    members: () => [own, { ...own, peerId: otherPeerId }],
  }
  const config = { roles: ['worker' as const], home: '/home/owl' }
  const facts = { config, recovery: false, voidKey: false, asks: 0 }

  it('is content with a member', () => {
    expect(finding(membership, facts, 0)).toEqual({
      status: 'ok',
      seen: 'team (efefefefefef) as worker, with 1 other; ends in 20d',
    })
  })
  it.each([
    [{ standing: (): Standing => 'removed' }, {}, 'fail', comeBack],
    [{ standing: (): Standing => 'stranger' }, {}, 'fail', 'bzzz join TOKEN'],
    [{ standing: (): Standing => 'expired' }, {}, 'fail', 'bzzz join TOKEN'],
    [{ roles: (): Role[] => ['observer'] }, {}, 'fail', 'roles: [observer]'],
    [{ members: () => [{ ...own, issuedAt: -19 * day, expiresAt: day }] }, {}, 'warn', 'signer'],
    // As by an invite for any number of machines, and as a signer's by the mesh key.
    [{ members: () => [{ ...own, expiresAt: 7 * day }] }, {}, 'ok', undefined],
    [
      { members: () => [{ ...own, issuedAt: -357 * day, expiresAt: 8 * day }] },
      {},
      'ok',
      undefined,
    ],
    [
      { members: () => [{ ...own, issuedAt: -358 * day, expiresAt: 7 * day }] },
      {},
      'warn',
      'signer',
    ],
    [{}, { asks: 1 }, 'warn', 'bzzz peers ls'],
    [{}, { recovery: true }, 'warn', '/home/owl/recovery.key'],
    [{}, { voidKey: true }, 'warn', 'Delete /home/owl/mesh.key'],
    [{ members: () => [own] }, { recovery: true }, 'ok', undefined],
  ] as const)('finds %j %j: %s', (change, more, status, next) => {
    const found = finding({ ...membership, ...change }, { ...facts, ...more }, 0)
    expect(found.status).toBe(status)
    if (next === undefined) expect(found.next).toBeUndefined()
    else expect(found.next).toContain(next)
  })
})

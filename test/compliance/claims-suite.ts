/**
 * What every transport of claims must hold, against a real remote: one winner, decisions by reading
 * back, no move from an old tip, publication whole or not at all, and nothing believed that is no record.
 */
import { generateKeyPairSync, sign as edSign, verify as edVerify } from 'node:crypto'
import { join } from 'node:path'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createClaims, type Claims, type PrepareInit } from '../../src/tasks/claim/claims.ts'
import type { RefTransport } from '../../src/tasks/claim/ref-transport.ts'
import { openRepository, type RepositoryInit } from '../../src/tasks/claim/repository.ts'
import type { ClaimRepository, RunGit } from '../../src/tasks/claim/repository-types.ts'

const prefix = 'refs/bzzz/claims/'
const keys = generateKeyPairSync('ed25519')
const verify = async (_peerId: string, data: Uint8Array, signature: Uint8Array) =>
  edVerify(null, data, keys.publicKey, signature)
const signal = new AbortController().signal

/** A remote that no other suite uses, and how this transport reaches it. Each test has an issue of its own. */
export interface SuiteRemote {
  /** Directory for local stores. */
  dir: string
  url: string
  token: string
  git: RunGit
  transport(init: RepositoryInit): RefTransport
}

type Fault = 'before' | 'after' | undefined
/** A transport that loses what is sent, or the answer to it. */
function faulty(inner: RefTransport, fault: (call: 'read' | 'move') => Fault): RefTransport {
  const through = async <T>(call: 'read' | 'move', run: () => Promise<T>): Promise<T> => {
    const when = fault(call)
    if (when === 'before') throw new Error('no connection')
    const answer = await run()
    if (when === 'after') throw new Error('the answer was lost')
    return answer
  }
  return {
    list: (...args) => through('read', () => inner.list(...args)),
    read: (...args) => through('read', () => inner.read(...args)),
    compareAndSwap: (...args) =>
      through('move', () => inner.compareAndSwap(...args)).catch((error: unknown) => ({
        is: 'unmoved',
        error,
        reason: String(error),
      })),
  }
}

export function claimsSuite(name: string, open: () => Promise<SuiteRemote>): void {
  let remote: SuiteRemote
  let issue = 0
  let ref: string
  let branch: string
  let first: PrepareInit
  beforeAll(async () => {
    remote = await open()
  })
  beforeEach(() => {
    issue += 10
    ref = `${prefix}${issue}`
    branch = `refs/heads/bzzz/issue-${issue}`
    first = { repo: 'octo/lib', issue, attempt: 1, strikes: 0, previous: null, state: 'held' }
  })

  const storeOf = (called: string): RepositoryInit => {
    const { dir, url, token } = remote
    return { gitDir: join(dir, `${called}.git`), url, token, refPrefix: prefix }
  }

  async function agent(
    called: string,
    fault: (call: 'read' | 'move') => Fault = () => undefined,
  ): Promise<{ repository: ClaimRepository; claims: Claims }> {
    const { git } = remote
    const init = storeOf(called)
    const transport = faulty(remote.transport(init), fault)
    const repository = await openRepository(init, { git, transport })
    const identity = {
      name: called,
      login: called,
      incarnation: '0'.repeat(32),
      leaseMs: 60_000,
    }
    const signer = {
      peerId: called,
      sign: async (data: Uint8Array) => edSign(null, data, keys.privateKey),
    }
    return {
      repository,
      claims: createClaims(repository, prefix, identity, { signer, verify, retryMs: 5 }),
    }
  }

  /** git with the token, as a person has it: it may put anything anywhere. */
  const byHand = (cwd: string, ...specs: string[]) => {
    const auth = { url: new URL('/', remote.url).href, token: remote.token }
    return remote.git(['push', '--quiet', remote.url, ...specs], { cwd, auth })
  }

  describe(name, () => {
    it('lets exactly one of eight win, and shows the winner to the others', async () => {
      const agents = await Promise.all('abcdefgh'.split('').map((called) => agent(called)))
      const prepared = await Promise.all(agents.map(({ claims }) => claims.prepare(first)))
      const moved = await Promise.all(
        agents.map(({ claims }, index) => claims.move(prepared[index]!, [], signal)),
      )
      expect(moved.filter(({ is }) => is === 'won')).toHaveLength(1)
      expect(moved.filter(({ is }) => is === 'lost')).toHaveLength(7)
      const winner = prepared[moved.findIndex(({ is }) => is === 'won')]
      for (const one of moved) if (one.is === 'lost') expect(one.holder).toBe(winner?.oid)
      const { repository, claims } = agents[moved.findIndex(({ is }) => is === 'lost')]!
      const snapshot = await repository.snapshot(signal)
      const tip = await claims.decode('octo/lib', issue, snapshot.get(`${issue}`))
      expect(tip).toMatchObject({ is: 'record', oid: winner?.oid, record: { state: 'held' } })
    })

    it('counts as won what arrived though the answer was lost', async () => {
      const { claims } = await agent('a', (call) => (call === 'move' ? 'after' : undefined))
      const held = await claims.prepare(first)
      expect(await claims.move(held, [], signal)).toMatchObject({
        is: 'won',
        claim: { oid: held.oid },
      })
      const next = await claims.prepare({ ...first, previous: held.oid })
      expect((await claims.move(next, [], signal)).is).toBe('won')
    })

    it('tries the same record again when nothing arrived', async () => {
      let moves = 0
      const { claims, repository } = await agent('a', (call) =>
        call === 'move' && (moves += 1) < 3 ? 'before' : undefined,
      )
      const held = await claims.prepare(first)
      expect((await claims.move(held, [], signal)).is).toBe('won')
      expect(moves).toBe(3)
      expect(await repository.read(ref, signal)).toBe(held.oid)
    })

    it('says unknown, never won or lost, while the remote is out of reach', async () => {
      const { claims } = await agent('a', () => 'before')
      expect(await claims.move(await claims.prepare(first), [], signal)).toMatchObject({
        is: 'unknown',
      })
      const late = await agent('b', (call) => (call === 'read' ? 'before' : 'after'))
      expect((await late.claims.move(await late.claims.prepare(first), [], signal)).is).toBe(
        'unknown',
      )
    })

    it('moves on from the own record only, and refuses an old tip', async () => {
      const a = await agent('a')
      const b = await agent('b')
      const held = await a.claims.prepare(first)
      await a.claims.move(held, [], signal)
      await b.repository.snapshot(signal)
      const renewed = await a.claims.prepare({ ...first, previous: held.oid })
      expect((await a.claims.move(renewed, [], signal)).is).toBe('won')
      const takeover = await b.claims.prepare({ ...first, attempt: 2, previous: held.oid })
      expect(await b.claims.move(takeover, [], signal)).toEqual({ is: 'lost', holder: renewed.oid })
      await b.repository.snapshot(signal)
      const history = await b.repository.history(`${issue}`, 10)
      expect(history.map(({ oid }) => oid)).toEqual([renewed.oid, held.oid])
    })

    it('publishes claim and branch together or not at all, and leaves nothing else', async () => {
      const a = await agent('a')
      const b = await agent('b')
      const held = await a.claims.prepare(first)
      await a.claims.move(held, [], signal)
      await b.repository.snapshot(signal)
      const taken = await b.claims.prepare({ ...first, attempt: 2, previous: held.oid })
      await b.claims.move(taken, [], signal)
      const stale = await a.claims.prepare({ ...first, previous: held.oid, state: 'done' })
      const work = await a.repository.mint('work', null)
      const also = [{ ref: branch, expected: null, next: work }]
      expect(await a.claims.move(stale, also, signal)).toEqual({ is: 'lost', holder: taken.oid })
      expect(await a.repository.read(branch, signal)).toBeUndefined()

      // The branch is elsewhere than expected: the claim must stay as well.
      const other = await b.repository.mint('by hand', null)
      await byHand(b.repository.gitDir, `${other}:${branch}`)
      const mine = await b.repository.mint('other work', other)
      const done = { ...first, attempt: 2, previous: taken.oid, state: 'done' as const }
      const wrong = [{ ref: branch, expected: null, next: mine }]
      const next = await b.claims.prepare(done)
      const swap = { ref, expected: taken.oid, next: next.oid }
      expect((await b.repository.push([swap, ...wrong], signal)).is).toBe('unmoved')
      expect(await b.repository.read(ref, signal)).toBe(taken.oid)
      expect(await b.repository.read(branch, signal)).toBe(other)

      const right = [{ ref: branch, expected: other, next: mine }]
      const last = await b.claims.prepare(done)
      expect((await b.claims.move(last, right, signal)).is).toBe('won')
      expect(await b.repository.read(ref, signal)).toBe(last.oid)
      expect(await b.repository.read(branch, signal)).toBe(mine)
      const left = await remote.transport(storeOf('b')).list('refs/bzzz/claims-work/', signal)
      expect([...left]).toEqual([])
    })

    it('moves the branch with a renewal, and puts finished work in the place of that', async () => {
      const { claims, repository } = await agent('a')
      const base = await repository.mint('base', null)
      const held = await claims.prepare(first)
      await claims.move(held, [], signal)
      const renewed = await claims.prepare({ ...first, previous: held.oid })
      const half = await repository.mint('half', base)
      const put = [{ ref: branch, expected: null, next: half }]
      expect((await claims.move(renewed, put, signal)).is).toBe('won')
      const witness = { ref, oid: renewed.oid }
      const name = branch.slice('refs/heads/'.length)
      const found = await repository.fetchBranches([name], signal, witness)
      expect(found.get(name)).toBe(half)
      const older = { ref, oid: held.oid }
      await expect(repository.fetchBranches([name], signal, older)).rejects.toMatchObject({
        code: 'CLAIM_STALE',
      })
      const whole = await repository.restack(await repository.mint('whole', half), base)
      const done = await claims.prepare({ ...first, previous: renewed.oid, state: 'done' })
      const replace = [{ ref: branch, expected: half, next: whole, force: true }]
      expect((await claims.move(done, replace, signal)).is).toBe('won')
      expect(await repository.read(branch, signal)).toBe(whole)
      expect((await repository.describe(whole, 4_096))?.parents).toEqual([base])
    })

    it('knows a publication whose answer was lost', async () => {
      let publishing = false
      const { claims, repository } = await agent('a', (call) =>
        publishing && call === 'move' ? 'after' : undefined,
      )
      const held = await claims.prepare(first)
      await claims.move(held, [], signal)
      publishing = true
      const next = await repository.mint('work', null)
      const done = await claims.prepare({ ...first, previous: held.oid, state: 'done' })
      const also = [{ ref: branch, expected: null, next }]
      expect((await claims.move(done, also, signal)).is).toBe('won')
      expect(await repository.read(branch, signal)).toBe(next)
    })

    it('names what is no record, and never claims over it', async () => {
      const { repository, claims } = await agent('a')
      const cwd = repository.gitDir
      const blob = (
        await remote.git(['hash-object', '-w', '--stdin'], { cwd, input: 'garbage' })
      ).trim()
      const huge = await repository.mint('x'.repeat(5_000_000), null)
      const foreign = await repository.mint('hello', null)
      const found = [blob, huge, foreign].map((oid, n) => [issue + n, oid] as const)
      await byHand(cwd, ...found.map(([at, oid]) => `${oid}:${prefix}${at}`))
      const snapshot = await repository.snapshot(signal)
      for (const [at, oid] of found) {
        const tip = await claims.decode('octo/lib', at, snapshot.get(`${at}`))
        expect(tip).toMatchObject({ is: 'invalid', oid })
        const prepared = await claims.prepare({ ...first, issue: at })
        expect(await claims.move(prepared, [], signal)).toEqual({ is: 'lost', holder: oid })
        expect(await repository.read(`${prefix}${at}`, signal)).toBe(oid)
      }
      const free = await claims.decode('octo/lib', issue + 9, snapshot.get(`${issue + 9}`))
      expect(free).toEqual({ is: 'absent' })
    })

    it('sees a deleted ref as absent, and makes no second claim of the old one', async () => {
      const { repository, claims } = await agent('a')
      const held = await claims.prepare(first)
      await claims.move(held, [], signal)
      expect((await repository.snapshot(signal)).has(`${issue}`)).toBe(true)
      await byHand(repository.gitDir, `:${ref}`)
      expect((await repository.snapshot(signal)).has(`${issue}`)).toBe(false)
      const renewed = await claims.prepare({ ...first, previous: held.oid })
      expect(await claims.move(renewed, [], signal)).toEqual({ is: 'lost', holder: undefined })
      expect(await repository.read(ref, signal)).toBeUndefined()
    })
  })
}

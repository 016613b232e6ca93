/** The claim protocol against real git: every promise of `claim/` on a repository on disk. */
import { generateKeyPairSync, sign as edSign, verify as edVerify } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createGit, createProcesses, type Git, type Processes } from '../../src/process/index.ts'
import { createClaims, type Claims } from '../../src/tasks/claim/claims.ts'
import {
  openRepository,
  type ClaimRepository,
  type RunGit,
} from '../../src/tasks/claim/repository.ts'
import { nullLogger } from '../../src/util/index.ts'

const prefix = 'refs/bzzz/claims/'
const keys = generateKeyPairSync('ed25519')
const verify = async (_peerId: string, data: Uint8Array, signature: Uint8Array) =>
  edVerify(null, data, keys.publicKey, signature)
const signal = new AbortController().signal
let dir: string
let processes: Processes
let git: Git
let remote: string
let count = 0

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bzzz-claims-'))
  processes = createProcesses({ stateDir: dir, logger: nullLogger })
  git = createGit({ processes })
})
afterAll(async () => {
  await processes.stop()
  await rm(dir, { recursive: true, force: true })
})
beforeEach(async () => {
  count += 1
  remote = join(dir, `remote-${count}.git`)
  await git(['init', '--quiet', '--bare', remote], { cwd: dir })
})

/** git that may use a path as remote, and may be told to lose answers. */
function localGit(
  fault: (args: readonly string[]) => 'before' | 'after' | undefined = () => undefined,
): RunGit {
  return async (args, { auth: _auth, ...options }) => {
    const when = fault(args)
    if (when === 'before') throw new Error('no connection')
    const answer = await git(args, { ...options, allowFile: true })
    if (when === 'after') throw new Error('the answer was lost')
    return answer
  }
}

async function agent(
  name: string,
  run: RunGit = localGit(),
): Promise<{ repository: ClaimRepository; claims: Claims }> {
  const init = {
    gitDir: join(dir, `${name}-${count}.git`),
    url: pathToFileURL(remote).href,
    token: 't',
    refPrefix: prefix,
  }
  const repository = await openRepository(init, { git: run })
  const identity = { name, login: name, incarnation: '0'.repeat(32), leaseMs: 60_000 }
  const signer = {
    peerId: name,
    sign: async (data: Uint8Array) => edSign(null, data, keys.privateKey),
  }
  return {
    repository,
    claims: createClaims(repository, prefix, identity, { signer, verify, retryMs: 5 }),
  }
}

const first = {
  repo: 'octo/lib',
  issue: 7,
  attempt: 1,
  strikes: 0,
  previous: null,
  state: 'held' as const,
}

describe('claims over git', () => {
  it('let exactly one of many win, and show the winner to all', async () => {
    const agents = await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => agent(name)))
    const prepared = await Promise.all(agents.map(({ claims }) => claims.prepare(first)))
    const moved = await Promise.all(
      agents.map(({ claims }, index) => claims.move(prepared[index]!, [], signal)),
    )
    expect(moved.map(({ is }) => is).sort()).toEqual([
      'lost',
      'lost',
      'lost',
      'lost',
      'lost',
      'won',
    ])
    const winner = moved.findIndex(({ is }) => is === 'won')
    for (const { repository, claims } of agents) {
      const tip = await claims.decode('octo/lib', 7, (await repository.snapshot(signal)).get('7'))
      expect(tip).toMatchObject({
        is: 'record',
        oid: prepared[winner]?.oid,
        record: { state: 'held', attempt: 1 },
      })
    }
    for (const one of moved) if (one.is === 'lost') expect(one.holder).toBe(prepared[winner]?.oid)
  })

  it('count as won when the push arrived and only its answer was lost', async () => {
    const { claims } = await agent(
      'a',
      localGit((args) => (args[0] === 'push' ? 'after' : undefined)),
    )
    const prepared = await claims.prepare(first)
    expect(await claims.move(prepared, [], signal)).toMatchObject({
      is: 'won',
      claim: { oid: prepared.oid },
    })
  })

  it('try the same record again when nothing arrived', async () => {
    let pushes = 0
    const { claims } = await agent(
      'a',
      localGit((args) => (args[0] === 'push' && (pushes += 1) < 3 ? 'before' : undefined)),
    )
    expect(await claims.move(await claims.prepare(first), [], signal)).toMatchObject({ is: 'won' })
    expect(pushes).toBe(3)
  })

  it('say unknown, never won or lost, when the remote stays out of reach', async () => {
    const { claims } = await agent(
      'a',
      localGit((args) => (args[0] === 'push' || args[0] === 'ls-remote' ? 'before' : undefined)),
    )
    expect(await claims.move(await claims.prepare(first), [], signal)).toMatchObject({
      is: 'unknown',
    })
  })

  it('move on from the own record only, and refuse an old tip', async () => {
    const a = await agent('a')
    const b = await agent('b')
    const held = await a.claims.prepare(first)
    await a.claims.move(held, [], signal)
    await b.repository.snapshot(signal)
    const renewed = await a.claims.prepare({ ...first, previous: held.oid })
    expect((await a.claims.move(renewed, [], signal)).is).toBe('won')
    const takeover = await b.claims.prepare({ ...first, attempt: 2, previous: held.oid })
    expect(await b.claims.move(takeover, [], signal)).toEqual({ is: 'lost', holder: renewed.oid })
  })

  it('publish claim and branch together or not at all', async () => {
    const a = await agent('a')
    const b = await agent('b')
    const held = await a.claims.prepare(first)
    await a.claims.move(held, [], signal)
    const work = await a.repository.mint('work', null)
    const stale = await a.claims.prepare({ ...first, previous: held.oid, state: 'done' })
    await b.repository.snapshot(signal)
    const taken = await b.claims.prepare({ ...first, attempt: 2, previous: held.oid })
    await b.claims.move(taken, [], signal)
    const branch = 'refs/heads/bzzz/issue-7'
    expect(
      await a.claims.move(stale, [{ ref: branch, expected: null, next: work }], signal),
    ).toMatchObject({ is: 'lost' })
    expect(await a.repository.read(branch, signal)).toBeUndefined()
    const other = await b.repository.mint('other work', null)
    const done = await b.claims.prepare({
      ...first,
      attempt: 2,
      previous: taken.oid,
      state: 'done',
    })
    expect(
      await b.claims.move(done, [{ ref: branch, expected: null, next: other }], signal),
    ).toMatchObject({ is: 'won' })
    expect(await b.repository.read(branch, signal)).toBe(other)
  })

  it('name what is no record, and leave it alone', async () => {
    const { repository, claims } = await agent('a')
    const blob = (
      await git(['hash-object', '-w', '--stdin'], { cwd: remote, input: 'garbage' })
    ).trim()
    await git(['update-ref', `${prefix}8`, blob], { cwd: remote })
    const huge = await repository.mint('x'.repeat(5_000_000), null)
    await repository.push([{ ref: `${prefix}9`, expected: null, next: huge }], signal)
    const snapshot = await repository.snapshot(signal)
    expect(await claims.decode('octo/lib', 8, snapshot.get('8'))).toMatchObject({
      is: 'invalid',
      oid: blob,
    })
    expect(await claims.decode('octo/lib', 9, snapshot.get('9'))).toMatchObject({
      is: 'invalid',
      oid: huge,
    })
    expect(await claims.decode('octo/lib', 10, snapshot.get('10'))).toEqual({ is: 'absent' })
  })

  it('see a deleted ref as absent', async () => {
    const { repository, claims } = await agent('a')
    await claims.move(await claims.prepare(first), [], signal)
    expect((await repository.snapshot(signal)).has('7')).toBe(true)
    await git(['update-ref', '-d', `${prefix}7`], { cwd: remote })
    expect((await repository.snapshot(signal)).has('7')).toBe(false)
  })
})

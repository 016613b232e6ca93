/** The live probe against the forge as it is, and against one that refuses what some GitHubs refuse. */
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createGit } from '../../src/process/index.ts'
import { probeLive, type LiveReport } from '../../src/tasks/index.ts'
import { LIB, site, type Site } from '../unit/forge/helper.ts'

const repo = 'octo/lib'
const refPrefix = 'refs/bzzz/claims/'
const never = new AbortController().signal

describe.each([true, false])('a forge with relations: %s', (relations) => {
  let at: Site
  beforeAll(async () => {
    at = await site({ relations })
  })
  afterAll(() => at.close())

  async function probe(
    change: {
      login?: string
      issue?: number
      signal?: AbortSignal
      onStep?: (title: string) => void
    } = {},
  ): Promise<LiveReport> {
    const { login = 'ada', signal = never, issue, onStep = () => undefined } = change
    const dir = await mkdtemp(join(at.dir, 'live-'))
    const git = createGit({ processes: at.processes })
    try {
      return await probeLive(
        {
          apiUrl: at.server.apiUrl,
          token: `token-${login}`,
          userAgent: 'test',
          repo,
          refPrefix,
          dir,
          ...(issue === undefined ? {} : { issue }),
        },
        { git, onStep },
        signal,
      )
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  }

  /** Every ref of the repository, its labels, and its open issues. */
  async function traces() {
    const listed = await at.git(at.dir, 'ls-remote', at.remote('root'))
    const refs = listed.stdout.split('\n').flatMap((line) => line.split('\t')[1] ?? [])
    const { data: issues } = await at.as('root').rest.issues.listForRepo({ ...LIB, state: 'all' })
    const { data: labels } = await at.as('root').rest.issues.listLabelsForRepo(LIB)
    const touched = issues.filter(
      ({ state, assignees, labels }) => state === 'open' || assignees?.length || labels.length,
    )
    return { refs: refs.sort(), touched: touched.length, labels: labels.map(({ name }) => name) }
  }

  const results = ({ steps }: LiveReport) =>
    Object.fromEntries(steps.map(({ id, result }) => [id, result]))

  it('finds out what it allows, and leaves nothing', async () => {
    // On one of the two it uses an issue that is there, and leaves it as it was.
    const root = at.as('root').rest.issues
    const { data } = await root.create({ ...LIB, title: 'mine', assignees: ['bob'] })
    const before = await traces()
    const report = await probe(relations ? {} : { issue: data.number })
    expect(report).toMatchObject({ login: 'ada', incomplete: null, left: [] })
    expect(report.issue?.scratch).toBe(relations)
    expect(report.recommended).toMatchObject({ transport: 'git', refPrefix })
    const ways = ['git.custom', 'rest.custom', 'git.heads', 'rest.heads']
    const kinds = ['race', 'move', 'fence']
    const refs = ways.flatMap((way) => kinds.map((kind) => [`${way}.${kind}`, 'yes']))
    const relation = relations ? 'yes' : 'no'
    expect(results(report)).toEqual({
      ...Object.fromEntries(refs),
      labels: 'yes',
      assign: 'yes',
      'assign.drop': 'yes',
      etag: 'yes',
      dependencies: relation,
      'sub-issues': relation,
    })
    expect(await traces()).toEqual(before)
    const after = (await root.get({ ...LIB, issue_number: data.number })).data
    expect(after).toMatchObject({ state: 'open', labels: [] })
    expect(after.assignees?.map(({ login }) => login)).toEqual(['bob'])
  })

  // What follows does not depend on relations.
  if (!relations) return

  it.each([3, 8, 10])('cleans up when it is stopped at step %i', async (last) => {
    const before = await traces()
    const stop = new AbortController()
    let count = 0
    const onStep = () => ((count += 1) === last ? stop.abort() : undefined)
    const report = await probe({ signal: stop.signal, onStep })
    expect(report).toMatchObject({ incomplete: 'It was stopped.', left: [] })
    expect(report.steps.length).toBeLessThan(last)
    expect(await traces()).toEqual(before)
  })

  it.each([
    ['the answer to its issue', { kind: 'drop', when: 'after' }, 'POST', /\/issues$/],
    ['the answer to its issue, with 502', { kind: 'error', when: 'after' }, 'POST', /\/issues$/],
  ] as const)('cleans up when it never gets %s', async (_what, fault, method, path) => {
    const before = await traces()
    const rule = at.server.faults.add({ fault, method, path, count: 1 })
    const report = await probe()
    rule.remove()
    expect(rule.hits).toBe(1)
    expect(report.incomplete).not.toBeNull()
    expect(report.left).toEqual([])
    expect(await traces()).toEqual(before)
  })

  it.each([
    ['its issue', /\/issues$/],
    ['its label', /\/labels$/],
    ['a ref', /graphql$|\/git\/refs$/],
  ])('cleans up when it is stopped while %s is being made', async (_what, path) => {
    const before = await traces()
    const stop = new AbortController()
    const rule = at.server.faults.add({ fault: { kind: 'latency', ms: 150 }, method: 'POST', path })
    const probing = probe({ signal: stop.signal })
    await vi.waitFor(() => expect(rule.hits).toBeGreaterThan(0), { timeout: 60_000, interval: 5 })
    stop.abort()
    const report = await probing
    // What was under way when it stopped has been applied by now, whether waited for or not.
    const later = at.server.faults.add({ fault: { kind: 'latency', ms: 400 }, path: '/meta' })
    await at.as('root').rest.meta.get()
    later.remove()
    rule.remove()
    expect(report).toMatchObject({ incomplete: 'It was stopped.', left: [] })
    expect(await traces()).toEqual(before)
  })

  it('names what it could not take away, and what to type', async () => {
    const fault = at.server.faults.add({
      fault: { kind: 'error', when: 'before', status: 503 },
      method: 'PATCH',
      path: /\/issues\/\d+$/,
    })
    const stop = new AbortController()
    const report = await probe({ signal: stop.signal, onStep: () => stop.abort() })
    fault.remove()
    expect(report.left).toEqual([
      {
        what: expect.stringMatching(/^the issue octo\/lib#\d+ \(503/),
        next: expect.stringMatching(
          /^curl -X PATCH -H "[^"]+TOKEN" http:\S+\/octo\/lib\/issues\/\d+ -d '\{"state":"closed"\}'$/,
        ),
      },
    ])
    await at
      .as('root')
      .rest.issues.update({ ...LIB, issue_number: report.issue?.number ?? 0, state: 'closed' })
  })

  it('says what a token cannot do, and makes nothing', async () => {
    const before = await traces()
    expect((await probe({ login: 'rob' })).incomplete).toContain('cannot push')
    expect((await probe({ login: 'mallory' })).incomplete).toContain('401')
    expect(await traces()).toEqual(before)
  })

  const bare = () => join(at.dir, 'forge', 'repositories', 'octo', 'lib.git')

  it('recommends REST where git cannot move two refs at once', async () => {
    await at.git(bare(), 'config', 'receive.advertiseAtomic', 'false')
    const report = await probe()
    await at.git(bare(), 'config', '--unset', 'receive.advertiseAtomic')
    expect(results(report)).toMatchObject({ 'git.custom.race': 'no', 'rest.custom.fence': 'yes' })
    expect(report.recommended).toMatchObject({ transport: 'rest', refPrefix })
    expect(report.recommended?.why).toContain('git.custom.race')
    expect(report.left).toEqual([])
  })

  it('recommends refs/heads where the namespace is refused', async () => {
    await at.git(bare(), 'config', 'transfer.hideRefs', 'refs/bzzz')
    const report = await probe()
    await at.git(bare(), 'config', '--unset', 'transfer.hideRefs')
    expect(results(report)).toMatchObject({ 'git.custom.race': 'no', 'rest.custom.move': 'no' })
    const wanted = { transport: 'git', refPrefix: 'refs/heads/bzzz/claims/' }
    expect(report.recommended).toMatchObject(wanted)
  })

  it('recommends nothing where no ref can be made', async () => {
    const fault = at.server.faults.add({
      fault: { kind: 'error', when: 'before', status: 503 },
      path: /git-receive-pack$|\/git\/refs$|graphql$/,
    })
    const report = await probe()
    fault.remove()
    expect(report.recommended).toBeNull()
    expect(report.left).toEqual([])
  })
})

/**
 * What an attempt makes of other agents' answers: real git and claims, a fake GitHub, work that says how it
 * ends, and a desk that answers as the test says. With the rows of `docs/claims.md` that speak of handing on.
 */
import { expect, it } from 'vitest'
import { createPatches } from '../../src/tasks/asking/patches.ts'
import type { DeskOutcome, DeskRequest, HelpDesk, Tried } from '../../src/tasks/asking/desk.ts'
import { hold } from '../../src/tasks/attempt/attempt.ts'
import { mayClaim, type Tip } from '../../src/tasks/claim/decide.ts'
import type { TasksWork } from '../../src/tasks/needs.ts'
import { decideRecovery } from '../../src/tasks/recover/recover.ts'
import {
  agent,
  asSignals,
  contextOf,
  fakeGitHub,
  git,
  jobOf,
  prefix,
  repo,
  signal,
  signals,
  useFlow,
  win,
  type Agent,
} from './flow-world.ts'

useFlow()

type Order = Parameters<TasksWork['run']>[0]
const env = {
  GIT_AUTHOR_NAME: 'x',
  GIT_AUTHOR_EMAIL: 'x@x',
  GIT_COMMITTER_NAME: 'x',
  GIT_COMMITTER_EMAIL: 'x@x',
}

async function commit(me: Agent, text: string, parent: string): Promise<string> {
  const cwd = me.refs.gitDir
  const blob = (await git(['hash-object', '-w', '--stdin'], { cwd, input: text })).trim()
  const tree = (await git(['mktree'], { cwd, input: `100644 blob ${blob}\tnotes.txt\n` })).trim()
  return (await git(['commit-tree', tree, '-p', parent, '-m', text], { cwd, env })).trim()
}

const textAt = (me: Agent, oid: string) =>
  git(['show', `${oid}:notes.txt`], { cwd: me.refs.gitDir })

function deskOf(outcomes: ((request: DeskRequest, id: string) => Promise<DeskOutcome>)[]) {
  const asked: DeskRequest[] = []
  const concluded: string[] = []
  const tried: Tried[] = []
  const desk: HelpDesk = {
    maxRequests: 3,
    reachable: () => 1,
    async *ask(request) {
      const id = String(asked.length + 1).repeat(32)
      asked.push(request)
      const about = { id, round: asked.length, asked: ['peer-b'], reason: 'it ended', entries: [] }
      tried.push({ ...about, outcome: 'nobody' })
      yield { is: 'asked' }
      const next = outcomes.shift() ?? (async () => ({ is: 'nobody' as const, id, reason: 'none' }))
      yield { is: 'ended', outcome: await next(request, id) }
    },
    conclude: async (id, outcome) => void concluded.push(`${id[0]} ${outcome}`),
    tried: () => tried,
    completed: () => void tried.splice(0),
    who: () => ({ name: 'bo', login: 'bo-login', incarnation: '1'.repeat(32) }),
  }
  return { desk, asked, concluded, tried }
}

/** One attempt: `first` is written, and found wanting; what a peer's patch makes of it is checked by `good`. */
async function attempt(
  outcomes: Parameters<typeof deskOf>[0],
  {
    code = 'CHECKS_FAILED',
    good = () => true,
    job = {},
  }: { code?: string; good?: (text: string) => boolean; job?: object } = {},
) {
  const me = await agent('a')
  const github = fakeGitHub()
  const { desk, asked, concluded } = deskOf(outcomes)
  const orders: Order[] = []
  const common = { checks: [], executor: 'x', durationMs: 1, dispose: async () => undefined }
  const run = async (order: Order) => {
    orders.push(order)
    const { source, verify, quoted } = order
    const start = source.resume ?? source.base
    const onto = source.onto ?? source.base
    const { gitDir } = me.refs
    if (verify !== undefined) {
      const text = await textAt(me, start)
      if (!good(text))
        return {
          outcome: 'failed',
          code: 'CHECKS_FAILED',
          reason: 'Still 3.',
          tried: [],
          ...common,
        }
      return {
        outcome: 'changed',
        gitDir,
        head: await commit(me, text, onto),
        files: [],
        summary: verify.summary,
        ...common,
      }
    }
    if (quoted?.advice !== undefined)
      return {
        outcome: 'changed',
        gitDir,
        head: await commit(me, 'advised\n', onto),
        files: [],
        summary: '',
        ...common,
      }
    const head = await commit(me, 'one\ntwo\nthree\n', start)
    const left = {
      gitDir,
      head,
      files: 1,
      bytes: 1,
      notes: [],
      digest: 'It wrote notes.',
      used: { wallMs: 1, turns: 1 },
    }
    return {
      outcome: 'failed',
      code,
      reason: '2 + 2 is 3.',
      tried: ['wrote notes'],
      left,
      ...common,
    }
  }
  const { context, entries, place } = contextOf(me, github, { run })
  const help = {
    ask: true,
    give: false,
    people: false,
    handOver: true,
    patienceMs: 60_000,
    workMs: 60_000,
    pauseMs: 1,
  }
  Object.assign(context, { help: desk })
  Object.assign((context as { settings: object }).settings, { help })
  Object.assign(place, { patches: createPatches(git, me.refs.gitDir) })
  const claim = await win(me)
  await me.refs.fetchBranches(['main'], signal)
  const outcome = await hold(context, jobOf(place, ['a'], job), claim, asSignals(signals()))
  return { me, outcome, github, entries, asked, concluded, orders, claim }
}

async function tipOf(me: Agent): Promise<Tip> {
  const raw = (await me.refs.snapshot(signal)).get('7')
  return me.claims.decode(repo, 7, raw)
}

/** A helper that has the origin's work by its diff alone, and changes "two". */
const patchFor = async ({ base, diff }: DeskRequest, line: string) => {
  const helper = await agent(`helper-${Math.random()}`.slice(0, 15))
  await helper.refs.fetchBranches(['main'], signal)
  const patches = createPatches(git, helper.refs.gitDir)
  const so = await patches.apply(base!, diff!, signal)
  if (so.is !== 'tree') throw new Error(so.reason)
  const made = await commit(helper, `one\n${line}\nthree\n`, base!)
  return (await patches.between(so.tree, made, 100_000, signal))!
}
const answered = (id: string, answer: object): DeskOutcome =>
  ({ is: 'answered', id, helper: 'peer-b', answer }) as DeskOutcome
const base = 'a'.repeat(40)

it('a patch is applied to the work so far, checked, published, and attributed', async () => {
  const { me, outcome, asked, concluded, orders, github } = await attempt([
    async (request, id) =>
      answered(id, {
        form: 'patch',
        base,
        patch: await patchFor(request, 'TWO'),
        note: 'Two is TWO.',
      }),
  ])
  expect(outcome).toBe('done')
  expect(asked).toMatchObject([{ want: ['patch', 'advice', 'takeover'], question: '2 + 2 is 3.' }])
  expect(asked[0]?.summary).toContain('wrote notes')
  const [, verify] = orders
  expect(verify).toMatchObject({
    verify: { by: 'helper bo', summary: 'Two is TWO.' },
    coAuthors: [{ name: 'bo', email: 'bo-login@users.noreply.github.com' }],
  })
  expect(concluded).toEqual(['1 used'])
  const branch = (await me.refs.fetchBranches(['bzzz/issue-7'], signal)).get('bzzz/issue-7')
  expect(await textAt(me, branch!)).toBe('one\nTWO\nthree\n')
  expect(github.state.pulls).toEqual(['bzzz/issue-7'])
})

it('a patch that does not apply, and one that fails the checks, are refused, and the next is asked', async () => {
  const { outcome, concluded, asked } = await attempt(
    [
      async (_, id) =>
        answered(id, { form: 'patch', base, patch: 'diff --git nonsense\n', note: '' }),
      async (request, id) =>
        answered(id, { form: 'patch', base, patch: await patchFor(request, 'wrong'), note: '' }),
      async (request, id) =>
        answered(id, { form: 'patch', base, patch: await patchFor(request, 'TWO'), note: '' }),
    ],
    { good: (text) => text.includes('TWO') },
  )
  expect(outcome).toBe('done')
  expect(concluded).toEqual(['1 refused', '2 refused', '3 used'])
  expect(asked[2]?.summary).toContain('tried a patch of bo: Still 3.')
})

it('advice goes to the executor, which works once more', async () => {
  const { outcome, concluded, orders } = await attempt([
    async (_, id) => answered(id, { form: 'advice', text: 'Write advised.' }),
  ])
  expect(outcome).toBe('done')
  expect(orders).toHaveLength(2)
  expect(orders[1]?.quoted?.advice).toContain('Write advised.')
  // It goes on from the work so far, which is on the branch.
  expect(orders[1]?.source.resume).toBeDefined()
  expect(concluded).toEqual(['1 used'])
})

it('three requests in vain leave it to a person, who finds whom it asked', async () => {
  const { outcome, github, entries, asked } = await attempt([
    async (_, id) => ({ is: 'nobody', id, reason: 'First no.' }),
    async (_, id) => ({ is: 'nobody', id, reason: 'Second no.' }),
    async (_, id) => {
      const about = { id, round: 3, asked: ['peer-b'], entries: [] }
      return { is: 'exhausted', tried: [{ ...about, outcome: 'nobody', reason: 'Third no.' }] }
    },
  ])
  expect(outcome).toBe('failed')
  expect(asked).toHaveLength(3)
  expect(github.state.labels).toContain('bzzz:failed')
  expect(github.state.comments[0]).toContain('bzzz ask show 111111111111')
  expect(github.state.comments[0]).toContain('/bzzz retry')
  expect(github.state.comments[0]?.match(/\. asked other agents: \w+ no\./g)).toEqual(
    ['First', 'Second', 'Third'].map((word) => `. asked other agents: ${word} no.`),
  )
  expect(entries.find(({ type }) => type === 'task.failed')).toMatchObject({
    code: 'HELP_EXHAUSTED',
  })
})

it('what another agent could take is handed back without a request, as is what help does not come for', async () => {
  const { outcome, asked, github } = await attempt([], { code: 'ENVIRONMENT' })
  expect([outcome, asked.length]).toEqual(['released', 1])
  expect(asked[0]?.want).toEqual(['takeover', 'patch'])
  expect(github.state.labels).toEqual(['bzzz'])
})

const handOver = () =>
  attempt([async (_, id) => answered(id, { form: 'takeover', note: '' })], { code: 'ENVIRONMENT' })
const decide = (tip: Tip, self: string) =>
  mayClaim({
    tip,
    sighting: undefined,
    now: 0,
    marginMs: 5_000,
    maxAttempts: 3,
    self,
    abandoned: () => false,
  })

it('the claim is handed on in one step: the helper claims from it at once, and nobody else', async () => {
  const { me, outcome, concluded, entries, claim, github } = await handOver()
  expect(outcome).toBe('released')
  // Were the claim ref deleted now, nothing would tell that the login is an agent's.
  expect(github.state.assignees).toEqual([])
  expect(concluded).toEqual(['1 used'])
  expect(entries.filter(({ type }) => type === 'claim.released')).toMatchObject([
    { state: 'handed' },
  ])
  const tip = await tipOf(me)
  expect(tip).toMatchObject({
    record: { state: 'handed', attempt: 1, to: { peerId: 'peer-b', incarnation: '1'.repeat(32) } },
  })
  if (tip.is !== 'record') return
  expect(decide(tip, 'third')).toMatchObject({ may: false, why: 'held' })
  expect(decide(tip, 'a')).toMatchObject({ may: false, why: 'held' })
  expect(decide(tip, 'peer-b')).toMatchObject({ may: true, attempt: 2, previous: tip.oid })
  // The origin's fence has ended with it.
  const late = await me.claims.prepare({
    repo,
    issue: 7,
    attempt: 1,
    strikes: 0,
    previous: claim.oid,
    state: 'held',
  })
  expect(await me.claims.move(late, [], signal, 1)).toMatchObject({ is: 'lost', holder: tip.oid })
  // What was done so far is on the branch, for the helper to go on from.
  const helper = await agent('peer-b')
  const won = await win(helper, tip.oid, 2)
  expect(won.record).toMatchObject({ peerId: 'peer-b', state: 'held', attempt: 2 })
  const branch = (await helper.refs.fetchBranches(['bzzz/issue-7'], signal)).get('bzzz/issue-7')
  expect(await textAt(helper, branch!)).toBe('one\ntwo\nthree\n')
})

it('a crash before the step leaves the claim to the origin, one after it to the helper', async () => {
  const me = await agent('a')
  const claim = await win(me)
  const task = {
    repo,
    issue: 7,
    attempt: 1,
    title: 'T',
    won: true,
    oids: new Set([claim.oid]),
    since: 0,
  }
  expect(decideRecovery(task, await tipOf(me), 'a')).toMatchObject({ is: 'resume' })
  const { oid } = claim
  const handed = await me.claims.prepare({
    repo,
    issue: 7,
    attempt: 1,
    strikes: 0,
    previous: oid,
    state: 'handed',
    to: { peerId: 'peer-b' },
  })
  expect(await me.claims.move(handed, [], signal)).toMatchObject({ is: 'won' })
  const tip = await tipOf(me)
  expect(decideRecovery(task, tip, 'a')).toMatchObject({ is: 'write', entry: 'released' })
  expect(decide(tip, 'peer-b')).toMatchObject({ may: true })
  // The helper never comes: any other takes over after the lease and the margin.
  const later = { sighting: { oid: handed.oid, since: 0 }, now: 65_000 }
  const third = { tip, marginMs: 5_000, maxAttempts: 3, self: 'third', abandoned: () => false }
  expect(mayClaim({ ...third, ...later, now: 64_999 })).toMatchObject({ may: false })
  expect(mayClaim({ ...third, ...later })).toMatchObject({ may: true, takeover: true, strikes: 1 })
})

it('a helper that the answer of the step did not reach still finds itself named', async () => {
  let lose = false
  const me = await agent('a', (args) =>
    args[0] === 'push' && lose ? ((lose = false), 'after') : undefined,
  )
  const claim = await win(me)
  const handed = await me.claims.prepare({
    repo,
    issue: 7,
    attempt: 1,
    strikes: 0,
    previous: claim.oid,
    state: 'handed',
    to: { peerId: 'peer-b' },
  })
  lose = true
  expect(await me.claims.move(handed, [], signal)).toMatchObject({ is: 'won' })
  expect(await me.refs.read(`${prefix}7`, signal)).toBe(handed.oid)
})

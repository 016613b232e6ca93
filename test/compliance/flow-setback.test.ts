/** Work that ends for the machine's or the model's sake: real git and claims, a fake GitHub, work that says so. */
import { expect, it } from 'vitest'
import { hold } from '../../src/tasks/attempt/attempt.ts'
import {
  agent,
  asSignals,
  changed,
  contextOf,
  fakeGitHub,
  jobOf,
  repo,
  signal,
  signals,
  useFlow,
  win,
} from './flow-world.ts'

useFlow()

const failed = (code: string, retryAt?: number) => ({
  outcome: 'failed',
  code,
  reason: `It ended with ${code}.`,
  tried: [],
  checks: [],
  durationMs: 1,
  dispose: async () => undefined,
  ...(retryAt === undefined ? {} : { retryAt }),
})

/** One attempt whose work ends so, each time it is begun; the strikes of the claim ref afterwards. */
async function attempt(ends: (() => unknown)[], candidates: object[] = []) {
  const me = await agent('a')
  const github = fakeGitHub()
  let runs = 0
  const run = async () => (ends[runs++] ?? (() => changed(me)))()
  const { context, entries, place } = contextOf(me, github, { run })
  const seen = context as { mesh: { candidates: () => object[] } }
  seen.mesh.candidates = () => candidates
  const claim = await win(me, null, 1, 2)
  const outcome = await hold(
    context,
    jobOf(place, ['a'], { strikes: 2 }),
    claim,
    asSignals(signals()),
  )
  const oid = await me.refs.read('refs/bzzz/claims/7', signal)
  const raw = (await me.refs.snapshot(signal)).get('7')
  const tip = await me.claims.decode(repo, 7, raw)
  expect(oid).not.toBeNull()
  const strikes = tip.is === 'record' ? [tip.record.state, tip.record.strikes] : []
  return { outcome, runs, strikes, github, types: entries.map(({ type }) => type) }
}

it.each(['ENVIRONMENT', 'WORKSPACE', 'NO_EXECUTOR'])(
  'what is the machine’s fault hands the issue back and uses up no attempt: %s',
  async (code) => {
    const { outcome, strikes, github } = await attempt([() => failed(code)])
    expect([outcome, strikes]).toEqual(['released', ['released', 2]])
    expect(github.state.labels).toEqual(['bzzz'])
  },
)

it('a quota that is back soon is slept on, with the claim in hand', async () => {
  const { outcome, runs, types } = await attempt([() => failed('QUOTA', Date.now() + 200)])
  expect([outcome, runs]).toEqual(['done', 2])
  expect(types).toContain('task.done')
})

it('a quota that is back late hands the issue back', async () => {
  const late = await attempt([() => failed('QUOTA', Date.now() + 3_600_000)])
  expect([late.outcome, late.runs, late.strikes]).toEqual(['released', 1, ['released', 2]])
})

it('a quota that another agent has hands the issue back at once', async () => {
  const other = {
    peerId: 'b',
    name: 'b',
    offers: new Set(),
    repositories: [repo],
    freeSlots: 1,
    kinds: new Set(['acp']),
  }
  const handed = await attempt([() => failed('QUOTA', Date.now() + 200)], [other])
  expect([handed.outcome, handed.runs]).toEqual(['released', 1])
})

it('a day’s budget hands the issue back', async () => {
  const day = await attempt([() => failed('BUDGET', Date.now() + 3_600_000)])
  expect([day.outcome, day.strikes]).toEqual(['released', ['released', 2]])
})

it('the task’s own budget ends it, with label and comment', async () => {
  const own = await attempt([() => failed('BUDGET')])
  expect(own.outcome).toBe('failed')
  expect(own.github.state.labels).toContain('bzzz:failed')
  expect(own.github.state.comments.join()).toContain('BUDGET')
})

/** A round that its owner cannot begin is claimed only to be let go, and is anybody's then. */
import { expect, it } from 'vitest'
import { attempt } from '../../src/tasks/attempt/attempt.ts'
import { mayClaimRound } from '../../src/tasks/claim/decide-round.ts'
import {
  agent,
  asSignals,
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

it('a round that is handed on is free for another agent, with its number and without a strike', async () => {
  const owner = await agent('ada')
  const claim = await win(owner)
  const done = await owner.claims.prepare({
    repo,
    issue: 7,
    attempt: 1,
    strikes: 0,
    previous: claim.oid,
    state: 'done',
  })
  await owner.claims.move(done, [], signal)
  const github = fakeGitHub({ assignees: ['ada'] })
  const { context, entries, place } = contextOf(owner, github)
  const round = {
    number: 1,
    of: 3,
    last: false,
    pull: { number: 8, url: '' },
    items: [],
    merge: false,
  }
  const job = jobOf(place, ['ada'], {
    attempt: 2,
    previous: done.oid,
    round,
    handOn: 'it has no free slot',
  })
  expect(await attempt(context, job, asSignals(signals()))).toBe('released')
  const types = entries.map(({ type }) => type)
  expect(types).toEqual(['claim.tried', 'claim.won', 'claim.renewed', 'claim.released'])
  expect(github.state).toMatchObject({ assignees: [], comments: [], labels: ['bzzz'] })

  const other = await agent('bob')
  const raw = (await other.refs.snapshot(signal)).get('7')
  const tip = await other.claims.decode(repo, 7, raw)
  expect(tip).toMatchObject({ record: { state: 'released', round: 1, strikes: 0 } })
  const decision = mayClaimRound({
    tip,
    sighting: undefined,
    now: 0,
    marginMs: 5_000,
    maxRounds: 3,
    maxAttempts: 3,
    self: 'bob',
    awaySince: undefined,
    abandoned: () => false,
  })
  expect(decision).toMatchObject({ may: true, round: 1, attempt: 3, strikes: 0, takeover: false })
})

/** Heirs of a holder that pushed its work and vanished. */
import { describe, expect, it } from 'vitest'
import { TasksError } from '../../../src/tasks/errors.ts'
import { emptyMemory, type Floor } from '../../../src/tasks/look/floor.ts'
import { marginMs } from '../../../src/tasks/intake/consider.ts'
import { inherit, inheritInTurn } from '../../../src/tasks/recover/inherit.ts'
import { nullLogger, systemClock } from '../../../src/util/index.ts'

interface World {
  candidates?: object[]
  now?: () => number
  openPull: () => Promise<object>
  /** Of the branch. */
  pulls?: { open: boolean; headOid: string; base: string }[]
  branch?: string | null
  github?: object
}

const oid = 'a'.repeat(40)
const leaseMs = 1_000

function heirOf(peerId: string, world: World) {
  const { candidates = [], now = () => 0, openPull, pulls = [], branch = oid } = world
  const context = {
    name: peerId,
    settings: { branchPrefix: 'bzzz/issue-', failed: 'bzzz:failed' },
    clock: { ...systemClock, monotonic: now },
    logger: nullLogger,
    mesh: { peerId, tell: async () => undefined, candidates: () => candidates },
    journal: {
      head: () => ({ key: 'k', epoch: 0, length: 1 }),
      append: async () => ({}),
      read: async function* () {},
    },
    github: {
      findPull: async (_r: string, _b: string, base?: string) =>
        pulls.find((pull) => base === undefined || pull.base === base),
      openPull,
      ...world.github,
    },
  }
  const floor = { isActive: () => false, context } as unknown as Floor
  const place = {
    repo: 'octo/lib',
    info: { defaultBranch: 'main' },
    refs: {
      fetchBranches: async () => new Map(branch === null ? [] : [['bzzz/issue-7', branch]]),
    },
  }
  const memory = emptyMemory()
  memory.sightings.set(7, { oid, since: now() })
  const record = { state: 'done', leaseMs, name: 'gone', attempt: 1 }
  const at = { issue: { number: 7, title: 'T' }, tip: { is: 'record', oid, record } }
  const signal = new AbortController().signal
  const run = (how: typeof inherit) => () => how(floor, place as never, memory, at as never, signal)
  return Object.assign(run(inherit), { inTurn: run(inheritInTurn) })
}

it('an heir tries again when GitHub did not answer, and then no more', async () => {
  let [opened, now] = [0, 0]
  const openPull = async () => {
    opened += 1
    if (opened === 1) throw new TasksError('GITHUB_UNREACHABLE', 'no answer')
    return { number: 1, url: '', open: true, headOid: oid }
  }
  const heir = heirOf('heir', { now: () => now, openPull })
  now = leaseMs + marginMs
  await expect(heir()).rejects.toMatchObject({ code: 'GITHUB_UNREACHABLE' })
  await heir()
  await heir()
  expect(opened).toBe(2)
})

it('heirs try one after another, and a peer that names many in front of itself holds nobody for ever', async () => {
  const peers = Array.from({ length: 20 }, (_, i) => `peer-${i}`)
  let now = 0
  const tried = new Map<string, number>()
  const heirs = peers.map((peerId) =>
    heirOf(peerId, {
      candidates: peers
        .filter((other) => other !== peerId)
        .map((other) => ({ peerId: other, repositories: ['Octo/Lib'] })),
      now: () => now,
      openPull: async () => {
        tried.set(peerId, now)
        return { number: 1, url: '', open: true, headOid: oid }
      },
    }),
  )
  const counts: number[] = []
  for (let lease = 1; lease <= 9; lease += 1) {
    now = lease * leaseMs + marginMs
    for (const heir of heirs) await heir()
    counts.push(tried.size)
  }
  expect(counts).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 20])
})

describe('work that no pull request shows', () => {
  /** What several heirs see and do of one issue. */
  function issue() {
    const state = { now: 0, comments: new Array<string>(), labels: new Array<string>(), tried: 0 }
    const github = {
      comments: async () => state.comments.map((body) => ({ body })),
      comment: async (_r: string, _n: number, body: string) => void state.comments.push(body),
      addLabel: async (_r: string, _n: number, label: string) => void state.labels.push(label),
    }
    const openPull = async () => {
      state.tried += 1
      throw new TasksError('GITHUB_REFUSED', 'GitHub refused it (base is invalid).')
    }
    const heir = (name: string, more: Partial<World> = {}) =>
      heirOf(name, { now: () => state.now, openPull, github, ...more })
    const late = async (one: ReturnType<typeof heir>) => {
      state.now += leaseMs + marginMs
      await one()
    }
    return { state, heir, late }
  }

  it('is named on the issue once, with what GitHub said and how it goes on', async () => {
    const { state, heir, late } = issue()
    for (const name of ['one', 'two']) await late(heir(name))
    expect(state.comments).toHaveLength(1)
    expect(state.comments[0]).toContain('base is invalid')
    expect(state.comments[0]).toContain('/bzzz retry')
    expect(state.labels).toContain('bzzz:failed')
  })

  it('is tried again when somebody takes the label off', async () => {
    const { state, heir, late } = issue()
    const one = heir('one')
    await late(one)
    await one.inTurn()
    expect(state.tried).toBe(1)
    state.now += 10 * 60_000
    await one.inTurn()
    expect(state).toMatchObject({ tried: 2, comments: [expect.any(String)] })
  })

  it('is named when its branch is gone', async () => {
    const { state, heir, late } = issue()
    await late(heir('one', { branch: null }))
    expect(state.comments[0]).toContain('is not there any more')
    expect(state.tried).toBe(0)
  })

  it('is shown where the pull request went into the default branch of then', async () => {
    const { state, heir, late } = issue()
    const pulls = [{ open: true, headOid: oid, base: 'old-default' }]
    await late(heir('one', { pulls }))
    await late(heir('two', { pulls, branch: null }))
    expect(state).toMatchObject({ tried: 0, comments: [], labels: [] })
  })

  it('of which GitHub refuses to speak holds up no turn, and is tried again later', async () => {
    const { state, heir } = issue()
    const openPull = async () => {
      state.tried += 1
      throw new TasksError('GITHUB_FORBIDDEN', 'no pull requests for this token')
    }
    const one = heir('one', { openPull })
    state.now = leaseMs + marginMs
    for (let turns = 0; turns < 3; turns += 1) await one.inTurn()
    expect(state.tried).toBe(1)
    state.now += 10 * 60_000
    await one.inTurn()
    expect(state.tried).toBe(2)
  })
})

/** A command is obeyed once, by whomever, and by nobody on a word that is out of date. */
import { expect, it } from 'vitest'
import { createManners } from '../../../src/tasks/feedback/manners.ts'
import { obeyComments } from '../../../src/tasks/feedback/obey.ts'
import type { Parts } from '../../../src/tasks/feedback/parts.ts'
import { emptyMemory } from '../../../src/tasks/look/floor.ts'
import { nullLogger, RecentMap, systemClock } from '../../../src/util/index.ts'

const repo = 'o/r'
const { signal } = new AbortController()

interface World {
  body: string
  /** Holder that the claim ref names now. */
  holder?: string
  /** Logins that reacted to the comment. */
  reacted: string[]
  /** Entries of all journals. */
  journal: { type: string; comment: number }[]
  /** What was done: labels, comments, ends of work. */
  done: string[]
}

/** An agent that sees the comment for the first time. */
function newcomer(world: World, { active = false, peers = ['ada'] } = {}) {
  const memory = emptyMemory()
  const issue = { number: 7, comments: 1, labels: [], assignees: [] }
  memory.issues.set(7, { issue: issue as never, readAt: 0, changedAt: 0 })
  const clock = systemClock
  const record = { peerId: world.holder, login: 'x', attempt: 1, state: 'held', leaseMs: 60_000 }
  const tip = { is: 'record', oid: 'a'.repeat(40), record }
  const raw = world.holder === undefined ? [] : [tip]
  const context = {
    name: 'owl',
    login: 'owl-bot',
    clock,
    logger: nullLogger,
    settings: { failed: 'bzzz:failed', label: 'bzzz', feedback: { needsHuman: 'h', maxRounds: 3 } },
    mesh: {
      peerId: 'owl',
      candidates: () =>
        peers.map((name) => ({ peerId: name, login: `${name}-bot`, name, repositories: [repo] })),
    },
    journal: {
      append: async (entry: { type: string; comment: number }) => void world.journal.push(entry),
      async *read({ types }: { types: string[] }) {
        yield* world.journal.filter(({ type }) => types.includes(type))
      },
    },
    github: {
      comment: async () => world.done.push('comment'),
      addLabel: async () => world.done.push('label'),
    },
  }
  const talk = {
    counts: new RecentMap(10),
    since: new RecentMap(10),
    due: new RecentMap(10),
    handled: new Set(),
    manners: createManners(clock),
  }
  const said = { id: 5, body: world.body, author: 'grace', bot: false }
  const parts = {
    memory,
    own: { watched: new Map(), talk },
    floor: {
      context,
      isActive: () => active,
      stop: () => active && world.done.push('stop') > 0,
      say: async () => undefined,
    },
    place: {
      repo,
      refs: {
        snapshot: async () => new Map(raw.map((one) => ['7', one])),
        history: async () => raw,
        isAncestor: async () => true,
      },
      claims: {
        decode: async (_: string, _issue: number, one?: unknown) => one ?? { is: 'absent' },
        refOf: () => '',
      },
    },
    reviews: {
      talk: async () => [
        { ...said, createdAt: new Date().toISOString(), reactions: world.reacted.length },
      ],
      reactors: async () => world.reacted,
      react: async () => world.done.push('reaction'),
    },
    people: { mayTriage: async () => true },
  } as unknown as Parts
  return { talk, look: () => obeyComments(parts, signal) }
}

const create = (world: Partial<World>): World => ({
  body: '/bzzz stop',
  reacted: [],
  journal: [],
  done: [],
  ...world,
})

it('is carried out when nobody has', async () => {
  const world = create({})
  await newcomer(world, { peers: [] }).look()
  expect(world.done).toEqual(['label', 'comment', 'reaction'])
})

it('is not carried out again when a journal says that it was', async () => {
  const world = create({ journal: [{ type: 'feedback.command', comment: 5 }] })
  await newcomer(world, { peers: [] }).look()
  expect(world.done).toEqual([])
})

it('is not carried out again when an agent of the mesh reacted that never claimed', async () => {
  const world = create({ reacted: ['ada-bot'] })
  // It stands behind another, whose time passes first.
  const { talk, look } = newcomer(world)
  talk.due.set(7, 0)
  await look()
  expect(world.done).toEqual([])
})

it('stops who works on it, whatever peers say of it', async () => {
  const world = create({ holder: 'owl', reacted: ['ada-bot'] })
  world.journal.push({ type: 'feedback.command', comment: 5 })
  await newcomer(world, { active: true }).look()
  expect(world.done).toEqual(['stop', 'reaction'])
})

it('is left to the holder that the claim ref names, and looked at when that one is gone', async () => {
  const world = create({ body: '/bzzz release', holder: 'ada' })
  const { talk, look } = newcomer(world)
  talk.due.set(7, 0)
  await look()
  expect(world.done).toEqual([])
  expect(talk.counts.get(7)).toBeUndefined()
  expect(talk.handled.size).toBe(0)
})

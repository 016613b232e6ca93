/** `/bzzz retry` is obeyed once, whatever happens between the label and the end of it. */
import { describe, expect, it } from 'vitest'
import type { Tip } from '../../../src/tasks/claim/decide.ts'
import { createManners } from '../../../src/tasks/feedback/manners.ts'
import { obeyComments } from '../../../src/tasks/feedback/obey.ts'
import type { Parts } from '../../../src/tasks/feedback/parts.ts'
import { emptyMemory } from '../../../src/tasks/look/floor.ts'
import { nullLogger, RecentMap, systemClock } from '../../../src/util/index.ts'

const repo = 'o/r'
const label = 'bzzz:failed'
const { signal } = new AbortController()

/** GitHub, the claim refs and the journals, which outlive processes. */
function createWorld() {
  const world = {
    failed: true,
    attempt: 1,
    state: 'failed',
    reacted: [] as string[],
    removals: 0,
    journal: [] as { type: string; agent: string; after?: number }[],
  }
  const tip = (): Tip => ({
    is: 'record',
    oid: String(world.attempt).repeat(40),
    record: { peerId: 'gone', login: 'bot', attempt: world.attempt, state: world.state } as never,
  })
  /** A process that saw nothing yet. `dies`: the step that it does not come back from. */
  function agent(name: string, dies?: 'label' | 'reaction') {
    const memory = emptyMemory()
    const issue = { number: 7, comments: 1, labels: [], assignees: [] }
    memory.issues.set(7, { issue: issue as never, readAt: 0, changedAt: 0 })
    const journal = {
      append: async (entry: { type: string }) => void world.journal.push({ ...entry, agent: name }),
      async *read({ types }: { types: string[] }) {
        yield* world.journal.filter(({ type }) => types.includes(type)).map((one) => ({ ...one }))
      },
    }
    const mesh = { peerId: name, candidates: () => [] }
    const settings = { failed: label, feedback: { needsHuman: 'human', maxRounds: 3 } }
    const context = { name, login: 'bot', clock: systemClock, logger: nullLogger }
    const clock = systemClock
    const talk = {
      counts: new RecentMap(10),
      since: new RecentMap(10),
      due: new RecentMap(10),
      handled: new Set(),
      manners: createManners(clock),
    }
    const said = { id: 5, body: '/bzzz retry', author: 'grace', bot: false }
    const stamp = { createdAt: new Date().toISOString() }
    const parts = {
      memory,
      own: { watched: new Map(), talk },
      floor: {
        context: { ...context, journal, mesh, settings, github: { comment: async () => '' } },
        isActive: () => false,
        say: async () => undefined,
      },
      place: {
        repo,
        refs: {
          snapshot: async () => new Map([['7', tip()]]),
          history: async () => [tip()],
          isAncestor: async () => true,
        },
        claims: { decode: async (_: string, _issue: number, raw: Tip) => raw, refOf: () => '' },
      },
      reviews: {
        talk: async () => [{ ...said, ...stamp, reactions: world.reacted.length }],
        reactors: async () => world.reacted,
        async react() {
          if (dies === 'reaction') throw new Error('killed')
          world.reacted.push('bot')
        },
        async removeLabel(_: string, _number: number, name: string) {
          if (name !== label) return
          if (world.failed) world.removals += 1
          world.failed = false
          if (dies === 'label') throw new Error('killed')
        },
      },
      people: { mayTriage: async () => true },
    } as unknown as Parts
    return { memory, look: () => obeyComments(parts, signal) }
  }
  /** Somebody who never saw the comment tries the issue, in vain. */
  const tryInVain = () => Object.assign(world, { failed: true, attempt: world.attempt + 1 })
  return { world, agent, tryInVain }
}

describe.each(['label', 'reaction'] as const)('a retry whose agent dies at the %s', (step) => {
  it.each(['owl', 'heir'])('leads to one more try when %s goes on with it', async (next) => {
    const { world, agent, tryInVain } = createWorld()
    await expect(agent('owl', step).look()).rejects.toThrow('killed')
    tryInVain()
    const { look, memory } = agent(next)
    await look()
    expect(world.removals).toBe(1)
    expect(world.failed).toBe(true)
    expect(memory.retries.size).toBe(0)
    expect(world.reacted).toEqual(['bot'])
    expect(world.journal.at(-1)).toMatchObject({ type: 'feedback.command', after: 1 })
  })

  it('is carried out when nobody has tried since', async () => {
    const { world, agent } = createWorld()
    await expect(agent('owl', step).look()).rejects.toThrow('killed')
    world.failed = true
    const { look, memory } = agent('owl')
    await look()
    expect(world.failed).toBe(false)
    expect(memory.retries.get(7)).toEqual({ comment: 5, attempt: 1 })
  })

  it('is as good as done while the try that it led to is running', async () => {
    const { world, agent } = createWorld()
    await expect(agent('owl', step).look()).rejects.toThrow('killed')
    Object.assign(world, { attempt: 2, state: 'held' })
    await agent('heir').look()
    expect(world.journal.at(-1)).toMatchObject({ outcome: 'done', after: 1 })
  })
})

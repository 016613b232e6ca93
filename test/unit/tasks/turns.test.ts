/** The turns of a repository as people see them: what is said of it, once for each change. */
import { describe, expect, it } from 'vitest'
import type { Context, RepoContext } from '../../../src/tasks/context.ts'
import type { Floor, Said } from '../../../src/tasks/look/floor.ts'
import { TasksError } from '../../../src/tasks/errors.ts'
import type { Issue } from '../../../src/tasks/github/github.ts'
import { createOutage } from '../../../src/tasks/github/outage.ts'
import { createTurns } from '../../../src/tasks/look/turns.ts'
import { nullLogger } from '../../../src/util/index.ts'
import { fakeClock } from '../mesh/fake-clock.ts'

const repo = 'octo/lib'

function setup() {
  const clock = fakeClock()
  const lines: string[] = []
  const said: Said[] = []
  const abandoned: string[] = []
  const state = {
    fails: false,
    active: false,
    opened: 0,
    changed: false,
    gone: false,
    issues: new Array<Issue>(),
  }
  const say = (_: object, message: string) => void lines.push(message)
  const outage = createOutage({ pauseMs: 1_000, onChange: () => undefined }, { clock })
  const settings = { trigger: 'bzzz', failed: 'bzzz:failed', pollMs: 1_000 }
  const context = {
    clock,
    settings,
    github: { openIssues: async () => state.issues },
  } as unknown as Context
  const floor = {
    context,
    isActive: () => state.active,
    activeIssues: () => [],
    say: async (fact: Said) => void said.push(fact),
  } as unknown as Floor
  const turns = createTurns(
    { repo, pollMs: 1_000, safetyMs: 10_000, staggerMs: 0 },
    {
      clock,
      outage,
      logger: { ...nullLogger, info: say, warn: say },
      context: async () => {
        if (state.fails) throw new Error('no answer')
        return context
      },
      floor: () => floor,
      open: async () => {
        state.opened += 1
        if (state.gone) throw new TasksError('GITHUB_NOT_FOUND', 'no such repository')
        return { repo } as RepoContext
      },
      settle: async () => {
        if (state.gone) throw new TasksError('GITHUB_NOT_FOUND', 'no such repository')
        if (!state.changed) return
        state.changed = false
        throw new TasksError('REPO_CHANGED', 'another default branch')
      },
      abandon: (reason) => void abandoned.push(reason),
      doubts: () => false,
      matters: () => true,
      rota: { self: 'a', others: () => [], stretch: () => 1, full: () => false, rank: () => 0 },
    },
  )
  return { clock, lines, said, abandoned, state, outage, turns }
}

describe('turns', () => {
  it('say once that a repository cannot be worked, and once that it can again', async () => {
    const { clock, lines, state, turns } = setup()
    state.fails = true
    await turns.start()
    await clock.advance(5_000)
    expect(lines).toEqual([`${repo} cannot be worked now`])
    expect(turns.status()).toMatchObject({ ok: false, error: 'no answer' })
    state.fails = false
    await clock.advance(60_000)
    expect(lines.slice(1)).toEqual([`${repo} can be worked again`])
    expect(turns.status()).toMatchObject({ ok: true, error: null })
    await turns.stop()
  })

  it('make a repository ready again when its default branch is another one', async () => {
    const { clock, lines, state, turns } = setup()
    await turns.start()
    await clock.advance(3_000)
    expect(state.opened).toBe(1)
    state.changed = true
    await clock.advance(5_000)
    expect(state.opened).toBe(2)
    expect(lines).toEqual([`${repo} is made ready again`])
    expect(turns.status()).toMatchObject({ ok: true, error: null })
    await turns.stop()
  })

  it('end what is worked in a repository that stays out of sight', async () => {
    const { clock, abandoned, state, turns } = setup()
    await turns.start()
    await clock.advance(3_000)
    state.gone = true
    await clock.advance(4 * 60_000)
    state.gone = false
    await clock.advance(2 * 60_000)
    expect(abandoned).toEqual([])
    state.gone = true
    await clock.advance(8 * 60_000)
    expect(abandoned[0]).toContain('is gone')
    await turns.stop()
  })

  it('show why nobody looks at a repository that was never read', async () => {
    const { outage, turns } = setup()
    outage.failed('api', 'connection refused')
    await turns.start()
    expect(turns.status()).toMatchObject({ ok: false, error: 'connection refused' })
    await turns.stop()
  })

  it('do not skip what this agent is about to end for the label that it just set', async () => {
    const { clock, said, state, turns } = setup()
    const labels = ['bzzz', 'bzzz:failed']
    state.issues = [{ number: 7, open: true, labels, assignees: [], body: '' } as unknown as Issue]
    state.active = true
    await turns.start()
    await clock.advance(3_000)
    expect(said).toEqual([])
    state.active = false
    await clock.advance(3_000)
    expect(said[0]).toMatchObject({ is: 'skipped', reason: expect.stringContaining('failed') })
    await turns.stop()
  })
})

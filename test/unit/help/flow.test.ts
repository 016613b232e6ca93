import { afterEach, describe, expect, it } from 'vitest'
import { treesOf } from '../../../src/help/index.ts'
import { begin, end, ofType, request } from './ask.ts'
import { createWorld, idOf, line, star, type World, type WorldInit } from './world.ts'

let world: World | undefined
afterEach(async () => {
  await world?.stop()
  world = undefined
})
const open = async (init: WorldInit) => {
  world = await createWorld({ random: () => 0.5, ...init })
  return world
}

describe('help over a line whose ends never meet', () => {
  it('comes from three hops away, and letters find their way by the path', async () => {
    const all = await open({ count: 4, links: line(4), helpers: [3] })
    const asked = begin(all, 0)
    const outcome = await end(all, asked)
    expect(outcome).toMatchObject({ is: 'answered', helper: idOf(3) })
    if (outcome.is !== 'answered') return
    expect(outcome.answer).toEqual({ form: 'advice', text: 'by 3' })
    await all.help(0).conclude(outcome.id, 'used', 'It helped.')
    await all.clock.run(1_000)
    for (const is of ['asked', 'sent', 'offered', 'accepted', 'ended']) {
      expect(asked.steps.filter((step) => step.is === is)).toHaveLength(1)
    }
    expect(ofType(all.journal(3), 'help.result')).toMatchObject([{ outcome: 'used' }])
    expect(ofType(all.journal(1), 'help.relayed').map(({ letter }) => letter)).toEqual(
      expect.arrayContaining(['offer', 'accept', 'answer', 'result']),
    )
    expect(all.help(0).open()).toEqual([])
    const [tree] = treesOf(all.entries())
    expect(tree).toMatchObject({ outcome: 'used', helper: idOf(3), round: 1 })
    const chain = [tree?.root, tree?.root.children[0], tree?.root.children[0]?.children[0], tree?.root.children[0]?.children[0]?.children[0]] // prettier-ignore
    expect(chain.map((node) => node?.did)).toEqual([
      'forwarded',
      'forwarded',
      'forwarded',
      'answered',
    ])
    expect(chain.map((node) => node?.hop)).toEqual([0, 1, 2, 3])
  })

  it('does not come from further: the request is discarded', async () => {
    const all = await open({ count: 6, links: line(6), helpers: [4, 5] })
    const outcome = await end(all, begin(all, 0))
    expect(outcome).toMatchObject({ is: 'nobody' })
    expect(ofType(all.journal(3), 'help.discarded')).toMatchObject([{ why: 'hops' }])
    expect(all.journal(4)).toEqual([])
    const [tree] = treesOf(all.entries())
    expect(tree?.root.children[0]?.children[0]?.children[0]).toMatchObject({ did: 'declined' })
  })

  it('stops when the origin withdraws', async () => {
    const helper = () => ({
      help: (_: unknown, signal: AbortSignal) =>
        new Promise<never>((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(new Error('stopped'))),
        ),
    })
    const all = await open({ count: 3, links: line(3), helpers: [2], helper })
    const leave = new AbortController()
    const asked = begin(all, 0, {}, leave.signal)
    await all.clock.run(20_000, () => all.began.length > 0)
    expect(all.began[0]?.signal.aborted).toBe(false)
    leave.abort()
    expect(await end(all, asked)).toMatchObject({ is: 'withdrawn' })
    await all.clock.run(1_000)
    expect(all.began[0]?.signal.aborted).toBe(true)
    expect(ofType(all.journal(1), 'help.withdrawn')).toHaveLength(1)
    expect(ofType(all.journal(2), 'help.result')).toMatchObject([{ outcome: 'withdrawn' }])
  })
})

describe('several that can', () => {
  it('are told of one choice: the fittest helps alone', async () => {
    const all = await open({ count: 5, links: star(5, 0), helpers: [1, 2, 3, 4] })
    const asked = begin(all, 0)
    const outcome = await end(all, asked)
    expect(all.began).toHaveLength(1)
    const offers = asked.steps.filter(({ is }) => is === 'offered')
    expect(offers.length).toBeGreaterThan(1)
    const chosen = outcome.is === 'answered' ? outcome.helper : undefined
    const best = Math.max(...offers.map((step) => (step.is === 'offered' ? step.fitness : 0)))
    expect(offers.find((step) => step.is === 'offered' && step.fitness === best)).toMatchObject({ by: chosen }) // prettier-ignore
    await all.clock.run(1_000)
    const results = ofType(all.entries(), 'help.result').map((entry) => entry['outcome'])
    expect(results).toContain('unchosen')
  })
})

describe('a task that nobody helps', () => {
  it('is exhausted after three requests, with what was tried', async () => {
    const all = await open({ count: 3, links: line(3) })
    expect(await end(all, begin(all, 0))).toMatchObject({ is: 'nobody' })
    expect(await end(all, begin(all, 0))).toMatchObject({ is: 'nobody' })
    const third = await end(all, begin(all, 0))
    expect(third).toMatchObject({
      is: 'exhausted',
      tried: [1, 2, 3].map((round) => ({ round, outcome: 'nobody', asked: [idOf(1)] })),
    })
    if (third.is !== 'exhausted') return
    for (const { entries } of third.tried) {
      expect(entries.length).toBeGreaterThan(2)
      for (const { seq } of entries) expect(all.journal(0)[seq]?.type).toMatch(/^help\./)
    }
    const frames = all.frames.length
    expect(await end(all, begin(all, 0))).toMatchObject({ is: 'exhausted' })
    expect(all.frames).toHaveLength(frames)
    await all.clock.run(10)
    expect(ofType(all.journal(0), 'help.exhausted').length).toBeGreaterThan(0)
    const other = { task: { ...request.task, issue: 8 } }
    expect(await end(all, begin(all, 0, other))).toMatchObject({ is: 'nobody' })
  })

  it('is refused a second request at once, and one that does not fit', async () => {
    const all = await open({ count: 2, links: line(2), helpers: [1] })
    begin(all, 0)
    await expect(end(all, begin(all, 0))).rejects.toMatchObject({ code: 'HELP_BUSY' })
    const wrong = begin(all, 0, { task: { ...request.task, issue: 9 }, lifeMs: 1 })
    await expect(end(all, wrong)).rejects.toMatchObject({
      code: 'HELP_INVALID',
      data: { field: 'lifeMs' },
    })
  })
})

describe('a helper', () => {
  it('that fails says so, and the origin knows', async () => {
    const helper = () => ({ help: async () => Promise.reject(new Error('no idea')) })
    const all = await open({ count: 2, links: line(2), helpers: [1], helper })
    expect(await end(all, begin(all, 0))).toMatchObject({ is: 'lost', helper: idOf(1) })
    expect(ofType(all.journal(1), 'help.failed')).toMatchObject([{ reason: 'no idea' }])
  })

  it('that gives what nobody wants has failed', async () => {
    const helper = () => ({ help: async () => ({ form: 'takeover' as const, note: '' }) })
    const all = await open({ count: 2, links: line(2), helpers: [1], helper })
    expect(await end(all, begin(all, 0))).toMatchObject({ is: 'lost' })
  })

  it('is stopped by the end of its budget', async () => {
    const helper = () => ({ help: () => new Promise<never>(() => {}) })
    const all = await open({ count: 2, links: line(2), helpers: [1], helper })
    const outcome = await end(all, begin(all, 0, { budget: { ms: 5_000 } }))
    expect(outcome).toMatchObject({ is: 'lost' })
    expect(all.began[0]?.signal.aborted).toBe(true)
    expect(all.clock.monotonic()).toBeLessThan(20_000)
  })
})

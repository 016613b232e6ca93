/** A model that a label names is what the agent uses, or another executor does the work. */
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRig, order, policy, runOrder, type Rig } from '../unit/work/rig.ts'

const ACTOR = join(import.meta.dirname, 'fixtures/acp-actor.ts')
let rig: Rig
beforeEach(() => {
  rig = createRig()
})
afterEach(async () => {
  expect(rig.processes.list()).toEqual([])
  await rig.close()
})

const agent = (name: string, script: object, models = ['Opus', 'haiku']) => ({
  name,
  kind: 'acp' as const,
  models,
  command: ['node', ACTOR, JSON.stringify({ writes: { 'a.txt': 'a' }, ...script })] as string[],
})
const labels = ['bzzz', 'model:opus']
function asking() {
  const { issue, ...rest } = order(rig.repo({ 'README.md': 'hi\n' }))
  return { ...rest, issue: { ...issue, labels } }
}

describe('the model of a label', () => {
  it.each(['option', 'list'] as const)('is set by the protocol, offered by %s', async (by) => {
    const work = await rig.work([agent('one', { models: { by, names: ['haiku', 'opus'] } })])
    const { result } = await runOrder(work, asking())
    if (result.outcome !== 'changed') throw new Error(result.reason)
    expect(rig.show(result.gitDir, `${result.head}:model.txt`)).toBe('opus')
    await result.dispose()
  })

  it('goes to another executor where the agent cannot be told, and is not asked of it again', async () => {
    const work = await rig.work([
      agent('mute', {}),
      agent('other', { models: { by: 'option', names: ['haiku', 'sonnet'] } }),
      agent('able', { models: { by: 'option', names: ['haiku', 'opus'] } }),
    ])
    const { result, events } = await runOrder(work, asking())
    expect(result).toMatchObject({ outcome: 'changed', executor: 'able' })
    const started = events.filter(({ type }) => type === 'executor.started')
    expect(started).toMatchObject([
      { executor: 'mute' },
      { executor: 'other' },
      { executor: 'able' },
    ])
    // Nobody is left alone for it: they do what names no model.
    expect(work.standings()).toEqual([])
    expect(work.choose({}, policy({}), { labels })).toMatchObject({ executor: 'able' })
    expect(work.choose({}, policy({}))).toMatchObject({ executor: 'mute' })
    await result.dispose()
  })

  it('is told to people where nobody here can be told to use it', async () => {
    const work = await rig.work([agent('mute', {})])
    const { result } = await runOrder(work, asking())
    expect(result).toMatchObject({ outcome: 'failed', code: 'NO_EXECUTOR' })
    expect(work.choose({}, policy({}), { labels })).toMatchObject({
      code: 'NO_EXECUTOR',
      reason: expect.stringMatching(
        /"opus", which cannot be set here.*mute: .*cannot be told/,
      ) as string,
    })
    await result.dispose()
  })
})

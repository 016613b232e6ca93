/** Executors that fail for the machine's sake: another takes over, they are left alone, and come back. */
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { until } from '../../src/util/index.ts'
import type { Work } from '../../src/work/index.ts'
import { FILES, createRig, order, policy, runOrder, type Rig } from '../unit/work/rig.ts'

let rig: Rig
beforeEach(() => {
  rig = createRig()
})
afterEach(async () => {
  expect(rig.processes.list()).toEqual([])
  await rig.close()
})

const edits = { 'new.txt': 'made\n' }
const reasons = (work: Work) => work.standings().map(({ executor, is, why }) => [executor, is, why])

it('the next executor of the agent takes over, and the one that keeps failing is left alone', async () => {
  const broken = { name: 'broken', kind: 'mock', trouble: 'environment' } as const
  const work = await rig.work([broken, { name: 'sound', kind: 'mock', edits }])
  const repo = rig.repo(FILES)
  const ask = async (number: number) => {
    const { issue, ...rest } = order(repo)
    return runOrder(work, { ...rest, issue: { ...issue, number } }, {})
  }
  for (const number of [1, 2]) {
    const { result, events } = await ask(number)
    expect(result).toMatchObject({ outcome: 'changed', executor: 'sound' })
    const started = events.filter(({ type }) => type === 'executor.started')
    expect(started).toMatchObject([{ executor: 'broken' }, { executor: 'sound' }])
    await result.dispose()
  }
  expect(reasons(work)).toEqual([['broken', 'away', 'environment']])
  const { result, events } = await ask(3)
  const started = events.filter(({ type }) => type === 'executor.started')
  expect(started).toMatchObject([
    { executor: 'sound', reason: 'broken is left alone (environment)' },
  ])
  await result.dispose()
  await work.stop()
})

it('the next executor goes on from what the first has left, and is told what that tried', async () => {
  const actor = join(import.meta.dirname, 'fixtures/acp-actor.ts')
  const limited = {
    writes: { 'half.txt': 'half\n' },
    error: { code: 429, message: 'rate limit reached' },
  }
  const [first, second] = [limited, { writes: { 'rest.txt': 'rest\n' }, keepsPrompt: true }].map(
    (script) => ['node', actor, JSON.stringify(script)],
  )
  const repo = rig.repo(FILES)
  // Whether somebody keeps checkpoints or not.
  for (const kept of [[], ['kept']]) {
    const seen: string[] = []
    const work = await rig.work([
      { name: 'first', kind: 'acp', command: first },
      { name: 'second', kind: 'acp', command: second },
    ])
    const onCheckpoint = ({ why }: { why: string }) =>
      Promise.resolve((seen.push(why), 'kept' as const))
    const { signal } = new AbortController()
    const keeping = kept.length > 0 ? { onCheckpoint } : {}
    const result = await work.run(order(repo), {}, { signal, onEvent: () => undefined, ...keeping })
    if (result.outcome !== 'changed') throw new Error(result.reason)
    expect(result.executor).toBe('second')
    expect(seen).toEqual(kept.length > 0 ? ['stop'] : [])
    expect(result.files.map(({ path }) => path)).toEqual(['half.txt', 'prompt.txt', 'rest.txt'])
    // One commit on the base: what the first one left is no commit of its own.
    expect(rig.show(result.gitDir, `${result.head}~1`)).toContain(repo.base)
    const prompt = rig.show(result.gitDir, `${result.head}:prompt.txt`)
    expect(prompt).toMatch(/first worked for \d+ s and was not finished/)
    await result.dispose()
    await work.stop()
  }
})

it('a model without quota is left alone until its time, and is tried again then', async () => {
  const retryAfterMs = 1_500
  const work = await rig.work([{ name: 'poor', kind: 'mock', trouble: 'quota', retryAfterMs }])
  const { result } = await runOrder(work, order(rig.repo(FILES)), {})
  expect(result).toMatchObject({
    outcome: 'failed',
    code: 'QUOTA',
    retryAt: expect.any(Number) as number,
  })
  expect(work.choose({}, policy({}))).toMatchObject({ code: 'QUOTA' })
  await until('the trial', 60_000, () => work.standings()[0]?.is === 'trial')
  expect(work.choose({}, policy({}))).toMatchObject({ executor: 'poor' })
  await result.dispose()
  await work.stop()
})

it('a budget stops an executor in the middle of its work, and nothing of the task is begun again', async () => {
  const costly = {
    name: 'costly',
    kind: 'mock',
    runForMs: 10_000,
    usage: { inputTokens: 10_000 },
    edits,
  } as const
  const work = await rig.work([costly], { budgets: { task: { tokens: 1_500 } } })
  const { result, events } = await runOrder(work, order(rig.repo(FILES)), {})
  expect(result).toMatchObject({ outcome: 'failed', code: 'BUDGET' })
  expect(result).not.toHaveProperty('retryAt')
  expect(events.find(({ type }) => type === 'executor.ended')).toMatchObject({ outcome: 'budget' })
  const { repo, issue } = order(rig.repo(FILES))
  const about = { repo, issue: issue.number, labels: [] }
  expect(work.choose({}, policy({}), about)).toMatchObject({ code: 'BUDGET' })
  expect(work.choose({}, policy({}), { ...about, issue: 99 })).toMatchObject({ executor: 'costly' })
  expect(work.standings()).toEqual([])
  await result.dispose()
  await work.stop()
})

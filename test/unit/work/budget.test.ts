/** Budgets: what counts as spent, which limit is over, and an executor that is stopped in the middle of its work. */
import { describe, expect, it } from 'vitest'
import type { JournalEntry, LoggedEntry } from '../../../src/journal/index.ts'
import { nullLogger, systemClock, unlimited } from '../../../src/util/index.ts'
import { createBudgeting } from '../../../src/work/budget/budget.ts'
import { createLedger } from '../../../src/work/budget/ledger.ts'
import {
  budgetsSchema,
  describeLimit,
  exceeded,
  keepsFromNew,
  limitsOf,
  nothing,
  wallLeft,
  wholeAgainAt,
  type Spent,
} from '../../../src/work/budget/limits.ts'
import { metered } from '../../../src/work/budget/metered.ts'
import { executorConfigSchema, DEFAULT_LIMITS } from '../../../src/work/config.ts'
import { createMockExecutor } from '../../../src/work/executors/mock.ts'
import { parsePolicy } from '../../../src/work/policy.ts'

const day = 24 * 60 * 60_000
const task = { repo: 'octo/lib', issue: 7 }
const spent = (change: Partial<Spent> = {}): Spent => ({ ...nothing(), ...change })
const ended = (
  change: Partial<Extract<JournalEntry, { type: 'executor.ended' }>> = {},
): JournalEntry => ({
  type: 'executor.ended',
  task,
  attempt: 1,
  executor: 'claude',
  outcome: 'done',
  durationMs: 1_000,
  usage: { inputTokens: 60, outputTokens: 40, costMicros: 500 },
  v: 1,
  epoch: 0,
  seq: 1,
  time: 0,
  ...change,
})
const activity = (inputTokens: number, time = 0): JournalEntry => ({
  type: 'executor.activity',
  task,
  attempt: 1,
  executor: 'claude',
  tools: [],
  moreTools: 0,
  usage: { inputTokens },
  v: 1,
  epoch: 0,
  seq: 1,
  time,
})

describe('limits', () => {
  const budgets = budgetsSchema.parse({ task: { tokens: 100 }, peer: { usd: 1.5, wallMs: 60_000 } })
  const limits = (of: Partial<Record<'task' | 'day' | 'peer', Spent>>) =>
    limitsOf(budgets, 'configuration', (scope) => of[scope] ?? spent())

  it('are over when all is used, and keep from new work when a day’s is nearly', () => {
    expect(exceeded(limits({ task: spent({ tokens: 99 }) }))).toBeUndefined()
    expect(exceeded(limits({ task: spent({ tokens: 100 }) }))).toMatchObject({ scope: 'task' })
    expect(keepsFromNew(limits({ task: spent({ tokens: 99 }) }))).toBeUndefined()
    expect(keepsFromNew(limits({ peer: spent({ costMicros: 1_349_999 }) }))).toBeUndefined()
    const near = keepsFromNew(limits({ peer: spent({ costMicros: 1_350_001 }) }))
    expect(near).toMatchObject({ scope: 'peer', kind: 'costMicros', limit: 1_500_000 })
    expect(describeLimit(near!)).toContain(
      'nearly used up: $1.3500 of $1.5000 (work.budget.peer.usd)',
    )
  })

  it('leave time for an executor, and none below nothing', () => {
    expect(wallLeft(limits({ peer: spent({ wallMs: 50_000 }) }))).toBe(10_000)
    expect(wallLeft(limits({ peer: spent({ wallMs: 70_000 }) }))).toBe(0)
    expect(wallLeft([])).toBe(Infinity)
  })

  it('of a day end with it; of a task never', () => {
    expect(wholeAgainAt({ scope: 'day' }, 1.5 * day)).toBe(2 * day)
    expect(wholeAgainAt({ scope: 'task' }, 1.5 * day)).toBeUndefined()
  })

  it('stand in WORKFLOW.md, too, and are checked', () => {
    const workflow = '---\nbudget:\n  task: { tokens: 5000, usd: 0.5 }\n---\n'
    expect(parsePolicy({ workflow, agents: undefined }).budget).toEqual({
      task: { tokens: 5_000, costMicros: 500_000 },
    })
    const bad = '---\nbudget:\n  week: { tokens: 5000 }\n---\n'
    expect(() => parsePolicy({ workflow: bad, agents: undefined })).toThrow(/budget/)
  })
})

describe('the ledger', () => {
  it('adds up turns and attempts, by task, day, peer and repository', () => {
    const ledger = createLedger()
    ledger.add(ended(), 'ada')
    ledger.add(ended({ seq: 2 }), 'ada')
    ledger.add(ended({ attempt: 2, time: day }), 'bob')
    ledger.add(ended({ task: { repo: 'octo/other', issue: 1 } }), 'ada')
    expect(ledger.ofTask(task)).toEqual({ tokens: 300, costMicros: 1_500, wallMs: 3_000 })
    expect(ledger.ofDay(0, {}).tokens).toBe(300)
    expect(ledger.ofDay(0, { peerId: 'ada', repo: 'Octo/Lib' }).tokens).toBe(200)
    expect(ledger.ofDay(day + 5, { peerId: 'bob' }).tokens).toBe(100)
    expect(ledger.ofDay(day, { peerId: 'ada' })).toEqual(spent())
  })

  it('counts what was told while it ran once, and keeps it when the end never came', () => {
    const ledger = createLedger()
    ledger.add(activity(50), 'ada')
    ledger.add(activity(80), 'ada')
    expect(ledger.ofTask(task).tokens).toBe(80)
    ledger.add(ended(), 'ada')
    expect(ledger.ofTask(task).tokens).toBe(100)
  })

  it('forgets a task that ended as failed: only a person can have it tried again', () => {
    const ledger = createLedger()
    ledger.add(ended(), 'ada')
    const failed = { type: 'task.failed', task, attempt: 1, code: 'X', reason: '', durationMs: 1 }
    ledger.add({ ...failed, v: 1, epoch: 0, seq: 2, time: 0 } as JournalEntry, 'ada')
    expect(ledger.ofTask(task)).toEqual(spent())
    expect(ledger.ofDay(0, {}).tokens).toBe(100)
  })

  it('counts time in whole ms', () => {
    const ledger = createLedger()
    ledger.add(ended({ durationMs: 149_498.271659 }), 'ada')
    expect(ledger.ofTask(task).wallMs).toBe(149_498)
  })

  it('believes no absurd number', () => {
    const ledger = createLedger()
    ledger.add(ended({ usage: { inputTokens: 1e300, costMicros: Number.NaN } }), 'liar')
    expect(ledger.ofDay(0, {})).toMatchObject({ tokens: 1e12, costMicros: 0 })
  })
})

describe('the budgets of an agent', () => {
  const logged = (entry: JournalEntry, peerId = 'ada'): LoggedEntry => ({
    ...entry,
    agent: peerId,
    peerId,
  })

  function journalOf(entries: LoggedEntry[]) {
    return {
      async *read() {
        yield* entries
      },
      async *tail(_: object, signal: AbortSignal) {
        yield* entries
        if (signal.aborted) return
        await new Promise<void>((resolve) =>
          signal.addEventListener('abort', () => resolve(), { once: true }),
        )
      },
    }
  }

  it('are remembered over a restart, from journals, each entry once', async () => {
    const now = Date.now()
    const entries = [
      logged(ended({ time: now })),
      logged(ended({ time: now, seq: 4 }), 'bob'),
      logged(ended({ time: now, seq: 3 }), 'bob'),
    ]
    const budgets = { task: { tokens: 200 }, peer: { tokens: 1_000 } }
    const budgeting = createBudgeting(
      { budgets, peerId: 'ada' },
      { journal: journalOf(entries), clock: systemClock, logger: nullLogger },
    )
    await budgeting.start()
    try {
      expect(budgeting.spent(task).tokens).toBe(200)
      expect(budgeting.view()).toMatchObject([{ scope: 'peer', used: 100, limit: 1_000 }])
      expect(budgeting.refusal(task, undefined)).toMatchObject({ scope: 'task' })
      expect(budgeting.refusal(task, undefined)).not.toHaveProperty('retryAt')
      const other = { repo: 'octo/lib', issue: 8 }
      expect(budgeting.refusal(other, undefined)).toBeUndefined()
      // The smaller of the two wins.
      expect(budgeting.refusal(other, { peer: { tokens: 105 } })).toMatchObject({
        scope: 'peer',
        retryAt: expect.any(Number) as number,
      })
    } finally {
      await budgeting.stop()
    }
  })
})

describe('an executor with a meter', () => {
  const place = { root: '/nowhere', clone: '/nowhere', home: '/nowhere', tmp: '/nowhere' }
  const mock = (extra: object) => {
    const config = executorConfigSchema.parse({ name: 'm', kind: 'mock', ...extra })
    if (config.kind !== 'mock') throw new Error('no mock')
    return createMockExecutor(config, { clock: systemClock })
  }
  const lifeTimeMs = 60_000
  const start = (budgets: object, extra: object) => {
    const budgeting = createBudgeting(
      { budgets: budgetsSchema.parse(budgets), peerId: 'ada' },
      { clock: systemClock, logger: nullLogger },
    )
    const meter = budgeting.meter({ ...task, attempt: 1, executor: 'm' }, undefined)
    const running = metered(mock(extra), meter).start(
      { label: 'x', prompt: '', limits: { ...DEFAULT_LIMITS, lifeTimeMs } },
      place,
      { signal: new AbortController().signal, permit: unlimited },
    )
    const drained = (async () => {
      for await (const event of running.events) void event
    })()
    return { running, meter, drained, budgeting }
  }

  it('is stopped in the middle of its work when the tokens are used up', async () => {
    const { running, meter, drained, budgeting } = start(
      { task: { tokens: 350 } },
      { runForMs: 5_000, usage: { inputTokens: 60_000 }, edits: {} },
    )
    const result = await running.result
    expect(result).toMatchObject({ outcome: 'budget' })
    expect(result.reason).toContain('of one task is used up')
    expect(meter.stopped()).toMatchObject({ scope: 'task' })
    expect(budgeting.spent(task).tokens).toBeGreaterThanOrEqual(350)
    await running.stop('over')
    await drained
  }, 30_000)

  it('is stopped when the time is used up, and says which budget that was', async () => {
    const { running, meter, drained } = start({ peer: { wallMs: 1_000 } }, { runForMs: 20_000 })
    expect(await running.result).toMatchObject({ outcome: 'budget' })
    expect(meter.stopped()).toMatchObject({ scope: 'peer', retryAt: expect.any(Number) as number })
    await running.stop('over')
    await drained
  }, 30_000)

  it('is left alone within its budget', async () => {
    const { running, meter, drained } = start(
      { task: { tokens: 1_001 } },
      { runForMs: 50, usage: { inputTokens: 1_000 } },
    )
    expect((await running.result).outcome).not.toBe('budget')
    expect(meter.stopped()).toBeUndefined()
    await running.stop('over')
    await drained
  })
})

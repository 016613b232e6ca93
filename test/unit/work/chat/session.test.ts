/** The loop over a scripted endpoint, in model time. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Exit } from '../../../../src/process/index.ts'
import { PermitSource, until, type Clock } from '../../../../src/util/index.ts'
import { confinedFiles } from '../../../../src/work/confined.ts'
import type { ExecutorEvent } from '../../../../src/work/executor.ts'
import type { Answer } from '../../../../src/work/executors/chat/assemble.ts'
import type { Ask, Endpoint } from '../../../../src/work/executors/chat/endpoint.ts'
import { createLimiter } from '../../../../src/work/executors/chat/limits.ts'
import { openSession } from '../../../../src/work/executors/chat/session.ts'
import { createToolbox } from '../../../../src/work/executors/chat/tools/table.ts'
import { ModelTrouble } from '../../../../src/work/executors/chat/trouble.ts'

/** Time that goes on when it is told to, or at once where nothing else would happen. */
function modelClock(): Clock & { pass(ms: number): void } {
  let now = 0
  const timers = new Set<{ at: number; run: () => void }>()
  return {
    now: () => now,
    monotonic: () => now,
    after(ms, run) {
      const timer = { at: now + Math.max(0, ms), run }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    pass(ms) {
      const end = now + ms
      for (;;) {
        const next = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
        if (next === undefined) break
        timers.delete(next)
        now = Math.max(now, next.at)
        next.run()
      }
      now = end
    },
  }
}

let clone: string
beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), 'bzzz-session-'))
  mkdirSync(join(clone, 'src'))
  writeFileSync(join(clone, 'src/a.txt'), 'a line of text\n'.repeat(600))
})
afterEach(() => rmSync(clone, { recursive: true, force: true }))

type Step = Answer | ModelTrouble | ((ask: Ask) => Promise<Answer>)
const calls = (...all: [string, object][]): Answer => ({
  text: '',
  calls: all.map(([name, args]) => ({ name, arguments: JSON.stringify(args) })),
})
const counted = (answer: Answer, inputTokens: number, outputTokens: number): Answer => ({
  ...answer,
  usage: { inputTokens, outputTokens },
})
const finish = calls(['finish', { summary: 'Done.' }])
const trouble = (kind: ModelTrouble['kind']) => new ModelTrouble(kind, `It is ${kind}.`)

async function session(
  steps: Step[],
  more: {
    context?: number
    maxTokens?: number
    idleTimeMs?: number
    write?: () => Promise<never>
  } = {},
) {
  const clock = modelClock()
  const permit = new PermitSource(clock)
  const asked: Ask[] = []
  const events: ExecutorEvent[] = []
  const limiter = createLimiter(
    {
      wallTimeMs: 600_000,
      idleTimeMs: more.idleTimeMs ?? 60_000,
      lifeTimeMs: 1e9,
      maxOutputBytes: 1e6,
      graceMs: 1,
      helloTimeMs: 1,
    },
    clock,
    permit,
  )
  const endpoint: Endpoint = {
    ask: async (ask) => {
      asked.push(ask)
      const step = steps.shift() ?? finish
      if (step instanceof ModelTrouble) throw step
      const answer = typeof step === 'function' ? await step(ask) : step
      ask.onPiece({ text: answer.text, size: answer.text.length })
      return answer
    },
    requests: 0,
    close: async () => {},
  }
  const runs = Promise.withResolvers<Exit>()
  const opened = openSession({
    config: {
      maxOutputTokens: 500,
      maxRounds: 20,
      maxTokens: more.maxTokens ?? 1e6,
      price: { inputPerMillion: 3, outputPerMillion: 15 },
    },
    contextTokens: more.context ?? 32_000,
    endpoint,
    toolbox: createToolbox({
      checks: [{ name: 'test', run: ['make'], timeoutMs: 1e6 }],
      chores: {},
      operator: [],
    }),
    workshop: {
      files: {
        ...(await confinedFiles(clone)),
        ...(more.write === undefined ? {} : { write: more.write }),
      },
      place: { root: clone, clone, home: clone, tmp: clone },
      rules: {},
      run: () => runs.promise,
      monotonic: () => clock.monotonic(),
      signal: limiter.signal,
    },
    limiter,
    permit,
    onEvent: (event) => events.push(event),
  })
  return { session: opened, clock, permit, limiter, asked, events, runs }
}

/** Lets time pass, in small steps, until the turn is over; files are read in true time meanwhile. */
async function passing<T>(turn: Promise<T>, clock: { pass(ms: number): void }): Promise<T> {
  const state = { over: false }
  const done = turn.finally(() => (state.over = true))
  for (let steps = 0; steps < 5_000 && !state.over; steps += 1) {
    await new Promise((resolve) => setTimeout(resolve, 1))
    clock.pass(50)
  }
  return done
}

describe('a session', () => {
  it('reports what it has used so far, and by turn', async () => {
    const { session: one, events } = await session([
      counted(calls(['list', {}]), 1_000, 10),
      counted(finish, 1_200, 20),
      counted(finish, 1_500, 30),
    ])
    const first = await one.turn('The issue.')
    const second = await one.turn('Repair it.')
    expect(events.filter(({ type }) => type === 'usage')).toEqual([
      { type: 'usage', inputTokens: 1_000, outputTokens: 10, costMicros: 3_150 },
      { type: 'usage', inputTokens: 2_200, outputTokens: 30, costMicros: 7_050 },
      { type: 'usage', inputTokens: 3_700, outputTokens: 60, costMicros: 12_000 },
    ])
    expect(first.usage).toEqual({ inputTokens: 2_200, outputTokens: 30, costMicros: 7_050 })
    expect(second.usage).toEqual({ inputTokens: 1_500, outputTokens: 30, costMicros: 4_950 })
    expect(events).toContainEqual({
      type: 'tool',
      id: '1.1',
      title: 'list .',
      kind: 'read',
      status: 'completed',
    })
  })

  it('does not ask while it is frozen, gives up what is under way, and asks again', async () => {
    const never = (ask: Ask) =>
      new Promise<Answer>((_, reject) => {
        ask.signal.addEventListener('abort', () => reject(trouble('broken')))
      })
    const { session: one, permit, clock, asked } = await session([never, finish])
    const turn = one.turn('The issue.')
    await until('it happens', 10_000, () => asked.length === 1)
    permit.freeze()
    await until('it happens', 10_000, () => asked[0]!.signal.aborted)
    clock.pass(3_600_000)
    expect(asked).toHaveLength(1)
    permit.thaw()
    expect(await turn).toMatchObject({ outcome: 'done', durationMs: 0 })
    expect(asked).toHaveLength(2)
  })

  it('is not silent while a command runs', async () => {
    const {
      session: one,
      clock,
      runs,
      events,
    } = await session([calls(['run', { command: 'make' }])])
    const turn = one.turn('The issue.')
    await until('it happens', 10_000, () => events.length > 0)
    await new Promise(setImmediate)
    clock.pass(300_000)
    runs.resolve({ reason: 'exited', exitCode: 2, tail: 'no rule' } as Exit)
    expect(await turn).toMatchObject({ outcome: 'done', durationMs: 300_000 })
  })

  it('ends at its idle and wall time, and when it is told', async () => {
    const hang = (ask: Ask) =>
      new Promise<Answer>((_, reject) => {
        ask.signal.addEventListener('abort', () => reject(trouble('broken')))
      })
    const idle = await session([hang])
    const silent = idle.session.turn('The issue.')
    await until('it happens', 10_000, () => idle.asked.length === 1)
    idle.clock.pass(60_000)
    expect(await silent).toMatchObject({ outcome: 'idle' })
    const slow = await session([hang], { idleTimeMs: 1e9 })
    const late = slow.session.turn('The issue.')
    await until('it happens', 10_000, () => slow.asked.length === 1)
    slow.clock.pass(600_000)
    expect(await late).toMatchObject({ outcome: 'timeout', durationMs: 600_000 })
    const told = await session([hang])
    const turn = told.session.turn('The issue.')
    told.limiter.end({ outcome: 'aborted', reason: 'It was stopped.' })
    expect(await turn).toMatchObject({ outcome: 'aborted' })
    expect((await told.session.turn('More.')).outcome).toBe('aborted')
  })

  it('asks again what broke off, three times in a row', async () => {
    const broken = trouble('broken')
    const fine = await session([broken, broken, calls(['list', {}]), broken, finish])
    expect(await passing(fine.session.turn('The issue.'), fine.clock)).toMatchObject({
      outcome: 'done',
    })
    const bad = await session([broken, broken, broken])
    expect(await passing(bad.session.turn('The issue.'), bad.clock)).toMatchObject({
      outcome: 'failed',
      reason: 'It is broken.',
    })
    expect(bad.asked).toHaveLength(3)
  })

  it('sends less when the endpoint says that it is too much, once', async () => {
    const read = calls(['read', { path: 'src/a.txt' }])
    const more = calls(['read', { path: 'src/a.txt', from: 2 }])
    const { session: one, asked } = await session(
      [read, more, trouble('overflow'), trouble('overflow')],
      { context: 16_000 },
    )
    expect(await one.turn('The issue.')).toMatchObject({
      outcome: 'failed',
      reason: 'It is overflow.',
    })
    expect(asked).toHaveLength(4)
    const size = (index: number) => JSON.stringify(asked[index]!.messages).length
    expect(size(3)).toBeLessThan(size(2))
    expect(asked[3]!.messages[1]).toMatchObject({ content: expect.stringMatching(/^The issue\./) })
  })

  it('does not begin with an issue that does not fit, nor go on without end', async () => {
    const long = await session([], { context: 4_096 })
    expect(await long.session.turn('x'.repeat(20_000))).toMatchObject({
      outcome: 'failed',
      reason: expect.stringContaining('contextTokens'),
    })
    expect(long.asked).toEqual([])
    const lists = Array.from({ length: 9 }, (_, index) =>
      counted(calls(['search', { text: String(index) }]), 800, 100),
    )
    const dear = await session(lists, { maxTokens: 2_500 })
    expect(await dear.session.turn('The issue.')).toMatchObject({ outcome: 'failed' })
    expect(dear.asked).toHaveLength(3)
  })

  it('ends when the model goes nowhere', async () => {
    const every = (answer: Answer) => Array.from({ length: 30 }, () => answer)
    for (const [steps, reason, asked] of [
      [every(calls(['list', {}])), 'same call 5 times in a row', 5],
      [every({ text: '', calls: [{ name: 'dig', arguments: '{' }] }), 'same call 5 times', 5],
      [every({ text: '', calls: [], finish: 'content_filter' }), 'filter of the endpoint', 1],
      [every({ text: 'Hm, ', calls: [], finish: 'length' }), 'maxOutputTokens', 2],
      [
        Array.from({ length: 30 }, (_, index) => calls(['search', { text: `${index}` }])),
        '20 rounds',
        20,
      ],
    ] as const) {
      const one = await session([...steps])
      expect(await one.session.turn('The issue.')).toMatchObject({
        outcome: 'failed',
        reason: expect.stringContaining(reason),
      })
      expect(one.asked).toHaveLength(asked)
    }
    const told = await session([...every(calls(['list', {}])).slice(0, 3), finish])
    await told.session.turn('The issue.')
    expect(told.asked.at(-1)!.messages.at(-1)).toMatchObject({
      role: 'user',
      content: expect.stringContaining('this very call before'),
    })
  })

  it('says when it is the quota, and when it is the machine', async () => {
    const quota = new ModelTrouble('quota', 'Come back later.', { retryAt: 77 })
    const { session: one } = await session([quota])
    expect(await one.turn('The issue.')).toMatchObject({ outcome: 'quota', retryAt: 77 })
    const full = await session([calls(['write', { path: 'b', content: 'x' }])], {
      write: async () => {
        throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
      },
    })
    expect(await full.session.turn('The issue.')).toMatchObject({
      outcome: 'environment',
      reason: expect.stringContaining('no space left'),
    })
  })
})

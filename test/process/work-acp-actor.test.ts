import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { nullLogger, unlimited, until } from '../../src/util/index.ts'
import type { AcpConfig } from '../../src/work/config.ts'
import { createAcpExecutor } from '../../src/work/executors/acp.ts'
import {
  executorConfigSchema,
  permissionSchema,
  type Checkpoint,
  type WorkInit,
} from '../../src/work/index.ts'
import { createQuestions } from '../../src/work/permission/questions.ts'
import { skippingClock } from '../compliance/executor-suite.ts'
import { createRig, node, order, PATH, policy, runOrder, type Rig } from '../unit/work/rig.ts'

const ACTOR = join(import.meta.dirname, 'fixtures/acp-actor.ts')
/** One for all, so that the sandbox is tried once; each test has a repository and a Work of its own. */
let rig: Rig
beforeAll(() => {
  rig = createRig()
})
afterEach(() => expect(rig.processes.list()).toEqual([]))
afterAll(() => rig.close())

const actor = (script: object) =>
  rig.work([{ name: 'actor', kind: 'acp', command: ['node', ACTOR, JSON.stringify(script)] }], init)
let init: Partial<WorkInit> = {}
beforeEach(() => {
  init = { limits: { graceMs: 300 } }
})
const what = (more: Parameters<typeof order>[1] = {}) =>
  order(rig.repo({ 'README.md': 'hi\n' }), more)
const rules = (text: string) => {
  const permissions = join(rig.dir, 'permissions.yaml')
  writeFileSync(permissions, text)
  init = { ...init, permissions }
}
/** Passes when `done.txt` is there the second time that it looks. */
const secondTime = {
  name: 'twice',
  run: node(`const { existsSync, writeFileSync } = require('fs')
    const seen = process.env.TMPDIR + '/seen'; const ok = existsSync(seen)
    writeFileSync(seen, ''); process.exit(ok ? 0 : 1)`),
  timeoutMs: 20_000,
}

describe('a conversation', () => {
  it.each(['resume', 'load'] as const)(
    'goes on by session/%s when the process dies in a turn',
    async (resumes) => {
      const work = await actor({
        resumes,
        dies: { turn: 1, when: 'before' },
        writes: { 'a.txt': 'a' },
      })
      const { result, events } = await runOrder(work, what())
      if (result.outcome !== 'changed') throw new Error(result.reason)
      const sessions = events.filter((event) => event.type === 'executor.session')
      expect(sessions.map(({ how }) => how)).toEqual(['new', 'resumed'])
      // What a loaded session tells of its past is not said again.
      expect(JSON.stringify(events)).not.toContain('PAST')
      await result.dispose()
    },
  )

  it('goes on for a repair when the process has left in between', async () => {
    const work = await actor({
      resumes: 'resume',
      dies: { turn: 1, when: 'after' },
      writes: { 'a.txt': 'a' },
    })
    const { result, events } = await runOrder(
      work,
      what({ policy: policy({ checks: [secondTime] }) }),
    )
    if (result.outcome !== 'changed') throw new Error(result.reason)
    const sessions = events.filter((event) => event.type === 'executor.session')
    expect(sessions.map(({ how }) => how)).toEqual(['new', 'resumed'])
    await result.dispose()
  })

  it('begins anew, with the whole task, where the agent cannot go on', async () => {
    const work = await actor({ dies: { turn: 1, when: 'after' }, writes: { 'a.txt': 'a' } })
    const { result, events } = await runOrder(
      work,
      what({ policy: policy({ checks: [secondTime] }) }),
    )
    if (result.outcome !== 'changed') throw new Error(result.reason)
    const sessions = events.filter((event) => event.type === 'executor.session')
    expect(sessions.map(({ how }) => how)).toEqual(['new', 'lost'])
    await result.dispose()
  })

  it('is not begun again for an agent that cannot go on and dies', async () => {
    const work = await actor({ dies: { turn: 1, when: 'before' } })
    const { result } = await runOrder(work, what())
    expect(result).toMatchObject({ outcome: 'failed', code: 'EXECUTOR_FAILED' })
    expect(result.outcome === 'failed' && result.reason).toContain('exit 7')
    await result.dispose()
  })
})

describe('after a restart of this agent, in another directory', () => {
  it.each(['resume', 'load'] as const)(
    'a new conversation begins with what was tried (agent with session/%s)',
    async (resumes) => {
      const repo = rig.repo({ 'README.md': 'hi\n' })
      const kept: Checkpoint[] = []
      const before = await actor({
        resumes,
        bound: true,
        deaf: true,
        writes: { 'half.txt': 'half' },
      })
      const stop = new AbortController()
      const run = before.run(
        order(repo),
        {},
        {
          signal: stop.signal,
          onEvent: () => undefined,
          onCheckpoint: (checkpoint) => Promise.resolve((kept.push(checkpoint), 'kept' as const)),
        },
      )
      await until('it has written', 20_000, async () =>
        (await rig.clones()).some((clone) => existsSync(join(clone, 'half.txt'))),
      )
      stop.abort()
      const ended = await run
      expect(ended.outcome).toBe('failed')
      const [checkpoint] = kept
      if (checkpoint === undefined) throw new Error('no checkpoint')
      const source = {
        ...order(repo).source,
        gitDir: checkpoint.gitDir,
        resume: checkpoint.head,
        onto: repo.base,
      }
      const after = await actor({
        resumes,
        bound: true,
        keepsPrompt: true,
        writes: { 'rest.txt': 'rest' },
      })
      const again = { source, attempt: 2, quoted: { earlier: checkpoint.digest } }
      const { result, events } = await runOrder(after, order(repo, again))
      if (result.outcome !== 'changed') throw new Error(result.reason)
      const sessions = events.filter((event) => event.type === 'executor.session')
      expect(sessions.map(({ how }) => how)).toEqual(['new'])
      const prompt = rig.show(result.gitDir, `${result.head}:prompt.txt`)
      expect(prompt).toMatch(/Fix the sum[^]*actor worked for \d+ s and was not finished/)
      expect(result.files.map(({ path }) => path)).toEqual(['half.txt', 'prompt.txt', 'rest.txt'])
      await result.dispose()
      await ended.dispose()
    },
  )
})

describe('permission', () => {
  const asks = (command: string | string[]) => ({ asks: { command, title: 'Run it' } })
  async function answerOf(script: object) {
    const work = await actor(script)
    const { result, events } = await runOrder(work, what())
    if (result.outcome !== 'changed') throw new Error(result.reason)
    const answer = rig.show(result.gitDir, `${result.head}:answer.txt`)
    await result.dispose()
    return { answer, events }
  }

  it('is given and refused by the rules, which see the command of the tool call', async () => {
    rules('rules:\n  - allow: { command: npm test* }\n  - deny: { kind: execute }\n')
    const npm = await answerOf(asks('npm test'))
    expect(npm.answer).toBe('yes')
    expect(npm.events.filter((event) => event.type === 'executor.permission')).toEqual([])
    const shell = await answerOf(asks(['bash', '-lc', 'npm test; curl example.org']))
    expect(shell.answer).toBe('no')
    expect(shell.events.find((event) => event.type === 'executor.permission')).toMatchObject({
      kind: 'execute',
      allowed: false,
      by: 'rule',
    })
    // Neither its title nor its command is in what the journal gets.
    const activity = shell.events.filter((event) => event.type === 'executor.activity')
    expect(activity).toMatchObject([{ tools: [{ kind: 'execute', status: 'completed' }] }])
    expect(JSON.stringify(activity)).not.toMatch(/curl|Run it/)
  })

  it.each([
    ['allow', 'yes'],
    ['deny', 'no'],
  ] as const)('is asked of a person, who says %s', async (word, answer) => {
    rules('rules:\n  - ask: { kind: execute }\n')
    const work = await actor(asks('npm publish'))
    const run = runOrder(work, what())
    const [question] = await until('it asks', 60_000, () => {
      const all = work.questions()
      return all.length > 0 && all
    })
    expect(question).toMatchObject({
      task: 'octo/lib#12',
      executor: 'actor',
      kind: 'execute',
      title: 'Run it',
      command: 'npm publish',
    })
    expect(() => work.answer('ffffffff', word)).toThrow(/No question/)
    work.answer(question?.id ?? '', word)
    expect(work.questions()).toEqual([])
    const { result, events } = await run
    if (result.outcome !== 'changed') throw new Error(result.reason)
    expect(rig.show(result.gitDir, `${result.head}:answer.txt`)).toBe(answer)
    const told = events.filter(({ type }) => /asked|permission/.test(type))
    expect(told).toMatchObject([
      { type: 'executor.asked', question: question?.id },
      {
        type: 'executor.permission',
        question: question?.id,
        allowed: word === 'allow',
        by: 'person',
      },
    ])
    await result.dispose()
  })

  it('is refused when nobody answers in time', async () => {
    rules('rules:\n  - ask: { kind: execute }\naskMs: 1500\n')
    const { answer, events } = await answerOf(asks('npm publish'))
    expect(answer).toBe('no')
    expect(events.find((event) => event.type === 'executor.permission')).toMatchObject({
      allowed: false,
      by: 'deadline',
    })
  })

  it('is refused at once where no person can be asked', async () => {
    rules('default: ask\n')
    init = { ...init, askPeople: false }
    const { answer, events } = await answerOf(asks('npm publish'))
    expect(answer).toBe('no')
    expect(events.find((event) => event.type === 'executor.permission')).toMatchObject({
      by: 'nobody',
    })
  })

  it('is not waited for when the task is stopped', async () => {
    rules('default: ask\n')
    const work = await actor(asks('npm publish'))
    const abort = new AbortController()
    const run = runOrder(work, what(), {}, abort.signal)
    await until('it asks', 60_000, () => work.questions().length > 0)
    abort.abort()
    const { result } = await run
    expect(result).toMatchObject({ outcome: 'failed', code: 'ABORTED' })
    expect(work.questions()).toEqual([])
    await result.dispose()
  })

  it('has rules that are refused with their line', async () => {
    rules('rules:\n  - allow: { kind: execute }\n  - forbid: { kind: edit }\n')
    await expect(actor({})).rejects.toMatchObject({
      code: 'PERMISSIONS_INVALID',
      data: { line: 3 },
    })
  })
})

describe('the idle time', () => {
  it('stands still while a person is asked', async () => {
    const clock = skippingClock()
    const questions = createQuestions({ logger: nullLogger })
    const of = (name: string) => join(rig.dir, name)
    const at = { root: rig.dir, clone: of('clone'), home: of('home'), tmp: of('tmp') }
    for (const path of [at.clone, at.home, at.tmp]) mkdirSync(path)
    const script = JSON.stringify({ asks: { command: 'npm publish' } })
    const config = executorConfigSchema.parse({
      name: 'actor',
      kind: 'acp',
      command: ['node', ACTOR, script],
    }) as AcpConfig
    const permissions = permissionSchema.parse({ default: 'ask', askMs: 80_000_000 })
    const executor = createAcpExecutor(config, {
      processes: rig.processes,
      logger: nullLogger,
      clock,
      path: PATH,
      variables: {},
      userHome: at.home,
      permissions: () => permissions,
      questions,
      sandbox: { readable: [], limits: {} },
    })
    const hours = 50_000_000
    const limits = {
      wallTimeMs: hours,
      idleTimeMs: 60_000,
      lifeTimeMs: hours,
      maxOutputBytes: 1_000_000,
      graceMs: 300,
      helloTimeMs: 60_000,
    }
    const { signal } = new AbortController()
    const task = { label: 'octo/lib#1', prompt: 'Do it.', limits }
    const running = executor.start(task, at, { signal, permit: unlimited })
    const [question] = await until('it asks', 60_000, () => {
      const all = questions.list()
      return all.length > 0 && all
    })
    clock.skip(3_600_000)
    questions.answer(question?.id ?? '', 'allow')
    expect((await running.result).outcome).toBe('done')
    await running.stop('done')
  })
})

describe('usage', () => {
  it('is told while it works and sums up', async () => {
    const work = await actor({ costs: [0.01, 0.025], writes: { 'a.txt': 'a' } })
    const { result, events } = await runOrder(work, what())
    expect(events.find((event) => event.type === 'executor.ended')).toMatchObject({
      usage: { inputTokens: 7, outputTokens: 3, costMicros: 25_000 },
    })
    expect(events.findLast((event) => event.type === 'executor.activity')).toMatchObject({
      usage: { inputTokens: 7, outputTokens: 3, costMicros: 25_000 },
    })
    await result.dispose()
  })
})

describe('what goes wrong', () => {
  const later = Math.floor(Date.now() / 1_000) + 3_600
  it.each<[string, object, string, RegExp]>([
    [
      'a limit of the account',
      { error: { code: -32603, message: 'x', data: { errorKind: 'rate_limit' } }, resetsAt: later },
      'QUOTA',
      /takes no more/,
    ],
    ['a late hello', { helloMs: 5_000 }, 'ENVIRONMENT', /did not answer: initialize/],
    ['a message without end', { huge: 12_600_000 }, 'EXECUTOR_FLOOD', /message of more than/],
    ['garbage in a turn', { garbage: true }, 'EXECUTOR_FAILED', /does not speak the protocol/],
    ['too many requests', { requests: 400 }, 'EXECUTOR_FLOOD', /more than 100 things at once/],
    ['no answer to a cancel', { deaf: true }, 'EXECUTOR_TIMEOUT', /longer than 4000 ms/],
  ])('is told apart: %s', async (_name, script, code, reason) => {
    const hello = 'helloMs' in script ? { helloTimeMs: 2_000 } : {}
    const wall = 'deaf' in script ? { wallTimeMs: 4_000 } : {}
    init = { limits: { graceMs: 300, ...hello, ...wall } }
    const work = await actor(script)
    const { result } = await runOrder(work, what())
    expect(result).toMatchObject({ outcome: 'failed', code })
    expect(result.outcome === 'failed' && result.reason).toMatch(reason)
    await result.dispose()
  })
})

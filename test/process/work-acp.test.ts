import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../src/util/index.ts'
import { agentConfig, createRig, order, policy, runOrder, type Rig } from '../unit/work/rig.ts'

const FILES = { 'README.md': 'hello\n' }
let rig: Rig
beforeEach(() => {
  rig = createRig()
})
/** For what must hold without a sandbox, too, and what reports beside the workspace. */
async function withoutSandbox(): Promise<void> {
  await rig.close()
  rig = createRig({ sandbox: 'off' })
}
afterEach(async () => {
  expect(rig.processes.list()).toEqual([])
  await rig.close()
})

async function run(mode: string, options: object = {}, limits: object = {}) {
  const work = await rig.work([agentConfig(mode, options)], { limits: { graceMs: 500, ...limits } })
  const ran = await runOrder(work, order(rig.repo(FILES)))
  return { ...ran, work }
}

describe('a coding agent that behaves', () => {
  it('edits by way of us, is granted permission once, and its usage and last words are kept', async () => {
    const { result, events } = await run('edit', {
      edits: { 'docs/new.md': '# New\n' },
      says: ['I wrote ', 'the page.\n'],
    })
    if (result.outcome !== 'changed') throw new Error(result.reason)
    expect(result.files).toEqual([{ path: 'docs/new.md', insertions: 1, deletions: 0 }])
    expect(result.summary).toBe('I wrote the page.')
    expect(events.find((event) => event.type === 'executor.ended')).toMatchObject({
      executor: 'robot',
      outcome: 'done',
      usage: { inputTokens: 10, outputTokens: 5 },
    })
    const progress = events.flatMap((event) => (event.type === 'progress' ? [event.text] : []))
    expect(progress).toEqual([
      'plan: edit',
      'Edit docs/new.md (pending)',
      'allowed: Edit docs/new.md',
      'wrote docs/new.md',
      'I wrote the page.',
    ])
    await result.dispose()
  })

  it('may also write by itself', async () => {
    const { result } = await run('direct', { edits: { 'a.txt': 'a' } })
    expect(result).toMatchObject({ outcome: 'changed', files: [{ path: 'a.txt' }] })
    await result.dispose()
  })

  it('may print a banner, stray answers and odd updates', async () => {
    const { result } = await run('noisy', { edits: { 'a.txt': 'a' } })
    expect(result).toMatchObject({ outcome: 'changed', files: [{ path: 'a.txt' }] })
    await result.dispose()
  })

  it('is told the issue, and works within the time that the policy gives', async () => {
    const work = await rig.work([agentConfig('hang')], { limits: { graceMs: 300 } })
    const what = order(rig.repo(FILES), { policy: policy({ wallTimeMs: 1_500 }) })
    const { result } = await runOrder(work, what)
    expect(result).toMatchObject({ outcome: 'failed', code: 'EXECUTOR_TIMEOUT' })
    await result.dispose()
  })
})

describe('a coding agent that does not', () => {
  const cases: [mode: string, options: object, limits: object, code: string, reason: RegExp][] = [
    ['die', {}, {}, 'EXECUTOR_FAILED', /exit 3 .*boom: out of ideas/],
    ['mute', {}, { helloTimeMs: 600 }, 'ENVIRONMENT', /did not answer: initialize/],
    ['garbage', {}, {}, 'ENVIRONMENT', /does not speak the protocol/],
    ['old', {}, {}, 'ENVIRONMENT', /version 1/],
    ['login', {}, {}, 'ENVIRONMENT', /needs a login/],
    ['edit', { stopReason: 'refusal' }, {}, 'EXECUTOR_FAILED', /refused/],
    ['hang', {}, { idleTimeMs: 800 }, 'EXECUTOR_TIMEOUT', /said nothing for 800 ms/],
    ['stubborn', {}, { wallTimeMs: 1_500 }, 'EXECUTOR_TIMEOUT', /longer than 1500 ms/],
    ['flood', {}, { maxOutputBytes: 1_000_000 }, 'EXECUTOR_FLOOD', /more than 1000000 bytes/],
    ['edit', { says: ['No idea.'] }, {}, 'NO_CHANGE', /changed nothing. It said: No idea\./],
  ]
  it.each(cases)(
    '%s %j is a failure that says why',
    async (mode, options, limits, code, reason) => {
      const { result, events } = await run(mode, options, limits)
      expect(result).toMatchObject({ outcome: 'failed', code, executor: 'robot' })
      expect(result.outcome === 'failed' && result.reason).toMatch(reason)
      expect(result.outcome === 'failed' && result.tried).toHaveLength(1)
      expect(events.filter((event) => event.type === 'executor.ended')).toHaveLength(1)
      await result.dispose()
    },
  )

  it('is measured on stderr, too', async () => {
    const command = [process.execPath, '-e', "process.stderr.write('boom'); process.exitCode = 3"]
    const work = await rig.work([{ ...agentConfig('edit'), command }], {})
    const { result, events } = await runOrder(work, order(rig.repo(FILES)))
    expect(result).toMatchObject({ outcome: 'failed', code: 'ENVIRONMENT' })
    const sha256 = createHash('sha256').update('boom').digest('hex')
    expect(events.find((event) => event.type === 'executor.output')).toMatchObject({
      bytes: 4,
      sha256,
    })
    await result.dispose()
  })

  it('that is not installed fails, and is not chosen', async () => {
    const work = await rig.work([{ name: 'robot', kind: 'acp', command: ['no-such-agent'] }])
    const { result } = await runOrder(work, order(rig.repo(FILES)))
    expect(result).toMatchObject({ outcome: 'failed', code: 'NO_EXECUTOR' })
    expect(result.outcome === 'failed' && result.reason).toContain('robot')
  })

  it('cannot write or read outside, not by links either, nor into .git', async () => {
    await withoutSandbox()
    const report = join(rig.dir, 'report.json')
    process.env['BZZZ_TEST_TOKEN'] = 'hidden'
    const { result } = await run('outside', { report })
    delete process.env['BZZZ_TEST_TOKEN']
    const answers = JSON.parse(readFileSync(report, 'utf8')) as Record<string, string>
    const { permission, env, home, ...files } = answers
    expect(new Set(Object.values(files))).toEqual(new Set(['-32602']))
    expect(Object.keys(files)).toHaveLength(6)
    expect(JSON.parse(permission ?? '')).toEqual({ outcome: 'selected', optionId: 'no' })
    expect(env).not.toContain('TOKEN')
    expect(home).toContain(rig.dir)
    // The links that it made lead outside.
    expect(result).toMatchObject({ outcome: 'failed', code: 'PROTECTED_PATH' })
    await result.dispose()
    const left = readdirSync(rig.dir, { recursive: true }).map(String)
    expect(left.some((path) => path.endsWith('escaped.txt'))).toBe(false)
  })

  it('leaves no daemon', async () => {
    await withoutSandbox()
    const report = join(rig.dir, 'daemon')
    const { result } = await run('daemon', { report, edits: { 'a.txt': 'a' } })
    expect(result.outcome).toBe('changed')
    const stat = `/proc/${readFileSync(report, 'utf8')}/stat`
    if (existsSync('/proc/self/stat')) {
      const state = existsSync(stat) ? readFileSync(stat, 'utf8') : ' Z '
      expect(state).toMatch(/ Z /)
    }
    await result.dispose()
  })

  it('is cancelled by the protocol first', async () => {
    const work = await rig.work([agentConfig('hang')])
    const abort = new AbortController()
    const ran = runOrder(work, order(rig.repo(FILES)), {}, abort.signal)
    await until('it runs', 30_000, () =>
      rig.processes.list().some((one) => one.purpose === 'agent robot for octo/lib#12'),
    )
    abort.abort()
    const { result } = await ran
    expect(result).toMatchObject({
      outcome: 'failed',
      code: 'ABORTED',
      reason: 'The task was stopped.',
    })
    await result.dispose()
  })
})

describe('variables and home', () => {
  const seen = async (config: { passEnv: string[]; home: 'user' }) => {
    const report = join(rig.dir, 'report.json')
    const work = await rig.work([{ ...agentConfig('outside', { report }), ...config }], {
      variables: { ROBOT_API_KEY: 'k', OTHER: 'o' },
      userHome: '/home/of-the-user',
    })
    const { result } = await runOrder(work, order(rig.repo(FILES)))
    await result.dispose()
    return JSON.parse(readFileSync(report, 'utf8')) as { env: string; home: string }
  }

  it('are passed when they are named', async () => {
    await withoutSandbox()
    const { env, home } = await seen({ passEnv: ['ROBOT_API_KEY'], home: 'user' })
    expect(env.split(',')).toContain('ROBOT_API_KEY')
    expect(env.split(',')).not.toContain('OTHER')
    expect(home).toBe('/home/of-the-user')
  })
})

describe('the agent and the repository of the examples', () => {
  const examples = join(import.meta.dirname, '../../examples')
  const sample = () => {
    const root = join(examples, 'sample-repo')
    const paths = readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    return rig.repo(
      Object.fromEntries(paths.map((path) => [path, readFileSync(join(root, path), 'utf8')])),
    )
  }

  it('solve an issue and pass the checks', async () => {
    const work = await rig.work([
      { name: 'scripted', kind: 'acp', command: ['node', join(examples, 'scripted-agent.ts')] },
    ])
    const repo = sample()
    const title = 'median is wrong for an even number of values'
    const body = 'With an even number of values the median is the mean of the two in the middle.'
    const { result } = await runOrder(
      work,
      order(repo, {
        issue: { number: 7, title, body, labels: [] },
        policy: await work.readPolicy(repo.gitDir, repo.base),
      }),
    )
    if (result.outcome !== 'changed') throw new Error(result.reason)
    expect(result.files.map((file) => file.path)).toContain('src/stats.ts')
    expect(result.checks).toMatchObject([{ name: 'test', outcome: 'passed' }])
    await result.dispose()
  })

  it('run a declared chore with an argument', async () => {
    const work = await rig.work([{ name: 'command', kind: 'command' }])
    const repo = sample()
    const policy = await work.readPolicy(repo.gitDir, repo.base)
    const { result } = await runOrder(work, order(repo, { policy }), {
      chore: 'release',
      arguments: { version: '9.8.7' },
    })
    if (result.outcome !== 'changed') throw new Error(result.reason)
    expect(rig.show(result.gitDir, `${result.head}:package.json`)).toContain('9.8.7')
    await result.dispose()
  })
})

import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createApi, type Api } from '../../src/api/index.ts'
import type { LoggedEntry, TaskDetail } from '../../src/api/types.ts'
import { nullLogger, until } from '../../src/util/index.ts'
import {
  asking,
  detail,
  entries,
  fakeSources,
  peers,
  question,
  status,
  verification,
  type FakeSources,
} from '../unit/api/fixture.ts'
import { place, type Place } from './cli-harness.ts'

let at: Place
let api: Api | undefined

beforeEach(async () => {
  at = await place()
})
afterEach(async () => {
  await api?.stop()
  api = undefined
  await at.cleanup()
})

async function agent(sources: FakeSources = fakeSources()): Promise<FakeSources> {
  api = createApi({ home: join(at.dir, 'home') }, sources, { logger: nullLogger })
  await api.start()
  return sources
}

describe('data for programs', () => {
  it('has the shapes that are promised', async () => {
    await agent()
    const json = async (...args: string[]) => {
      const { code, stdout, stderr } = await at.bzzz(...args, '--json')
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      return JSON.parse(stdout) as unknown
    }
    const answers = await Promise.all([
      json('status'),
      json('peers', 'ls'),
      json('task', 'ls', '--repo', 'octo/lib', '--state', 'open'),
      json('task', 'show', '4'),
      json('logs', 'verify', '--agent', 'owl'),
      json('version'),
    ])
    expect(answers).toEqual([
      status,
      peers,
      [expect.objectContaining({ repo: 'octo/lib', issue: 5, state: 'open', agent: null })],
      detail,
      [verification],
      expect.objectContaining({ node: process.versions.node }),
    ])
    const { code, stdout } = await at.bzzz('--json', 'logs')
    expect(code).toBe(0)
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual(entries)
  })

  it('passes the filters of logs on', async () => {
    const tasks = ['done', 'failed', 'cancelled', 'merged', 'closed', 'waiting']
    const sources = await agent()
    await at.bzzz('logs', '--agent', 'owl', '--task', 'octo/lib#4', '--type', 'claim.won,pushed')
    await at.bzzz('logs', '--type', 'task', '--type', 'pushed', '--since', '1970-01-02')
    expect(sources.queries.map(({ query }) => query)).toEqual([
      { agent: 'owl', task: { repo: 'octo/lib', issue: 4 }, types: ['claim.won', 'pushed'] },
      {
        types: [...tasks.map((what) => `task.${what}`), 'pushed'],
        since: 86_400_000,
      },
    ])
  })
})

describe('data for people', () => {
  it('fits on a screen', async () => {
    await agent()
    const screen = await at.bzzz('status')
    expect(screen.code).toBe(0)
    expect(screen.stdout).toContain('owl  running for')
    expect(screen.stdout).toContain('4,812 of 5,000 requests left')
    expect(screen.stdout).toContain('token from file /etc/bzzz/token, expires in')
    expect(screen.stdout).toMatch(/^webhooks http:.*\(3 accepted, 1 repeated\)$/m)
    expect(screen.stdout).toMatch(/octo\/gone +unread +never +Not found\./)
    const list = await at.bzzz('task', 'ls')
    expect(list.stdout.split('\n')[0]).toMatch(/^TASK +STATE +AGENT +TRY +TIME +PULL +TITLE$/)
    expect((await at.bzzz('peers', 'ls', '-q')).stdout).toBe(`${peers[0]?.peerId}\n`)
    const shown = await at.bzzz('task', 'show', 'octo/lib#4')
    expect(shown.stdout).toContain('#9 https://github.com/octo/lib/pull/9')
    expect(shown.stdout).toMatch(
      /● +claim\.won +attempt 1 “Fix login” branch bzzz\/issue-4-1 lease 10m00s {2}owl#318/,
    )
    expect((await at.bzzz('logs')).stdout).toMatch(/owl +#318 +claim\.won octo\/lib#4 attempt 1/)
  })

  it('shows the order of agents and what is wrong with a claim ref, with what clears it', async () => {
    const fitness = { slots: 1, load: 0.5, memory: 1, failures: 1, weight: 0.5 }
    const ref = 'refs/bzzz/claims/4'
    const task: TaskDetail = {
      ...detail,
      state: 'waiting',
      moreCandidates: 3,
      candidates: [
        { agent: 'ada', peerId: 'a', place: 1, fitness, reason: null },
        { agent: 'bo', peerId: 'b', place: null, fitness: null, reason: 'lacks gpu' },
      ],
      claimRef: {
        kind: 'invalid',
        ref,
        oid: 'c'.repeat(40),
        reason: 'It holds no commit but a blob of 9 bytes.',
        agent: 'ada',
        sinceMs: 0,
        next: `To remove it, type git push origin :${ref}`,
      },
    }
    await agent(fakeSources({ task: () => task }))
    const { stdout } = await at.bzzz('task', 'show', 'octo/lib#4')
    expect(stdout).toMatch(/^ +1 +ada +0\.50 +1\.00 +0\.50 +1\.00 +1\.00 +-$/m)
    expect(stdout).toMatch(/^ +- +bo .* lacks gpu$/m)
    expect(stdout).toContain('and 3 more agents')
    expect(stdout).toContain(
      `claim    ${ref} is invalid: It holds no commit but a blob of 9 bytes.`,
    )
    expect(stdout).toContain('seen by ada since 1970-01-01T00:00:00.000Z')
    expect(stdout).toContain(`git push origin :${ref}`)
  })

  it('shows what waits for a person, here and elsewhere, and takes the answer', async () => {
    const deadlineMs = Date.now() + 600_000
    const asked = { ...question, title: 'Run it \u001b[2J', deadlineMs }
    const [first] = detail.history
    if (first === undefined) throw new Error('The fixture has no history.')
    const other = { type: 'executor.asked', executor: 'codex', kind: 'fetch', question: 'aaaa0000' }
    const entry = { ...first, ...other, agent: 'bee', sha256: '0'.repeat(64), deadlineMs }
    const task = {
      ...detail,
      state: 'working' as const,
      history: [...detail.history, entry as LoggedEntry],
      questions: [asked],
    }
    const sources = await agent(fakeSources({ task: () => task }))
    const [shown, told, wrong, odd] = await Promise.all([
      at.bzzz('task', 'show', 'octo/lib#4'),
      at.bzzz('task', 'answer', 'octo/lib#4', question.id, 'deny'),
      at.bzzz('task', 'answer', 'octo/lib#4', 'ffffffff', 'allow'),
      at.bzzz('task', 'answer', 'octo/lib#4', question.id, 'perhaps'),
    ])
    expect(shown.stdout).toMatch(/^asks +whether it may execute: Run it \ufffd/m)
    expect(shown.stdout).toContain('command npm publish')
    expect(shown.stdout).toContain(`bzzz task answer octo/lib#4 ${question.id} allow (or deny)`)
    expect(shown.stdout).toMatch(/^asks +bee asks whether it may fetch \(question aaaa0000\)/m)
    expect(told).toMatchObject({ code: 0, stdout: '', stderr: 'Denied: Run npm publish\n' })
    expect(sources.asked).toEqual([['answer', { repo: 'octo/lib', issue: 4 }, question.id, 'deny']])
    expect(wrong.code).toBe(5)
    expect(odd.code).toBe(2)
  })

  it('lets no escape sequence through, from titles, names or journals', async () => {
    const evil = '\u001b[2J\u001b]0;owned\u0007\u009b31m\u202e'
    const tasks = [{ ...detail, title: evil, agent: evil }]
    await agent(
      fakeSources({
        status: () => ({ ...status, name: evil, home: evil }),
        peers: () => [
          {
            ...peers[0]!,
            name: evil,
            addresses: [evil],
            record: { ...peers[0]!.record!, name: evil },
          },
          { ...asking, name: evil, words: evil, addresses: [evil] },
        ],
        tasks: () => tasks,
        task: () => ({
          ...tasks[0]!,
          reason: evil,
          history: [{ ...detail.history[0]!, title: evil, agent: evil } as LoggedEntry],
        }),
        async *logs() {
          yield { ...entries[0], agent: evil, title: evil } as LoggedEntry
        },
        verify: async () => [{ ...verification, agent: evil, problems: [evil], ok: false }],
      }),
    )
    const commands = [
      ['status'],
      ['peers', 'ls'],
      ['task', 'ls'],
      ['task', 'show', '4'],
      ['logs'],
      ['logs', '-q'],
      ['logs', 'verify'],
      ['task', 'ls', '--json'],
      ['logs', '--json'],
    ]
    await Promise.all(
      commands.map(async (args) => {
        const { stdout, stderr } = await at.bzzz(...args)
        expect(stdout.length, args.join(' ')).toBeGreaterThan(5)
        for (const control of ['\u001b', '\u0007', '\u009b', '\u202e']) {
          expect(stdout + stderr, args.join(' ')).not.toContain(control)
        }
      }),
    )
  })

  it('colours a pipe only when forced, and never with --no-color', async () => {
    await agent()
    const forced = { env: { FORCE_COLOR: '1' } }
    expect((await at.start(['status'], forced).ended).stdout).toContain('\u001b[32mrunning')
    expect((await at.start(['status', '--no-color'], forced).ended).stdout).not.toContain('\u001b')
    expect((await at.bzzz('status')).stdout).not.toContain('\u001b')
  })
})

describe('exit codes', () => {
  it('3 when no agent runs, with what to do', async () => {
    const { code, stdout, stderr } = await at.bzzz('task', 'ls')
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toContain('next: Start it with `bzzz up`')
    const json = await at.bzzz('status', '--json')
    expect(json.code).toBe(3)
    expect(JSON.parse(json.stderr)).toMatchObject({
      error: { code: 'AGENT_NOT_RUNNING', next: expect.any(String) },
    })
    expect((await at.bzzz('down')).code).toBe(3)
  })

  it('0 and 1 of the probe, in silence', async () => {
    expect(await at.bzzz('status', '--probe')).toEqual({ code: 1, stdout: '', stderr: '' })
    await agent()
    expect(await at.bzzz('status', '--probe')).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  it('5 for what is not there', async () => {
    await agent()
    expect((await at.bzzz('task', 'show', 'octo/lib#99')).code).toBe(5)
    expect((await at.bzzz('task', 'show', '99')).code).toBe(5)
    expect((await at.bzzz('logs', 'verify', '--agent', 'nobody')).code).toBe(5)
    const other = await at.bzzz('task', 'ls', '--repo', 'no/such', '--json')
    expect(other).toMatchObject({ code: 5, stdout: '' })
    expect(JSON.parse(other.stderr)).toMatchObject({
      error: { code: 'REPOSITORY_NOT_FOUND', next: expect.stringContaining('octo/lib') },
    })
    expect((await at.bzzz('task', 'ls', '--repo', 'octo/gone')).code).toBe(0)
  })

  it('5 for journals of an agent or a task that nobody knows, 0 for those that say nothing', async () => {
    const none = async function* (): AsyncGenerator<LoggedEntry> {}
    await agent(fakeSources({ logs: none }))
    const codes = await Promise.all(
      [['--agent', 'nobody'], ['--task', '999'], ['--agent', 'owl'], []].map(async (args) => {
        const { code, stderr } = await at.bzzz('logs', ...args)
        return [code, stderr.split('\n')[0]]
      }),
    )
    expect(codes).toEqual([
      [5, 'bzzz: No agent nobody is known here.'],
      [5, 'bzzz: No task 999 is known here.'],
      [0, 'No entries match.'],
      [0, 'No entries match.'],
    ])
  })

  it('0 for epochs that branch, which it names', async () => {
    const branches = ['epoch 1 begins at entry 90 of epoch 0, which goes on to 106']
    await agent(fakeSources({ verify: async () => [{ ...verification, branches }] }))
    const { code, stdout } = await at.bzzz('logs', 'verify')
    expect(code).toBe(0)
    expect(stdout).toMatch(/owl +branched .*begins at entry 90 of epoch 0, which goes on to 106/)
  })

  it('1 for a journal that does not hold', async () => {
    await agent(
      fakeSources({ verify: async () => [{ ...verification, ok: false, problems: ['cut'] }] }),
    )
    const { code, stdout } = await at.bzzz('logs', 'verify')
    expect(code).toBe(1)
    expect(stdout).toMatch(/owl +BROKEN.*cut/)
  })

  it.each([
    [['stauts'], 'Did you mean status?'],
    [['status', '--nope'], "unknown option '--nope'"],
    [['task', 'ls', '--state', 'asleep'], 'Allowed choices'],
    [['task', 'show'], "missing required argument 'task'"],
    [['task', 'show', 'x'], 'names no task'],
    [['task'], 'A command is missing after `bzzz task`'],
    [['help', 'nope'], 'No command has that name'],
    [['--home', '', 'status'], 'It is empty'],
    [['status', '--config='], 'It is empty'],
    [['logs', '--since', 'soon'], 'is no time'],
    [['--timeout', '-1', 'status'], 'Write seconds'],
    [['up', '--repo', 'nobody'], 'owner/name'],
    [['forge', '--from', 'x'], 'after the --repo'],
    [['demo', '--agents', '0'], 'from 1 to 32'],
    [['status', '--config', 'none.yaml'], ''],
  ])('2 for %j', async (args, text) => {
    const env = args.includes('--config') ? { BZZZ_HOME: '' } : {}
    const { code, stdout, stderr } = await at.start(args, { env }).ended
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(text)
    expect(stderr).toContain('next:')
    expect(stderr).toMatch(/^bzzz: /)
    const json = await at.start([...args, '--json'], { env }).ended
    expect(JSON.parse(json.stderr)).toMatchObject({ error: { next: expect.any(String) } })
  })

  it('2 with what was meant as the next step', async () => {
    const { stderr } = await at.bzzz('stauts', '--json')
    const { error } = JSON.parse(stderr) as { error: { message: string; next: string } }
    expect(error.message).toBe("unknown command 'stauts'")
    expect(error.next).toMatch(/^Did you mean status\?/)
  })

  it.each([[['--help']], [['--version']], [['version', '--json']], [['status']], [['logs']]])(
    '1 when what %j prints cannot be written',
    async (args) => {
      await agent()
      const { code, stderr } = await at.start(args, { stdoutTo: '/dev/full' }).ended
      expect(code).toBe(1)
      expect(stderr).toContain('could not be written')
      expect(stderr).toContain('no space left')
    },
  )

  it('3 with the default home of the user, not of the directory, when HOME is empty', async () => {
    for (const HOME of ['', 'relative']) {
      const { code, stderr } = await at.start(['status'], { env: { HOME, BZZZ_HOME: '' } }).ended
      expect(code).toBe(3)
      expect(stderr).toContain(`No agent runs in ${join(userInfo().homedir, '.local')}`)
    }
    expect(await readdir(at.dir)).toEqual([])
  })

  it('2 for a number that several repositories have, and for a type nobody writes', async () => {
    await agent()
    const { code, stderr } = await at.bzzz('task', 'show', '5')
    expect(code).toBe(2)
    expect(stderr).toContain('octo/lib#5, octo/app#5')
    const wrong = await at.bzzz('logs', '--type', 'claim.stolen', '--json')
    expect(wrong.code).toBe(2)
    expect(JSON.parse(wrong.stderr)).toMatchObject({
      error: {
        code: 'USAGE',
        message: expect.stringMatching(/^--type claim\.stolen/),
        next: expect.stringMatching(/claim\.won/),
      },
    })
  })

  it('75 when the answer does not come in time', async () => {
    await agent(fakeSources({ verify: () => new Promise(() => undefined) }))
    expect((await at.bzzz('logs', 'verify', '--timeout', '0.2')).code).toBe(75)
  })

  it('0 for help and version', async () => {
    expect((await at.bzzz()).stdout).toContain('Usage: bzzz')
    expect((await at.bzzz('help', 'logs')).code).toBe(0)
    expect((await at.bzzz('-V')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    const flag = await at.bzzz('--version', '--json')
    expect(flag).toEqual(await at.bzzz('version', '--json'))
  })
})

describe('following', () => {
  it('ends with 130 on Ctrl-C, and the agent closes its side', async () => {
    const sources = await agent()
    const { child, ended, ...running } = following(['logs', '-f', '--json'])
    await until('both entries are printed', 30_000, () => running.lines() === entries.length)
    child.kill('SIGINT')
    const { code, stderr } = await ended
    expect({ code, stderr }).toEqual({ code: 130, stderr: '' })
    await until('the generator is closed', 30_000, () => sources.queries[0]?.closed)
  })

  it('ends with 3 when the agent stops', async () => {
    await agent()
    const { ended, lines } = following(['logs', '-f'])
    await until('both entries are printed', 30_000, () => lines() === entries.length)
    await api?.stop()
    const { code, stderr } = await ended
    expect(code).toBe(3)
    expect(stderr).toMatch(/^bzzz: The agent has stopped.*\n {2}next: Start it with `bzzz up`/)
  })

  it('ends quietly when nobody reads', async () => {
    await agent(
      fakeSources({
        async *logs() {
          for (let seq = 0; seq < 100_000; seq += 1) yield { ...entries[0], seq } as LoggedEntry
        },
      }),
    )
    const { child, ended } = following(['logs'])
    child.stdout?.once('data', () => child.stdout?.destroy())
    const { code, stderr } = await ended
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  function following(args: string[]) {
    const running = at.start(args)
    return {
      child: running.child,
      ended: running.ended,
      lines: () => running.stdout.split('\n').length - 1,
    }
  }
})

describe('down', () => {
  it('waits until the agent is gone', async () => {
    let stopped = false
    await agent(
      fakeSources({
        stop: () => {
          setTimeout(() => {
            stopped = true
            void api?.stop()
          }, 500)
        },
      }),
    )
    const { code, stdout } = await at.bzzz('down', '--json')
    expect(stopped).toBe(true)
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({ name: 'owl', pid: process.pid, stopped: true })
  })

  it('gives up with 75 when it is not', async () => {
    await agent()
    const { code, stderr } = await at.bzzz('down', '--timeout', '0.5')
    expect(code).toBe(75)
    expect(stderr).toContain(`process ${process.pid}`)
  })
})

describe('client commands', () => {
  it('load neither the agent nor its server nor a validator', async () => {
    await agent()
    const hooks = `import { registerHooks } from 'node:module'
      registerHooks({ load(url, context, next) { process.stderr.write(url + '\\n'); return next(url, context) } })`
    const node = ['--import', `data:text/javascript,${encodeURIComponent(hooks)}`]
    for (const args of [
      ['status'],
      ['task', 'show', '4'],
      ['logs'],
      ['peers', 'ls'],
      ['version'],
    ]) {
      const { code, stderr } = await at.start(args, { node }).ended
      expect(code).toBe(0)
      const packages = stderr
        .split('\n')
        .flatMap((url) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? [])
      expect([...new Set(packages)].sort()).toEqual(['@commander-js/extra-typings', 'commander'])
    }
  })

  it('find the home that the configuration names', async () => {
    await agent()
    await writeFile(join(at.dir, 'bzzz.yaml'), 'home: ./home\n')
    const { code, stdout } = await at.start(['status', '-q'], { env: { BZZZ_HOME: '' } }).ended
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${status.peerId}\n` })
  })

  it('are not fooled by a socket of a dead agent', async () => {
    const run = join(at.dir, 'home', 'run')
    await mkdir(run, { recursive: true, mode: 0o700 })
    await writeFile(join(run, 'agent.sock'), '')
    expect((await at.bzzz('status')).code).toBe(3)
  })

  it('leave the agent serving after a client that was killed', async () => {
    const sources = await agent()
    const running = at.start(['logs', '-f'])
    await until('it follows', 30_000, () => running.stdout.length > 0)
    running.child.kill('SIGKILL')
    await until('the generator is closed', 30_000, () => sources.queries[0]?.closed)
    const socket = connect(api?.socketPath ?? '')
    await new Promise((resolve) => socket.once('connect', resolve))
    socket.destroy()
    expect((await at.bzzz('status', '--probe')).code).toBe(0)
  })
})

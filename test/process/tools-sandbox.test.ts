/** The tools of a task from within each sandbox that works here, by a coding agent that really calls them. */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { mcpCommand } from '../../src/agent/tools.ts'
import { createToolServer } from '../../src/api/index.ts'
import { createEgressProxy, createProcesses } from '../../src/process/index.ts'
import { nullLogger, systemClock, unlimited } from '../../src/util/index.ts'
import type { AcpConfig, CommandConfig } from '../../src/work/config.ts'
import type { ChildSettings } from '../../src/work/executor-settings.ts'
import type { ExecutorTask, Place } from '../../src/work/executor.ts'
import { createAcpExecutor } from '../../src/work/executors/acp.ts'
import { createCommandExecutor } from '../../src/work/executors/command.ts'
import {
  createWork,
  DEFAULT_LIMITS,
  executorConfigSchema,
  type HelpWanted,
  type Peers,
} from '../../src/work/index.ts'
import { peers } from '../unit/api/fixture.ts'
import { createRig, order, PATH } from '../unit/work/rig.ts'
import { fixture } from './support.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const facts = {
  task: { repo: 'octo/lib', issue: 12 },
  attempt: 1,
  title: 'Fix the sum',
  executor: 'robot',
  checks: ['test'],
  used: { wallMs: 0, turns: 1 },
  left: [],
  requestsLeft: 3,
}
const limits = { ...DEFAULT_LIMITS, lifeTimeMs: 110_000, wallTimeMs: 100_000 }
const task: ExecutorTask = { label: 'octo/lib#12', prompt: 'Fix it.', limits }

interface Rig {
  dir: string
  place: Place
  settings: ChildSettings
  asked: HelpWanted[]
  counters: () => object
  /** Of another program of this user. */
  elsewhere: string
}

/** `proxied`: work may reach a host, so it has a proxy. */
async function rig(sandbox: 'bubblewrap' | 'landlock', proxied: boolean): Promise<Rig | undefined> {
  const dir = mkdtempSync(join(tmpdir(), 'bzzz-mcp-'))
  cleanups.push(() => rmSync(dir, { recursive: true, force: true }))
  const processes = createProcesses({ stateDir: join(dir, 'state'), logger: nullLogger, sandbox })
  cleanups.push(() => processes.stop())
  if ((await processes.prepare()).kind !== sandbox) return undefined
  const root = join(dir, 'task')
  const place: Place = {
    root,
    clone: join(root, 'clone'),
    home: join(root, 'h'),
    tmp: join(root, 't'),
  }
  for (const path of [place.clone, place.home, place.tmp]) mkdirSync(path, { recursive: true })
  const asked: HelpWanted[] = []
  const server = createToolServer({ peers: () => peers, logger: nullLogger })
  const opened = await server.open(
    {
      facts: () => facts,
      askHelp: async (wanted) => {
        asked.push(wanted)
        return { is: 'advice', id: 'ab'.repeat(16), helper: 'bee', text: 'It subtracts.' }
      },
    },
    { root },
  )
  cleanups.push(() => opened.close())
  place.tools = { socket: opened.socket, token: opened.token }
  if (proxied) {
    const proxy = createEgressProxy(
      { hosts: ['example.com'], privateHosts: [] },
      { logger: nullLogger },
    )
    await proxy.start()
    cleanups.push(() => proxy.stop())
    place.proxy = proxy.socket
  }
  const elsewhere = join(dir, 'other.sock')
  const other = createServer((socket) => socket.destroy()).listen(elsewhere)
  cleanups.push(() => new Promise((resolve) => other.close(resolve)))
  const settings: ChildSettings = {
    processes,
    logger: nullLogger,
    clock: systemClock,
    path: PATH,
    variables: {},
    userHome: dir,
    sandbox: { readable: [], limits: {} },
    mcp: mcpCommand(),
  }
  return { dir, place, settings, asked, counters: () => server.counters(), elsewhere }
}

async function runAgent({ dir, place, settings, elsewhere }: Rig) {
  // Beside the sandbox's own files nothing of this checkout is there but what the MCP server reads.
  const agent = join(dir, 'agent.mjs')
  copyFileSync(fixture('tools-agent.mjs'), agent)
  const config = executorConfigSchema.parse({
    name: 'robot',
    kind: 'acp',
    // An absolute path would be shown to it.
    command: ['node', agent, elsewhere.slice(1)],
  }) as AcpConfig
  const control = { signal: new AbortController().signal, permit: unlimited }
  const running = createAcpExecutor(config, settings).start(task, place, control)
  const result = await running.result
  await running.stop('over')
  expect(result).toMatchObject({ outcome: 'done' })
  const answers = readFileSync(join(place.clone, 'answers.json'), 'utf8')
  return JSON.parse(answers) as Record<string, { isError: boolean; text: string }>
}

describe.each(['bubblewrap', 'landlock'] as const)('in %s', (sandbox) => {
  it('a coding agent asks for help, and reaches nothing else by it', async ({ skip }) => {
    const at = await rig(sandbox, true)
    if (at === undefined) return skip(`${sandbox} does not work here`)
    const { help, task: own, budget, peers: list, other, ...rest } = await runAgent(at)
    expect(help?.text).toMatch(/^bee advises.*\nIt subtracts\.\n/s)
    expect(at.asked).toEqual([{ question: 'How does it add?', want: ['advice'] }])
    expect(JSON.parse(own?.text ?? '')).toMatchObject({ task: facts.task, checks: ['test'] })
    expect(JSON.parse(budget?.text ?? '')).toMatchObject({ requestsLeft: 3 })
    expect(JSON.parse(list?.text ?? '')).toMatchObject([{ name: 'bee' }])
    expect(other).toMatchObject({ isError: true })
    expect(rest).toMatchObject({
      servers: [{ name: 'bzzz', args: ['mcp'] }],
      own: true,
      direct: 200,
      wrong: 401,
      route: 404,
      secret: false,
      exit: 0,
    })
    // With a proxy, Landlock keeps nobody from the sockets of this user; bubblewrap shows none.
    if (sandbox === 'bubblewrap') expect(rest['elsewhere']).toBe('ENOENT')
    expect(at.counters()).toEqual({
      'used.ask': 1,
      'used.task': 2,
      'used.budget': 1,
      'used.peers': 1,
      'refused.task': 1,
      'refused.token': 1,
      'refused.form': 1,
    })
  })
})

it('in Landlock, who has no network gets no socket by it', async ({ skip }) => {
  const at = await rig('landlock', false)
  if (at === undefined) return skip('Landlock does not work here')
  const { servers, elsewhere } = await runAgent(at)
  expect([servers, elsewhere]).toEqual([[], 'EACCES'])
})

it('a chore calls the same by itself', async ({ skip }) => {
  const at = await rig('bubblewrap', false)
  if (at === undefined) return skip('bubblewrap does not work here')
  const code = `
    const { readFileSync } = require('fs'), { request } = require('http')
    const { BZZZ_TASK_SOCKET: socketPath, BZZZ_TASK_TOKEN_FILE: file } = process.env
    const headers = { authorization: 'Bearer ' + readFileSync(file, 'utf8') }
    const sent = request({ socketPath, path: '/v1/ask', method: 'POST', headers }, (response) =>
      response.pipe(process.stdout))
    sent.end(JSON.stringify({ question: 'How?' }))`
  const config = executorConfigSchema.parse({ name: 'command', kind: 'command' }) as CommandConfig
  const chore = { name: 'go', command: ['node', '-e', code] as [string, ...string[]] }
  const declared = { run: chore.command, arguments: {} }
  const control = { signal: new AbortController().signal, permit: unlimited }
  const executor = createCommandExecutor(config, at.settings)
  const { result } = executor.start({ ...task, chore: { ...chore, declared } }, at.place, control)
  const { outcome, summary } = await result
  expect({ outcome, summary }).toMatchObject({
    outcome: 'done',
    summary: expect.stringContaining('"text":"It subtracts."'),
  })
})

it('from the question of an agent at work to a peer, and back', async ({ skip }) => {
  const at = createRig()
  cleanups.push(() => at.close())
  if ((await at.processes.prepare()).kind !== 'bubblewrap')
    return skip('bubblewrap does not work here')
  const agent = join(at.dir, 'agent.mjs')
  copyFileSync(fixture('tools-agent.mjs'), agent)
  const concluded: unknown[] = []
  const asked: Parameters<Peers['ask']>[0][] = []
  const peers: Peers = {
    left: () => 2,
    ask: async (what) => {
      asked.push(what)
      return { is: 'advice', id: 'a', helper: 'bee', text: 'It subtracts.' }
    },
    conclude: async (...what) => void concluded.push(what.slice(0, 2)),
  }
  const toolServer = createToolServer({ peers: () => [], logger: nullLogger })
  const executors = [{ name: 'robot', kind: 'acp' as const, command: ['node', agent] }]
  const work = createWork(
    { dir: join(at.dir, 'work'), executors, path: PATH, mcp: mcpCommand() },
    { processes: at.processes, git: at.git, logger: nullLogger, toolServer },
  )
  await work.start()
  cleanups.push(() => work.stop())
  const { signal } = new AbortController()
  const options = { signal, onEvent: () => undefined, peers }
  const result = await work.run(order(at.repo({ 'README.md': 'hello\n' })), {}, options)
  if (result.outcome !== 'changed') throw new Error(result.reason)
  const answers = JSON.parse(at.show(result.gitDir, `${result.head}:answers.json`)) as {
    help: { text: string }
    budget: { text: string }
    exit: number
  }
  expect(answers.help.text).toContain('It subtracts.')
  expect(JSON.parse(answers.budget.text)).toMatchObject({ requestsLeft: 2 })
  expect(asked).toMatchObject([{ question: 'How does it add?', want: ['advice'] }])
  expect(concluded).toEqual([['a', 'used']])
  // What the agent was told is not in what is published.
  expect(result.files.map(({ path }) => path)).toEqual(['answers.json'])
  expect(work.tools({ repo: 'octo/lib', issue: 12 })).toBeUndefined()
  await result.dispose()
})

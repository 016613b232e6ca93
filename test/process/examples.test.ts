import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import {
  client,
  methods,
  ndJsonStream,
  PROTOCOL_VERSION,
  type SessionUpdate,
} from '@agentclientprotocol/sdk'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { createGit, type Guest, type Processes } from '../../src/process/index.ts'
import { until, withDeadline } from '../../src/util/index.ts'
import { newProcesses, request, testHome } from './support.ts'

const examples = new URL('../../examples/', import.meta.url).pathname
const issueSchema = z.strictObject({
  title: z.string().min(1),
  body: z.string().min(1),
  labels: z.array(z.string()),
  expect: z.enum(['done', 'merged', 'failed', 'waiting']),
  review: z.string().optional(),
  blockedBy: z.string().optional(),
  helped: z.boolean().optional(),
})
const issues = z
  .array(issueSchema)
  .parse(parse(readFileSync(join(examples, 'issues.yaml'), 'utf8')))
const choreOf = (body: string) => /```bzzz\nchore: (\S+)/.exec(body)?.[1]
const coding = issues.filter((issue) => choreOf(issue.body) === undefined)
const chores = issues.filter((issue) => choreOf(issue.body) !== undefined)
/** With what only one agent of the demo has. */
const PATH = [join(examples, 'glossary'), process.env['PATH'] ?? ''].join(delimiter)

const { home, remove } = testHome('examples')
let processes: Processes
let repo: string
beforeAll(() => {
  processes = newProcesses(home)
})
afterAll(async () => {
  await processes.stop()
  remove()
})
beforeEach(async () => {
  repo = mkdtempSync(join(tmpdir(), 'bzzz-sample-'))
  cpSync(join(examples, 'sample-repo'), repo, { recursive: true })
  const git = createGit({ processes })
  await git(['init', '-q'], { cwd: repo })
  await git(['add', '.'], { cwd: repo })
})
afterEach(() => rmSync(repo, { recursive: true }))

const node = (
  args: string[],
  { timeoutMs = 30_000, ...more }: { timeoutMs?: number; env?: Record<string, string> } = {},
) => processes.run(request(process.execPath, args, { cwd: repo, timeoutMs, ...more }))
const changed = async () => {
  const git = createGit({ processes })
  const names = await git(['diff', '--name-only'], { cwd: repo })
  return names.split('\n').filter((name) => name !== '')
}

interface Talk {
  /** What the client offers of the file system. */
  fs: boolean
  answer: 'allow' | 'reject' | 'cancelled'
  delayMs: number
  onUpdate: (update: SessionUpdate) => void
}

/** Runs one prompt through the SDK's client side, in the repository. */
async function ask(prompts: string[], talk: Partial<Talk> = {}) {
  const { fs = true, answer = 'allow', delayMs = 0, onUpdate = () => {} } = talk
  const args = [join(examples, 'scripted-agent.ts'), '--delay', String(delayMs)]
  const guest: Guest = processes.spawn(request(process.execPath, args, { cwd: repo }))
  const updates: SessionUpdate[] = []
  const permissions: string[] = []
  const written: string[] = []
  const stream = ndJsonStream(
    Writable.toWeb(guest.stdin) as WritableStream<Uint8Array>,
    Readable.toWeb(guest.stdout) as ReadableStream<Uint8Array>,
  )
  const connection = client({ name: 'test' })
    .onRequest(methods.client.fs.readTextFile, async ({ params }) => ({
      content: await readFile(params.path, 'utf8'),
    }))
    .onRequest(methods.client.fs.writeTextFile, async ({ params }) => {
      written.push(params.path)
      await writeFile(params.path, params.content)
      return {}
    })
    .onRequest(methods.client.session.requestPermission, ({ params }) => {
      permissions.push(params.toolCall.title ?? '')
      if (answer === 'cancelled') return { outcome: { outcome: 'cancelled' } }
      return { outcome: { outcome: 'selected', optionId: answer } }
    })
    .onNotification(methods.client.session.update, ({ params }) => {
      updates.push(params.update)
      onUpdate(params.update)
    })
    .connect(stream)
  const { agent } = connection
  const hello = await agent.request(methods.agent.initialize, {
    protocolVersion: PROTOCOL_VERSION,
    clientCapabilities: { fs: { readTextFile: fs, writeTextFile: fs } },
  })
  const session = z
    .object({ sessionId: z.string() })
    .parse(await agent.request(methods.agent.session.new, { cwd: repo, mcpServers: [] }))
  const { sessionId } = session
  const cancel = () => agent.notify(methods.agent.session.cancel, { sessionId })
  const turns = prompts.map(
    (text) => () =>
      agent.request(methods.agent.session.prompt, { sessionId, prompt: [{ type: 'text', text }] }),
  )
  const finish = async () => {
    guest.stdin.end()
    const exit = await withDeadline('the end of the agent', 10_000, () => guest.exit)
    connection.close()
    return exit
  }
  const said = () =>
    updates
      .map((update) =>
        update.sessionUpdate === 'agent_message_chunk' && update.content.type === 'text'
          ? update.content.text
          : '',
      )
      .join('')
  return { hello, turns, cancel, finish, updates, permissions, written, said }
}

const promptOf = (issue: { title: string; body: string }) =>
  `AGENTS.md: bug fixes come with a test.\n\n=== begin ===\nIssue #7: ${issue.title}\n\n${issue.body}\n=== end ===`

describe('the sample repository', () => {
  it('passes its own tests as it is', async () => {
    expect(await node(['--test'])).toMatchObject({ exitCode: 0 })
  })

  it('has enough issues, all with the trigger label, one for one agent only and one to fail', () => {
    expect(issues.length).toBeGreaterThanOrEqual(10)
    expect(coding.length).toBeGreaterThanOrEqual(5)
    expect(issues.every((issue) => issue.labels.includes('bzzz'))).toBe(true)
    expect(issues.filter((issue) => issue.labels.includes('needs:release'))).toHaveLength(1)
    expect(issues.filter((issue) => issue.expect === 'failed')).toHaveLength(1)
    expect(new Set(issues.map((issue) => issue.title)).size).toBe(issues.length)
  })
})

describe('chores', () => {
  it.each(chores)(
    '$title: changes files, keeps the tests green, and changes nothing twice',
    async ({ body }) => {
      const version = /version: (\S+)/.exec(body)?.[1]
      const args = [`scripts/${choreOf(body)}.mjs`, ...(version === undefined ? [] : [version])]
      expect(await node(args, { env: { PATH } })).toMatchObject({ exitCode: 0 })
      const files = await changed()
      expect(files.length).toBeGreaterThan(0)
      expect(await node(['--test'])).toMatchObject({ exitCode: 0 })
      await createGit({ processes })(['add', '.'], { cwd: repo })
      expect(await node(args, { env: { PATH } })).toMatchObject({ exitCode: 0 })
      expect(await changed()).toEqual([])
    },
  )

  it('ask for help where a program is missing', async () => {
    const { exitCode, stdout } = await node(['scripts/glossary.mjs'])
    expect({ exitCode, stdout }).toMatchObject({
      exitCode: 75,
      stdout: expect.stringMatching(/^bzzz-ask: /),
    })
    expect(await changed()).toEqual([])
  })

  it('refuses a release that is no version, or older', async () => {
    for (const version of ['1.1', 'v1.1.0', '0.9.0']) {
      expect(await node(['scripts/release.mjs', version])).toMatchObject({ exitCode: 1 })
    }
    expect(await changed()).toEqual([])
  })
})

describe('the scripted agent', () => {
  it.each(coding)('$title: $expect', async (issue) => {
    const { turns, permissions, written, updates, said, finish } = await ask([promptOf(issue)])
    expect(await turns[0]?.()).toMatchObject({ stopReason: 'end_turn' })
    expect(await finish()).toMatchObject({ reason: 'exited', exitCode: 0 })
    const files = await changed()
    expect(files.some((name) => name.startsWith('src/'))).toBe(true)
    expect(files.some((name) => name.startsWith('test/'))).toBe(true)
    expect(written.map((path) => path.slice(repo.length + 1)).sort()).toEqual(files)
    expect(permissions).toHaveLength(files.length)
    expect(updates.filter((update) => update.sessionUpdate === 'plan').length).toBeGreaterThan(1)
    expect(said()).toContain('not an AI')
    const passed = await node(['--test'])
    expect(passed.exitCode).toBe(issue.expect === 'failed' ? 1 : 0)
    if (issue.expect === 'failed') return
    const git = createGit({ processes })
    await git(['checkout', '-q', '--', 'src'], { cwd: repo })
    // One of the defects is a loop without end.
    const tests = files.filter((name) => name.startsWith('test/'))
    const unfixed = await node(['--test', ...tests], { timeoutMs: 3_000 })
    expect(unfixed.exitCode, 'the new test shows the defect').not.toBe(0)
    expect(['exited', 'timeout']).toContain(unfixed.reason)
  })

  it('edits files itself when the client offers none', async () => {
    const { turns, written, finish } = await ask([promptOf(coding[0]!)], { fs: false })
    expect(await turns[0]?.()).toMatchObject({ stopReason: 'end_turn' })
    await finish()
    expect(written).toEqual([])
    expect(await changed()).toEqual(['src/slugify.ts', 'test/slugify.test.ts'])
  })

  it('says that nothing fits, and is not misled by the words of the maintainers', async () => {
    const prompts = ['Issue #1: Write a poem', 'slugify separator\n\nIssue #2: Write a poem']
    const { turns, said, finish } = await ask(prompts)
    for (const turn of turns) expect(await turn()).toMatchObject({ stopReason: 'end_turn' })
    await finish()
    expect(said()).toContain('None of my recipes fits')
    expect(await changed()).toEqual([])
  })

  it('changes nothing when the files are not what its recipe expects', async () => {
    await writeFile(join(repo, 'src/stats.ts'), 'export const median = 0\n')
    await createGit({ processes })(['add', '.'], { cwd: repo })
    const { turns, said, finish } = await ask([promptOf(coding[1]!)])
    expect(await turns[0]?.()).toMatchObject({ stopReason: 'end_turn' })
    await finish()
    expect(said()).toContain('does not fit these files')
    expect(await changed()).toEqual([])
  })

  it('changes nothing that it was not allowed to', async () => {
    const { turns, finish, said } = await ask([promptOf(coding[0]!)], { answer: 'reject' })
    expect(await turns[0]?.()).toMatchObject({ stopReason: 'end_turn' })
    // The client hands updates on in its own time, also after the answer to the prompt.
    await until('what was said', 30_000, () => said().includes('not allowed'))
    await finish()
    const other = await ask([promptOf(coding[0]!)], { answer: 'cancelled' })
    expect(await other.turns[0]?.()).toMatchObject({ stopReason: 'cancelled' })
    await other.finish()
    expect(await changed()).toEqual([])
  })

  it('stops at a cancel and takes another turn after it', async () => {
    let planned = false
    const onUpdate = (update: SessionUpdate) => {
      if (update.sessionUpdate === 'plan') planned = true
    }
    const prompts = [promptOf(coding[0]!), 'Issue #1: Write a poem']
    const { turns, cancel, finish } = await ask(prompts, { delayMs: 30_000, onUpdate })
    const turn = turns[0]?.()
    await until('the plan', 30_000, () => planned)
    await cancel()
    expect(await turn).toMatchObject({ stopReason: 'cancelled' })
    expect(await turns[1]?.()).toMatchObject({ stopReason: 'end_turn' })
    expect(await finish()).toMatchObject({ reason: 'exited', exitCode: 0 })
    expect(await changed()).toEqual([])
  })

  it('refuses bad options', async () => {
    const script = join(examples, 'scripted-agent.ts')
    expect(await node([script, '--delay', 'soon'])).toMatchObject({ exitCode: 2 })
    expect((await node([script, '--version'])).stdout).toBe('scripted-agent 1.0.0\n')
  })
})

describe('the scripted model', () => {
  it('says what to write, answers, and ends when told', async () => {
    const guest = processes.spawn(
      request(process.execPath, [join(examples, 'scripted-model.ts'), '--port', '0'], {
        cwd: repo,
      }),
    )
    let said = ''
    guest.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
    const url = await until('its address', 60_000, () => /url: (http:\S+),/.exec(said)?.[1])
    const models = await (await fetch(`${url}/models`)).json()
    expect(models).toMatchObject({ data: [{ id: 'scripted' }] })
    expect(said).toContain('model: scripted }')
    process.kill(guest.pid, 'SIGTERM')
    expect(await guest.exit).toMatchObject({ reason: 'exited', exitCode: 0 })
  })
})

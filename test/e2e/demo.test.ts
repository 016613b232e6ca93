/** The first command of the README: what it prints, what it leaves, and what is inside its pull requests. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createGit, createProcesses, type Git, type Processes } from '../../src/process/index.ts'
import { nullLogger } from '../../src/util/index.ts'
import { bin, processesOf, root } from './world.ts'

interface Document {
  agents: {
    name: string
    peerId: string
    journal: { key: string; length: number }
    tasks: number
  }[]
  tasks: {
    repo: string
    issue: number
    title: string
    state: string
    agent: string
    attempt: number
    pullRequest: { number: number; url: string } | null
    durationMs: number
  }[]
  contention: number
  help: { issue: number; path: string[]; helper: string; hop: number }[]
  journals: { replicated: number; verified: number }
}

let dir: string
let processes: Processes
let git: Git

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bzzz-demo-test-'))
  processes = createProcesses({ stateDir: join(dir, 'state'), logger: nullLogger })
  git = createGit({ processes })
})
afterAll(async () => {
  await processes.stop()
  await rm(dir, { recursive: true, force: true, maxRetries: 3 })
})

function run(args: string[]) {
  const child = spawn(process.execPath, [bin, 'demo', ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const text = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (text.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (text.stderr += chunk.toString()))
  return { child, text, closed: once(child, 'close').then(([code]) => code as number | null) }
}

describe('bzzz demo --once --json', () => {
  const home = () => join(dir, 'home')
  let document: Document
  let stderr = ''

  beforeAll(async () => {
    const { text, closed } = run(['--once', '--json', '--home', home()])
    const code = await closed
    stderr = text.stderr
    expect(code, stderr).toBe(0)
    document = JSON.parse(text.stdout) as Document
  }, 480_000)

  it('works every issue once, by four agents with a journal each', () => {
    expect(document.agents.map(({ name }) => name).sort()).toEqual(['ada', 'bo', 'cleo', 'dara'])
    expect(new Set(document.agents.map(({ peerId }) => peerId)).size).toBe(4)
    for (const { journal } of document.agents) {
      expect(journal.key).toMatch(/^[0-9a-f]{64}$/)
      expect(journal.length).toBeGreaterThan(0)
    }
    expect(document.journals).toEqual({ replicated: 4, verified: 4 })
    expect(document.tasks.length).toBeGreaterThanOrEqual(8)
    const ended = document.tasks.map(({ state }) => state)
    expect(ended.filter((state) => state === 'failed')).toHaveLength(1)
    expect(ended.filter((state) => state === 'merged')).toHaveLength(1)
    const published = ended.filter((state) => state === 'review' || state === 'done')
    expect(published).toHaveLength(document.tasks.length - 2)
    const merged = document.tasks.find(({ state }) => state === 'merged')
    // What a maintainer asked for is in it, and the issue that waited for it began then.
    expect(merged).toMatchObject({ title: 'Add titleCase', attempt: 2 })
    const pulls = document.tasks.flatMap(({ pullRequest }) => pullRequest?.number ?? [])
    expect(new Set(pulls).size).toBe(document.tasks.length - 1)
    expect(document.tasks.find(({ title }) => title === 'Release 1.1.0')?.agent).toBe('cleo')
  })

  it('solves the issue that its first agent cannot finish by a patch from two hops away', async () => {
    const task = document.tasks.find(({ title }) => title.startsWith('Spell the guide'))
    expect(task).toMatchObject({ agent: 'bo', attempt: 1 })
    const help = document.help.find(({ issue }) => issue === task?.issue)
    expect(help).toMatchObject({ helper: 'dara', hop: 2 })
    expect(help?.path).toHaveLength(3)
    expect(help?.path).toEqual(['bo', expect.stringMatching(/^(?:ada|cleo)$/), 'dara'])
    const bare = join(home(), 'forge', 'repositories', 'octo', 'tidy-text.git')
    const log = await git(['log', '--format=%an%n%B', `main..bzzz/issue-${task?.issue}`], {
      cwd: bare,
    })
    expect(log).toMatch(/^bo \(bzzz\)$/m)
    expect(log).toMatch(/^Co-authored-by: dara /m)
  })

  it('holds the right change in every pull request', async () => {
    const bare = join(home(), 'forge', 'repositories', 'octo', 'tidy-text.git')
    const inside: Record<string, RegExp[]> = {
      'slugify: repeated and trailing separators': [/src\/slugify\.ts/, /test\/slugify\.test\.ts/],
      'median is wrong for an even number of values': [/src\/stats\.ts/],
      'chunk loses the last items': [/src\/chunk\.ts/],
      'Add titleCase': [/src\/case\.ts/, /titleCase/],
      'Put licence headers on all source files': [
        /\+\/\/ SPDX|\+\/\* SPDX|SPDX-License-Identifier/,
      ],
      'docs/API.md is out of date': [/docs\/API\.md/],
      'Spell the guide by the house glossary': [/docs\/GUIDE\.md/, /\+.*behaviour/],
      'Release 1.1.0': [/CHANGELOG\.md/, /\+ {2}"version": "1\.1\.0"/],
    }
    for (const [title, patterns] of Object.entries(inside)) {
      const task = document.tasks.find((one) => one.title === title)
      expect(task, title).toBeDefined()
      // What was merged is compared with what stood there before.
      const base = task?.state === 'merged' ? 'main^1' : 'main'
      const diff = await git(['diff', `${base}...bzzz/issue-${task?.issue}`], { cwd: bare })
      for (const pattern of patterns) expect(diff, title).toMatch(pattern)
    }
  })

  it('passes the repository’s own tests on every work branch', async () => {
    const bare = join(home(), 'forge', 'repositories', 'octo', 'tidy-text.git')
    for (const { issue, state } of document.tasks.filter((task) => task.state !== 'failed')) {
      const clone = join(dir, `clone-${issue}`)
      await git(['clone', '--quiet', '--branch', `bzzz/issue-${issue}`, bare, clone], {
        cwd: dir,
        allowFile: true,
      })
      const env = { PATH: `${join(process.execPath, '..')}:${process.env['PATH']}` }
      const exit = await processes.run({
        file: 'node',
        args: ['--test'],
        cwd: clone,
        env,
        purpose: 'test',
        timeoutMs: 60_000,
      })
      expect(exit.exitCode, `${issue} ${state}\n${exit.tail}`).toBe(0)
      const authors = await git(['log', '--format=%an', 'main..HEAD'], { cwd: clone }).catch(() =>
        git(['log', '-1', '--format=%an'], { cwd: clone }),
      )
      expect(authors).toContain('(bzzz)')
    }
  }, 240_000)

  it('keeps claims as signed chains that end as the tasks did', async () => {
    const bare = join(home(), 'forge', 'repositories', 'octo', 'tidy-text.git')
    for (const { issue, state } of document.tasks) {
      const record = JSON.parse(
        await git(['log', '-1', '--format=%B', `refs/bzzz/claims/${issue}`], { cwd: bare }),
      ) as { state: string; signature: string }
      expect(record.state).toBe(state === 'failed' ? 'failed' : 'done')
      expect(record.signature).not.toBe('')
    }
  })

  it('says nothing of the tokens and leaves no process', async () => {
    expect(stderr).not.toMatch(/[0-9a-f]{40}/)
    expect(await processesOf(home())).toEqual([])
  })
})

describe('bzzz demo, interrupted', () => {
  it('ends with 130 and leaves no process and no port', async () => {
    const home = join(dir, 'interrupted')
    const { child, text, closed } = run(['--home', home])
    const deadline = Date.now() + 60_000
    while (
      !/working/.test(text.stderr + text.stdout) &&
      Date.now() < deadline &&
      child.exitCode === null
    ) {
      await once(child.stderr, 'data', { signal: AbortSignal.timeout(60_000) })
    }
    const port = Number(/127\.0\.0\.1:(\d+)/.exec(text.stderr)?.[1])
    child.kill('SIGINT')
    expect(await closed, text.stderr).toBe(130)
    expect(await processesOf(home)).toEqual([])
    const socket = connect(port, '127.0.0.1')
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException]
    expect(error.code).toBe('ECONNREFUSED')
  }, 240_000)
})

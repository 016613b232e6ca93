/** A real forge on loopback whose every answer is judged by GitHub's description, octokits, and git. */
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Octokit } from 'octokit'
import {
  forge,
  type Forge,
  type ForgeComponents,
  type ForgeInit,
} from '../../../src/forge/index.ts'
import { createProcesses, type Exit, type Processes } from '../../../src/process/index.ts'
import { nullLogger } from '../../../src/util/index.ts'
import { onResponse } from '../../compliance/observer.ts'

export const USERS = [
  { login: 'root', token: 'token-root', role: 'admin' },
  { login: 'ada', token: 'token-ada', role: 'push' },
  { login: 'bob', token: 'token-bob', role: 'push' },
  { login: 'tia', token: 'token-tia', role: 'triage' },
  { login: 'rob', token: 'token-rob', role: 'read' },
  { login: 'bot', token: 'token-bot', role: 'push', type: 'Bot' },
] as const
export const LIB = { owner: 'octo', repo: 'lib' }

export function client(baseUrl: string, auth?: string): Octokit {
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
  return new Octokit({
    baseUrl,
    ...(auth === undefined ? {} : { auth }),
    log,
    throttle: { enabled: false },
    retry: { enabled: false },
  })
}

export interface Site {
  dir: string
  server: Forge
  processes: Processes
  as(login: (typeof USERS)[number]['login']): Octokit
  anonymous: Octokit
  git(cwd: string, ...args: string[]): Promise<Exit>
  /** Address for git with a user's token in it. */
  remote(login: string, name?: string): string
  clone(login: string, name?: string): Promise<string>
  close(): Promise<void>
}

/** A forge with repository octo/lib (README.md, src/index.ts) and users of every role. */
export async function site(
  init: Partial<ForgeInit> = {},
  components: Pick<ForgeComponents, 'clock'> = {},
): Promise<Site> {
  const dir = await mkdtemp(join(tmpdir(), 'forge-'))
  const from = join(dir, 'from')
  await mkdir(join(from, 'src'), { recursive: true })
  await writeFile(join(from, 'README.md'), '# lib\n\nA *small* library. <b>not bold</b>\n')
  await writeFile(join(from, 'src', 'index.ts'), 'export const one = 1\nexport const two = 2\n')
  const processes = createProcesses({ stateDir: join(dir, 'state'), logger: nullLogger })
  const server = forge(
    { dir: join(dir, 'forge'), users: [...USERS], ...init },
    { processes, onResponse, ...components },
  )
  await server.start()
  await server.createRepository({ owner: 'octo', name: 'lib', from })
  const git = (cwd: string, ...args: string[]) =>
    processes.run({
      file: 'git',
      args: ['-c', 'credential.helper=', ...args],
      cwd,
      env: {
        PATH: process.env.PATH ?? '',
        HOME: dir,
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_TERMINAL_PROMPT: '0',
        GIT_AUTHOR_NAME: 'Test',
        GIT_AUTHOR_EMAIL: 'test@localhost',
        GIT_COMMITTER_NAME: 'Test',
        GIT_COMMITTER_EMAIL: 'test@localhost',
      },
      purpose: 'test git',
      timeoutMs: 30_000,
      lease: false,
    })
  const remote = (login: string, name = 'octo/lib') =>
    server.url.replace('http://', `http://x-access-token:token-${login}@`) + `/${name}.git`
  let clones = 0
  return {
    dir,
    server,
    processes,
    git,
    remote,
    as: (login) => client(server.apiUrl, `token-${login}`),
    anonymous: client(server.apiUrl),
    clone: async (login, name) => {
      clones += 1
      const target = join(dir, `clone-${clones}`)
      const exit = await git(dir, 'clone', '-q', remote(login, name), target)
      if (exit.exitCode !== 0) throw new Error(exit.tail)
      return target
    },
    close: async () => {
      await server.stop()
      await processes.stop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** The answer of a request that must fail. */
export async function failure(promise: Promise<unknown>): Promise<{
  status: number
  message: string
  errors: { field?: string; code: string; message?: string }[]
}> {
  try {
    await promise
  } catch (error) {
    const { status, response } = error as {
      status: number
      response?: {
        data: { message: string; errors?: { field?: string; code: string; message?: string }[] }
      }
    }
    if (response === undefined) throw error
    return { status, message: response.data.message, errors: response.data.errors ?? [] }
  }
  throw new Error('the request succeeded')
}

/** Commits a file on a branch through the API; returns the commit. */
export async function commitFile(
  octokit: Octokit,
  branch: string,
  path: string,
  content: string,
  from = 'main',
): Promise<string> {
  const known = await octokit.rest.git.listMatchingRefs({ ...LIB, ref: `heads/${branch}` })
  if (known.data.length === 0) {
    const base = await octokit.rest.git.getRef({ ...LIB, ref: `heads/${from}` })
    await octokit.rest.git.createRef({
      ...LIB,
      ref: `refs/heads/${branch}`,
      sha: base.data.object.sha,
    })
  }
  const made = await octokit.rest.repos.createOrUpdateFileContents({
    ...LIB,
    branch,
    path,
    message: `write ${path}`,
    content: Buffer.from(content).toString('base64'),
  })
  return made.data.commit.sha ?? ''
}

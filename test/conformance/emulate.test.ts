/**
 * The same probes against a GitHub emulator by others: what it does as GitHub does, it must go on
 * doing, and each difference is named with its reason. A difference that vanished fails, too.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEmulator, type Emulator } from 'emulate'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createProcesses, type Processes } from '../../src/process/index.ts'
import { nullLogger } from '../../src/util/index.ts'
import { client } from '../unit/forge/helper.ts'
import { knownDifferences } from './known-differences.ts'
import { probes } from './probes.ts'
import type { ProbeSite } from './site.ts'

const people = ['ada', 'bob', ...Array.from({ length: 9 }, (_, at) => `p${at}`)]
/** A probe that hangs there is a difference, too, ms. */
const PATIENCE_MS = 10_000
let dir: string
let emulator: Emulator
let processes: Processes
let probed: ProbeSite
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'emulate-'))
  processes = createProcesses({ stateDir: dir, logger: nullLogger })
  emulator = await createEmulator({
    service: 'github',
    port: 0,
    seed: {
      tokens: Object.fromEntries(
        ['ada', 'bob'].map((login) => [`token-${login}`, { login, scopes: ['repo', 'user'] }]),
      ),
      github: {
        users: people.map((login) => ({ login, email: `${login}@localhost` })),
        repos: [{ owner: 'ada', name: 'lib', auto_init: true, collaborators: people }],
      },
    },
  })
  const git = async (...args: string[]) => {
    const { exitCode, tail } = await processes.run({
      file: 'git',
      args: ['-c', 'credential.helper=', ...args],
      cwd: join(dir, 'clone'),
      env: { PATH: process.env.PATH ?? '', HOME: dir, GIT_TERMINAL_PROMPT: '0' },
      purpose: 'git against an emulator',
      timeoutMs: PATIENCE_MS,
      lease: false,
    })
    return { code: exitCode ?? -1, text: tail }
  }
  await processes.run({
    file: 'git',
    args: ['init', '--quiet', join(dir, 'clone')],
    cwd: dir,
    env: { PATH: process.env.PATH ?? '', HOME: dir },
    purpose: 'git against an emulator',
    timeoutMs: PATIENCE_MS,
    lease: false,
  })
  const remote = emulator.url.replace('http://', 'http://x-access-token:token-ada@')
  await git('remote', 'add', 'origin', `${remote}/ada/lib.git`)
  const octokit = client(emulator.url, 'token-ada')
  probed = {
    octokit,
    other: client(emulator.url, 'token-bob'),
    owner: 'ada',
    repo: 'lib',
    people,
    git,
  }
  for (const username of people.slice(1)) {
    await octokit.rest.repos
      .addCollaborator({ owner: 'ada', repo: 'lib', username, permission: 'push' })
      .catch(() => undefined)
  }
})
afterAll(async () => {
  await emulator.close()
  await processes.stop()
  await rm(dir, { recursive: true, force: true })
})

const outcome = (run: (site: ProbeSite) => Promise<void>): Promise<string> =>
  run(probed).then(
    () => 'holds',
    (error: unknown) => `differs: ${String(error).slice(0, 300)}`,
  )

describe('the emulator', () => {
  it.each(probes.map(({ name, run }) => [name, run] as const))('%s', async (name, run) => {
    const seen = await outcome(run)
    const known = Object.hasOwn(knownDifferences, name)
    expect(seen.replace(/:.*/s, ''), seen).toBe(known ? 'differs' : 'holds')
  })

  it('has no known difference in what is not probed', () => {
    const names = probes.map(({ name }) => name)
    expect(Object.keys(knownDifferences).filter((name) => !names.includes(name))).toEqual([])
  })
})

/** The claims suite over each transport: git on a path, git over HTTP and REST, both on a real forge. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll } from 'vitest'
import { forge, type Forge } from '../../src/forge/index.ts'
import { createGit, createProcesses, type Git, type Processes } from '../../src/process/index.ts'
import { createGitTransport } from '../../src/tasks/claim/git-transport.ts'
import { createRestTransport } from '../../src/tasks/claim/rest-transport.ts'
import type { RunGit } from '../../src/tasks/claim/repository-types.ts'
import { createGitHub } from '../../src/tasks/github/github.ts'
import { nullLogger } from '../../src/util/index.ts'
import { onResponse } from './observer.ts'
import { claimsSuite, type SuiteRemote } from './claims-suite.ts'

let dir: string
let processes: Processes
let git: Git
let server: Forge
let count = 0

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bzzz-claims-'))
  processes = createProcesses({ stateDir: dir, logger: nullLogger })
  git = createGit({ processes })
  const users = [{ login: 'octo', token: 't', role: 'admin' as const }]
  server = forge({ dir: join(dir, 'forge'), users }, { processes, onResponse })
  await server.start()
})
afterAll(async () => {
  await server.stop()
  await processes.stop()
  await rm(dir, { recursive: true, force: true })
})

async function onPath(): Promise<SuiteRemote> {
  count += 1
  const remote = join(dir, `remote-${count}.git`)
  await git(['init', '--quiet', '--bare', remote], { cwd: dir })
  const run: RunGit = (args, { auth: _auth, ...options }) =>
    git(args, { ...options, allowFile: true })
  return {
    dir: join(dir, `stores-${count}`),
    url: pathToFileURL(remote).href,
    token: 't',
    git: run,
    transport: (init) => createGitTransport(init, { git: run }),
  }
}

const onForge = (transport: 'git' | 'rest') => async (): Promise<SuiteRemote> => {
  count += 1
  const name = `lib-${count}`
  const from = new URL('../../examples/sample-repo', import.meta.url).pathname
  await server.createRepository({ owner: 'octo', name, from })
  return {
    dir: join(dir, `stores-${count}`),
    url: `${server.url}/octo/${name}.git`,
    token: 't',
    git,
    transport: (init) => {
      if (transport === 'git') return createGitTransport(init, { git })
      const github = createGitHub(
        { apiUrl: server.apiUrl, token: 't', userAgent: 'test', pace: false },
        { logger: nullLogger },
      )
      return createRestTransport(init, { git, api: github.refs(`octo/${name}`) })
    },
  }
}

claimsSuite('claims by git on a path', onPath)
claimsSuite('claims by git over HTTP', onForge('git'))
claimsSuite('claims by REST and GraphQL', onForge('rest'))

/**
 * The forge put together: database, git, programs, server. Start opens them in this order; stop
 * closes them in reverse, so that no request meets a closed database.
 */
import { mkdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Lifecycle, nullLogger, systemClock } from '../util/index.ts'
import { addHooks, checkHook } from './acts/hook-acts.ts'
import { hooksDir, writeHook } from './acts/workflow-acts.ts'
import { forgeApps } from './apps/apps.ts'
import { stamp, type Deps } from './context.ts'
import { ForgeError } from './errors.ts'
import { faultBook } from './faults/book.ts'
import { replica } from './faults/stale.ts'
import { forgeGit } from './git/index.ts'
import { forgeHooks } from './hooks/hooks.ts'
import type { Hooks } from './hooks/types.ts'
import { gitHttp } from './git-http.ts'
import { rateLimits } from './limits.ts'
import { pagesApp } from './pages/index.ts'
import { apiApp } from './routes/index.ts'
import { API_SEGMENTS, listen, type Listening } from './server.ts'
import { forgeUrls } from './shapes/urls.ts'
import { openStore } from './store/index.ts'
import type { Forge, ForgeComponents, ForgeInit, ForgeRepository, ForgeUser } from './types.ts'

const DEFAULT_RATE_LIMIT = 5_000
const LOGIN = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})(?:\[bot\])?$/
const NAME = /^(?!\.{1,2}$)(?!.*\.git$)[A-Za-z0-9._-]{1,100}$/
const OWNER = /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,62})$/

interface Running {
  deps: Deps
  listening: Listening
}

/** Errors of start: `FORGE_GIT_MISSING`, `FORGE_PORT_TAKEN`, `FORGE_LISTEN_FAILED`. */
export function forge(init: ForgeInit, components: ForgeComponents): Forge {
  const { host = '127.0.0.1', port = 0, users = [], rateLimit = DEFAULT_RATE_LIMIT } = init
  const { logger = nullLogger, clock = systemClock, processes } = components
  const dir = resolve(init.dir)
  const repositories = join(dir, 'repositories')
  const faults = faultBook()
  let stopping = new AbortController()
  let running: Running | undefined
  let opened: Deps | undefined
  let url = ''

  async function start(): Promise<void> {
    await mkdir(repositories, { recursive: true })
    const scratch = join(dir, 'scratch')
    await rm(scratch, { recursive: true, force: true })
    stopping = new AbortController()
    const store = openStore(join(dir, 'forge.db'), { relations: init.relations ?? true })
    const { hookTargets = 'loopback' } = init
    let hooks: Hooks | undefined
    const deps: Deps = {
      store,
      git: forgeGit({ cwd: dir, scratch, path: process.env.PATH ?? '', spawner: processes }),
      urls: forgeUrls(() => url),
      limits: rateLimits({ perHour: rateLimit, clock, secondary: init.secondaryLimits }),
      clock,
      logger,
      plan: init.plan ?? 'team',
      faults,
      replica: replica(clock),
      stopping: stopping.signal,
      dirOf: (repo) => directoryOf(repo),
      apps: forgeApps(init.apps ?? [], { store, clock }),
      // Telling needs all the rest, so it comes when first asked for.
      get hooks() {
        return (hooks ??= forgeHooks(deps, hookTargets))
      },
      hooksDir: hooksDir(dir),
      hookTargets,
      observe: components.onResponse,
    }
    opened = deps
    await deps.git.runner.run(dir, ['--version'])
    await writeHook(dir)
    for (const id of store.hooks.repositories()) {
      const repo = store.repos.byId(id)
      if (repo !== undefined) await deps.hooks.watch(repo)
    }
    for (const user of users) saveUser(deps, user)
    deps.store.users.endOthers(users)
    const api = apiApp(deps, createRepository)
    const programs = { git: gitHttp(deps), api, pages: pagesApp(deps, api) }
    const listening = await listen({ host, port, programs })
    url = listening.url
    running = { deps, listening }
    logger.info({ url, dir }, 'the forge listens')
  }

  async function stop(): Promise<void> {
    const was = running
    running = undefined
    stopping.abort()
    await was?.listening.close()
    const deps = opened
    opened = undefined
    await deps?.hooks.stop()
    await deps?.git.runner.stop()
    deps?.store.close()
  }

  const directoryOf = ({ owner, name }: { owner: string; name: string }) =>
    join(repositories, owner.toLowerCase(), `${name.toLowerCase()}.git`)

  function need(): Running {
    if (running !== undefined) return running
    throw new ForgeError('FORGE_NOT_STARTED', 'The forge is not running.', {
      next: 'Start it first.',
    })
  }

  function saveUser(deps: Deps, user: ForgeUser): void {
    const reserved = API_SEGMENTS.includes(user.login.toLowerCase())
    if (!LOGIN.test(user.login) || reserved || user.token.trim() === '' || /\s/.test(user.token)) {
      throw new ForgeError('FORGE_USER_INVALID', `The account ${user.login} cannot be made.`, {
        data: { login: user.login },
        next: 'Give a login of letters, digits and hyphens, and a token without blanks.',
      })
    }
    deps.store.users.save(user, stamp(deps))
  }

  /** One creation of a name at a time; a second caller waits and finds it made. */
  const creating = new Map<string, Promise<void>>()

  async function createRepository(repository: ForgeRepository): Promise<void> {
    const { owner, name } = repository
    if (!OWNER.test(owner) || API_SEGMENTS.includes(owner.toLowerCase()) || !NAME.test(name)) {
      throw new ForgeError(
        'FORGE_REPOSITORY_INVALID',
        `${owner}/${name} is not a repository name.`,
        {
          data: { owner, name },
          next: 'Use letters, digits, ".", "_" and "-"; a name does not end in ".git".',
        },
      )
    }
    const { deps } = need()
    const key = directoryOf(repository)
    const pending = creating.get(key) ?? make(deps, repository).finally(() => creating.delete(key))
    creating.set(key, pending)
    await pending
  }

  async function make(deps: Deps, repository: ForgeRepository): Promise<void> {
    const { owner, name, from, private: hidden = false, description } = repository
    const { store, git } = deps
    for (const hook of repository.hooks ?? []) checkHook(deps, hook)
    const known = store.repos.byName(owner, name)
    if (known !== undefined) return addHooks(deps, known, repository.hooks ?? [])
    const collaborators = Object.entries(repository.collaborators ?? {}).map(([login, role]) => {
      const user = store.users.byLogin(login)
      if (user !== undefined) return { user, role }
      throw new ForgeError('FORGE_USER_INVALID', `There is no account ${login}.`, {
        data: { login },
        next: 'Add the account before it becomes a collaborator.',
      })
    })
    const bare = directoryOf(repository)
    await rm(bare, { recursive: true, force: true })
    await mkdir(join(repositories, owner.toLowerCase()), { recursive: true })
    const now = stamp(deps)
    await git.seeder.create(bare, from, now)
    store.transaction(() => {
      const ownerId = store.users.owner(owner, now).id
      store.repos.create({ ownerId, name, private: hidden, description: description ?? null, now })
      const repo = store.repos.byName(owner, name)
      if (repo === undefined) return
      for (const { user, role } of collaborators) store.users.setCollaborator(repo, user, role)
    })
    const made = store.repos.byName(owner, name)
    if (made !== undefined) await addHooks(deps, made, repository.hooks ?? [])
  }

  const lifecycle = new Lifecycle(start, stop)
  return {
    start: () => lifecycle.start(),
    stop: () => lifecycle.stop(),
    get url() {
      need()
      return url
    },
    get apiUrl() {
      return need().deps.urls.api()
    },
    faults,
    createRepository,
    repositories: () =>
      need()
        .deps.store.repos.all()
        .map(({ owner, name }) => `${owner}/${name}`),
    addUser: async (user) => saveUser(need().deps, user),
  }
}

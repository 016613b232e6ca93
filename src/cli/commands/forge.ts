/**
 * `bzzz forge`: the embedded GitHub-compatible server in the foreground, on a directory that lasts.
 * Each account's token is made once and kept beside the data, readable by the owner only.
 */
import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { acquireHomeLock, ApiError, type HomeLock } from '../../api/index.ts'
import { forge, type Forge } from '../../forge/index.ts'
import { createProcesses } from '../../process/index.ts'
import { createLogger, withDeadline } from '../../util/index.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { exitCodes } from '../exit.ts'
import { clean } from '../output/text.ts'
import { checkForgeDirectory, tokenOf } from './forge/directory.ts'

export interface ForgeOptions {
  dir: string
  /** 0: any free one. */
  port: number
  repos: readonly { repo: string; from?: string }[]
  /** Further accounts, each with a token of its own. */
  users: readonly ForgeAccount[]
}

export interface ForgeAccount {
  login: string
  role: 'read' | 'triage' | 'write' | 'admin'
}

/** The first account, which is always there. */
export const login = 'bzzz'
/** Until a stopping forge is left behind, ms. */
const stopMs = 10_000

export async function forgeCommand(context: Context, options: ForgeOptions): Promise<number> {
  const { out, cwd, signal, globals } = context
  const dir = resolve(cwd, options.dir)
  const tokenFile = join(dir, 'token')
  for (const { from } of options.repos) if (from !== undefined) await checkDirectory(from, cwd)
  await checkForgeDirectory(dir)
  const lock = await lockOf(dir)
  const logger = await createLogger({ level: globals.verbose === true ? 'debug' : 'warn' })
  const processes = createProcesses({ stateDir: dir, logger })
  let server: Forge | undefined
  try {
    const token = await tokenOf(tokenFile)
    await processes.sweep()
    const others = await Promise.all(
      options.users.map(async (user) => {
        const file = join(dir, `token-${user.login.toLowerCase()}`)
        return { ...user, token: await tokenOf(file), tokenFile: file }
      }),
    )
    const users = [
      { login, token, role: 'admin' as const },
      ...others.map((user) => ({
        login: user.login,
        token: user.token,
        role: user.role === 'write' ? ('push' as const) : user.role,
      })),
    ]
    server = forge({ dir, port: options.port, users }, { processes, logger })
    await server.start()
    for (const { repo, from } of options.repos) {
      const [owner = '', name = ''] = repo.split('/')
      await server.createRepository({
        owner,
        name,
        ...(from === undefined ? {} : { from: resolve(cwd, from) }),
      })
    }
    const { url, apiUrl } = server
    const repos = server.repositories()
    const facts = { url, apiUrl, token, tokenFile, repos, users: others }
    if (out.json) await out.document({ ...facts, dir, login })
    else await out.data(screen(facts))
    out.message('The forge runs until Ctrl-C.')
    await interrupted(signal)
    return exitCodes.ok
  } finally {
    await withDeadline('stop the forge', stopMs, async () => {
      await server?.stop()
      await processes.stop()
      await lock.release()
    })
  }
}

interface Facts {
  url: string
  apiUrl: string
  token: string
  tokenFile: string
  repos: string[]
  users: readonly (ForgeAccount & { token: string; tokenFile: string })[]
}

function screen({ url, apiUrl, token, tokenFile, repos, users }: Facts): string {
  const [repo] = repos
  return [
    `pages  ${url}`,
    `API    ${apiUrl}`,
    `token  ${token}`,
    ...users.map((user) => `token  ${user.token}  of ${user.login} (${user.role})`),
    `act    ${url}/-/login takes a token; then comment, review and merge on the pages${users.length === 0 ? '' : ' as any account'}`,
    `holds  ${repos.join(', ') || 'no repository yet; start it with --repo OWNER/NAME'}`,
    ...(repo === undefined ? [] : opening({ apiUrl, tokenFile, repo })),
    ...(repo === undefined ? [] : pointing({ apiUrl, tokenFile, repos })),
  ]
    .map(clean)
    .join('\n')
}

const pointing = ({ apiUrl, tokenFile, repos }: Pick<Facts, 'apiUrl' | 'tokenFile' | 'repos'>) => [
  '',
  'To point `bzzz up` at it, write into bzzz.yaml:',
  '',
  'github:',
  `  apiUrl: ${apiUrl}`,
  `  token: { file: ${JSON.stringify(tokenFile)} }`,
  `  repos: [${repos.join(', ')}]`,
]

/** Its pages have no form for it: an issue is opened, or labelled later, as on GitHub's API. */
function opening({
  apiUrl,
  tokenFile,
  repo,
}: Pick<Facts, 'apiUrl' | 'tokenFile'> & { repo: string }) {
  const file = `'${tokenFile.replaceAll("'", `'\\''`)}'`
  const curl = (path: string, body: object) => [
    `curl -H "Authorization: Bearer $(cat ${file})" \\`,
    `  ${apiUrl}/repos/${repo}/${path} \\`,
    `  -d '${JSON.stringify(body)}'`,
  ]
  return [
    '',
    'To open an issue that agents take, and to label one later:',
    '',
    ...curl('issues', { title: 'TITLE', body: 'TEXT', labels: ['bzzz'] }),
    ...curl('issues/1/labels', { labels: ['bzzz'] }),
  ]
}

/** Before anything is started. Errors: `USAGE`. */
async function checkDirectory(from: string, cwd: string): Promise<void> {
  const entry = await stat(resolve(cwd, from)).catch(() => undefined)
  if (entry?.isDirectory() === true) return
  throw new CliError('USAGE', `--from ${from} is no directory that can be read.`, {
    next: 'Name a directory whose files become the repository, or leave --from out.',
  })
}

async function lockOf(dir: string): Promise<HomeLock> {
  try {
    return await acquireHomeLock(dir)
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'HOME_IN_USE') throw error
    const { pid } = error.data
    throw new CliError('FORGE_IN_USE', `Process ${String(pid)} already uses ${dir}.`, {
      data: { dir, pid },
      next: 'Stop that forge with Ctrl-C, or choose another `--dir`.',
    })
  }
}

function interrupted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

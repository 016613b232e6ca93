/** What this machine is: Node, git, home, network, executors. Nothing here asks GitHub. */
import { access, constants, stat, statfs } from 'node:fs/promises'
import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { dirname } from 'node:path'
import { homeOwner } from '../../../api/client.ts'
import { makeWork } from '../../../agent/index.ts'
import type { Config } from '../../../config/index.ts'
import type { Git, Processes } from '../../../process/index.ts'
import { hasCode, nullLogger } from '../../../util/index.ts'
import { probeModel } from '../../../work/index.ts'
import { fail, ok, skip, warn, type Check, type Finding } from './check.ts'

/** What engines of package.json asks for. */
const leastNode = 24
/** `GIT_CONFIG_COUNT` and `push --atomic` over http. */
const leastGit = [2, 31] as const
const MIB = 1024 * 1024
const disk = { fail: 100 * MIB, warn: 1_024 * MIB }

export const nodeCheck: Check = {
  id: 'node',
  run: async () => {
    const { node } = process.versions
    if (Number(node.split('.')[0]) >= leastNode) return ok(node)
    return fail(
      node,
      `Run Bzzz with Node ${leastNode} or newer; npm ci in the checkout brings one.`,
    )
  },
}

export const gitCheck = (git: Git, cwd: string): Check => ({
  id: 'git',
  run: async (signal) => {
    const text = (await git(['--version'], { cwd, signal })).trim()
    const [, major = '0', minor = '0'] = /(\d+)\.(\d+)/.exec(text) ?? []
    const [most, least] = leastGit
    const enough = Number(major) > most || (Number(major) === most && Number(minor) >= least)
    return enough ? ok(text) : fail(text, `Install git ${leastGit.join('.')} or newer.`)
  },
})

export const homeCheck = (home: string): Check => ({
  id: 'home',
  run: async () => {
    const entry = await stat(home).catch((error: unknown) => {
      if (hasCode(error, 'ENOENT')) return undefined
      throw error
    })
    if (entry === undefined) {
      const { free, finding } = await room(await existing(home), `${home} is not there yet`)
      return finding ?? ok(`${home} is not there yet, \`bzzz up\` makes it; ${inMib(free)} free`)
    }
    if (!entry.isDirectory())
      return fail(`${home} is no directory`, 'Name another one with --home DIR.')
    const writable = await access(home, constants.R_OK | constants.W_OK | constants.X_OK).then(
      () => true,
      () => false,
    )
    if (!writable) return fail(`${home} cannot be written`, `Type: sudo chown "$USER" ${home}`)
    const { free, finding } = await room(home, home)
    if (finding !== undefined) return finding
    const space = `${inMib(free)} free`
    const owner = await homeOwner(home)
    const lock = owner === undefined ? 'no agent runs in it' : `process ${owner.pid} runs in it`
    const seen = `${home}: ${space}, ${lock}`
    const mode = entry.mode & 0o777
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      const text = `${seen}; others may read it (mode ${mode.toString(8)})`
      return warn(text, `Type: chmod 700 ${home}`)
    }
    return free < disk.warn ? warn(seen, 'Make room: workspaces and journals need it.') : ok(seen)
  },
})

const inMib = (bytes: number) => `${Math.round(bytes / MIB)} MiB`

async function room(at: string, what: string): Promise<{ free: number; finding?: Finding }> {
  const { bavail, bsize } = await statfs(at)
  const free = bavail * bsize
  if (free >= disk.fail) return { free }
  const seen = `${what}: ${inMib(free)} free`
  return { free, finding: fail(seen, 'Make room: workspaces and journals need it.') }
}

/** The nearest directory above that is there. */
async function existing(path: string): Promise<string> {
  for (let at = dirname(path); at !== dirname(at); at = dirname(at)) {
    const found = await stat(at).then(
      () => true,
      () => false,
    )
    if (found) return at
  }
  return '/'
}

export const networkCheck = ({ mesh, home }: Config): Check => ({
  id: 'network',
  run: async () => {
    const all = Object.entries(networkInterfaces())
    const names = all.flatMap(([name, addresses]) =>
      addresses?.some(({ internal, family }) => !internal && family === 'IPv4') === true
        ? [name]
        : [],
    )
    const { mdns, dht, listen } = mesh
    const absent = mdns.interfaces.filter((name) => !all.some(([known]) => known === name))
    if (mdns.enabled && absent.length > 0) {
      const known = all.map(([name]) => name).join(', ')
      return fail(
        `no interface ${absent.join(', ')}`,
        `Set mesh.mdns.interfaces to some of: ${known}.`,
      )
    }
    const taken = await takenPort(listen, home)
    if (taken !== undefined) return taken
    const found = mdns.enabled
      ? `mDNS over ${mdns.interfaces.join(', ') || names.join(', ') || 'loopback only'}`
      : 'mDNS off'
    const seeds = `${dht.enabled ? dht.bootstrap.length : 0} bootstrap addresses`
    if (!mdns.enabled && (!dht.enabled || dht.bootstrap.length === 0)) {
      return warn(
        `${found}, ${seeds}: this agent finds nobody`,
        'Set mesh.mdns.enabled, or mesh.dht.bootstrap.',
      )
    }
    if (mdns.enabled && names.length === 0 && dht.bootstrap.length === 0)
      return warn(
        `${found}, ${seeds}`,
        'Only agents on this machine are found; set mesh.dht.bootstrap for others.',
      )
    return ok(`${found}; ${seeds}`)
  },
})

/** A fixed port that something else has; a running agent of this home has it rightly. */
async function takenPort(listen: readonly string[], home: string): Promise<Finding | undefined> {
  if ((await homeOwner(home).catch(() => undefined)) !== undefined) return undefined
  for (const address of listen) {
    const [, host = '', port = ''] = /^\/ip[46]\/([^/]+)\/tcp\/(\d+)/.exec(address) ?? []
    if (host === '' || port === '0') continue
    const problem = await new Promise<string | undefined>((resolve) => {
      const server = createServer()
      server.once('error', (error) => resolve('code' in error ? String(error.code) : error.message))
      server.listen({ host, port: Number(port) }, () => server.close(() => resolve(undefined)))
    })
    if (problem !== undefined)
      return fail(
        `${address} cannot be listened on (${problem})`,
        'Choose another address in mesh.listen, or end what uses the port.',
      )
  }
  return undefined
}

/** `dir`: a directory for the probes' files. */
export const executorsCheck = (
  config: Config,
  dir: string,
  { processes, git }: { processes: Processes; git: Git },
): Check => ({
  id: 'executors',
  ms: 30_000,
  run: async (signal) => {
    if (!config.roles.includes('worker')) return skip('an observer does no work')
    const work = makeWork({ ...config, home: dir }, processes, git, nullLogger)
    const { executors, models } = await work.detect(signal)
    const named = executors.map(({ name, version }) =>
      version === undefined ? name : `${name} ${version}`,
    )
    const seen = named.join(', ') || 'none'
    if (executors.some(({ kind }) => kind !== 'command')) return ok(seen)
    const nothing = `${seen}: no coding agent, so only chores can be done`
    const [model] = models
    if (model !== undefined) {
      return warn(
        `${nothing}; Ollama has ${model}`,
        `Install a coding agent, or add to work.executors: {kind: chat, name: local, url: 'http://127.0.0.1:11434/v1', model: '${model}'}`,
      )
    }
    return warn(
      nothing,
      'Install one, such as claude, codex, gemini or opencode, so that it is on the PATH; or name a model (docs/chat.md).',
    )
  },
})

/** Each configured model: whether its endpoint answers and has it. */
export const modelChecks = (
  { work, roles }: Config,
  env: Readonly<Record<string, string | undefined>>,
): Check[] =>
  work.executors.flatMap((executor): Check[] => {
    if (executor.kind !== 'chat' || !roles.includes('worker')) return []
    return [
      {
        id: `model:${executor.name}`,
        run: async (signal) => {
          const { state, reason, next, contextTokens } = await probeModel(executor, { env, signal })
          const seen = `${executor.model}: ${reason}`
          if (state === 'unusable') return fail(seen, next ?? `Look at ${executor.url}.`)
          const context =
            contextTokens === undefined ? '' : `, a context of ${contextTokens} tokens`
          return ok(`${seen}${context}`)
        },
      },
    ]
  })

/**
 * The composition root: builds the capabilities that the configuration asks for, hands each what it
 * needs of the others, starts them in the order in which they stand here and stops them in reverse.
 * It decides nothing of its own.
 *
 *   lock ─► processes ─► mesh ─► journal ─► board ─► api ─► work ─► tasks
 *
 * The lock comes first, so that nothing of another agent's home is touched; the sweep of leftover
 * processes comes before anything that could start one; tasks come last, when everything they rely
 * on is there, and stop first, because handing work back needs all the rest.
 */
import { join } from 'node:path'
import { peerRows, statusOf } from './agent-view.ts'
import { acquireHomeLock, createApi, type Api, type HomeLock, type Status } from './api/index.ts'
import { executorsOf } from './agent-executors.ts'
import { loadNow, offersOf, toCandidate, toLocal } from './agent-peers.ts'
import type { Config } from './config/index.ts'
import { createJournal, describeEntry, type Journal } from './journal/index.ts'
import { createMesh, verifySignature, type Mesh } from './mesh/index.ts'
import { createGit, createProcesses, type Processes } from './process/index.ts'
import { createBoard, createTasks, type Board, type Tasks } from './tasks/index.ts'
import {
  CommonError,
  explain,
  Lifecycle,
  repeat,
  withDeadline,
  type Logger,
  type Repeating,
  type Startable,
} from './util/index.ts'
import { createWork, type Work } from './work/index.ts'

export const version = '0.1.0'

export interface AgentInit {
  config: Config
  /** GitHub token; a worker needs one. Kept in memory only. */
  token?: string
}

export interface AgentComponents {
  logger: Logger
  /** Called when a client of the API asks the agent to stop. */
  onStopAsked?: () => void
}

export interface Agent extends Startable {
  /** After start. */
  readonly mesh: Mesh
  readonly journal: Journal
  readonly board: Board
  status(): Status
}

/** Longest time that stopping one capability may take, ms; tasks first hand their work back. */
const stopMs = { tasks: 40_000, other: 12_000 }
/** How often changes that nobody announces (load, memory, journal head) are looked at, ms. */
const refreshMs = 15_000

/** Errors of `start`: those of each capability, such as `HOME_IN_USE`, `LISTEN_FAILED`, `GITHUB_UNAUTHORIZED`. */
export function createAgent(init: AgentInit, { logger, onStopAsked }: AgentComponents): Agent {
  const { config, token } = init
  const { home, name } = config
  const isWorker = config.roles.includes('worker')
  const startedAtMs = Date.now()
  let lock: HomeLock | undefined
  let processes: Processes
  let mesh: Mesh
  let journal: Journal
  let board: Board
  let work: Work | undefined
  let tasks: Tasks | undefined
  let api: Api
  let refresh: Repeating | undefined
  let draining = false
  /** What was started, newest last. */
  const started: { what: string; ms: number; stop: () => Promise<void> }[] = []

  async function begin(what: string, part: Startable, ms = stopMs.other): Promise<void> {
    if (draining) throw new CommonError('ABORTED', 'The agent was asked to stop while it started.')
    started.push({ what, ms, stop: () => part.stop() })
    await part.start()
  }

  async function start(): Promise<void> {
    draining = false
    lock = await acquireHomeLock(home)
    started.push({ what: 'lock', ms: stopMs.other, stop: async () => lock?.release() })

    processes = createProcesses({ stateDir: home, logger })
    started.push({ what: 'processes', ms: stopMs.other, stop: () => processes.stop() })
    const swept = await processes.sweep()
    if (swept > 0)
      logger.warn(
        { event: 'agent.swept', swept },
        'ended processes that an earlier run left behind',
      )
    const git = createGit({ processes })
    if (isWorker) await git(['--version'], { cwd: home })

    mesh = createMesh(
      {
        home,
        name,
        version,
        meshName: config.mesh.name,
        roles: config.roles,
        listen: config.mesh.listen,
        mdns: {
          enabled: config.mesh.mdns.enabled,
          ...(config.mesh.mdns.interfaces.length === 0
            ? {}
            : { interfaces: config.mesh.mdns.interfaces }),
        },
        dht: config.mesh.dht,
        capabilities: toLocal(config, isWorker),
      },
      { logger },
    )
    journal = createJournal(
      { dir: join(home, 'journal'), agent: { name, version, incarnation: mesh.incarnation } },
      { transport: mesh, verify: verifySignature, logger },
    )
    mesh.events.on('peer:connect', ({ peerId }) => journal.connect(peerId))
    mesh.events.on('peer:update', follow)
    mesh.events.on('peer:update', ({ peerId, name: peerName }) => noteOnce(peerId, peerName))
    mesh.events.on('peer:lost', ({ peerId }) => {
      seen.delete(peerId)
      note({ type: 'peer.lost', peerId, reason: 'no sign of life' })
    })
    await begin('journal', journal)
    mesh.announce({ journal: journal.head() })
    await begin('mesh', mesh)

    board = createBoard({ journal, logger, describe: describeEntry })
    await begin('board', board)
    api = createApi(
      { home, ...(config.api.socket === undefined ? {} : { socketPath: config.api.socket }) },
      {
        status,
        peers: () => peerRows(mesh, journal),
        tasks: () => board.rows(),
        task: (ref) => board.detail(ref),
        logs: (query) => journal.read(query),
        tail: (query, signal) => journal.tail(query, signal),
        verify: (agent) => journal.verify(agent),
        stop: askStop,
      },
      { logger },
    )
    await begin('api', api)
    if (isWorker) await startWorking(git)
    refresh = repeat(async () => announceChanges(), {
      everyMs: refreshMs,
      onError: (error) =>
        logger.warn({ err: explain(error) }, 'capabilities could not be refreshed'),
    })
    await begin('refresh', refresh)
    logger.info(
      { event: 'agent.started', name, peerId: mesh.peerId, addresses: mesh.addresses() },
      `${name} is up`,
    )
  }

  async function startWorking(git: ReturnType<typeof createGit>): Promise<void> {
    work = createWork(
      {
        dir: join(home, 'work'),
        executors: executorsOf(config),
        path: process.env['PATH'] ?? '',
        limits: config.work,
      },
      { processes, git, logger },
    )
    await begin('work', work)
    const detected = await work.detect()
    mesh.announce({ ...detected, tags: config.work.tags })
    const { github } = config
    tasks = createTasks(
      {
        dir: join(home, 'repositories'),
        name,
        apiUrl: github.apiUrl,
        ...(github.gitUrl === undefined ? {} : { gitUrl: github.gitUrl }),
        token: token ?? '',
        userAgent: `bzzz/${version}`,
        repos: github.repos,
        trigger: github.labels.trigger,
        failed: github.labels.failed,
        branchPrefix: github.branchPrefix,
        refPrefix: github.claims.refPrefix,
        leaseMs: github.claims.leaseMs,
        staggerMs: github.claims.staggerMs,
        pollMs: github.pollMs,
        maxAttempts: github.maxAttempts,
        slots: config.work.slots,
      },
      {
        journal,
        mesh: {
          peerId: mesh.peerId,
          incarnation: mesh.incarnation,
          sign: (data) => mesh.sign(data),
          candidates: () => mesh.peers().flatMap((peer) => toCandidate(peer)),
          tell: (announcement) => mesh.publish('tasks', announcement),
          heard: (handler) => mesh.subscribe('tasks', handler),
        },
        work,
        git,
        verify: verifySignature,
        logger,
        self: () => ({
          peerId: mesh.peerId,
          name,
          repositories: github.repos,
          offers: offersOf(mesh.capabilities()),
        }),
        onChange: ({ login, slotsUsed }) =>
          mesh.announce({
            ...(login === null ? {} : { login }),
            slots: { total: config.work.slots, used: slotsUsed },
          }),
      },
    )
    await begin('tasks', tasks, stopMs.tasks)
  }

  /** Each peer whose journal is announced is replicated, so that everything is there wherever it is asked for. */
  const follow: (peer: {
    peerId: string
    name?: string
    capabilities?: { journal?: { key: string; epoch: number } | undefined }
  }) => void = (peer) => {
    const announced = peer.capabilities?.journal
    if (announced === undefined) return
    journal.follow({
      peerId: peer.peerId,
      key: announced.key,
      epoch: announced.epoch,
      ...(peer.name === undefined ? {} : { name: peer.name }),
    })
  }

  const seen = new Set<string>()
  function noteOnce(peerId: string, peerName: string | undefined): void {
    if (seen.has(peerId)) return
    seen.add(peerId)
    note({ type: 'peer.seen', peerId, ...(peerName === undefined ? {} : { name: peerName }) })
  }

  function note(entry: Parameters<Journal['append']>[0]): void {
    journal
      .append(entry)
      .catch((error: unknown) =>
        logger.warn(
          { event: 'journal.append', err: explain(error) },
          'an entry could not be written',
        ),
      )
  }

  async function announceChanges(): Promise<void> {
    mesh.announce({ journal: journal.head(), ...loadNow() })
  }

  function askStop(): void {
    draining = true
    onStopAsked?.()
  }

  async function stop(): Promise<void> {
    draining = true
    for (const { what, ms, stop: stopPart } of started.splice(0).reverse()) {
      await withDeadline(`To stop ${what}`, ms, stopPart).catch((error: unknown) => {
        logger.error(
          { event: 'agent.stop', what, err: explain(error) },
          `${what} did not stop cleanly`,
        )
      })
    }
    logger.info({ event: 'agent.stopped', name }, `${name} is down`)
  }

  const status = () =>
    statusOf(
      {
        name,
        version,
        startedAtMs,
        home,
        roles: config.roles,
        draining,
        apiUrl: config.github.apiUrl,
      },
      { mesh, journal, board, tasks },
    )

  const lifecycle = new Lifecycle(start, stop)
  return {
    start: () => lifecycle.start(),
    stop: () => {
      draining = true
      return lifecycle.stop()
    },
    get mesh() {
      return mesh
    },
    get journal() {
      return journal
    },
    get board() {
      return board
    },
    status,
  }
}

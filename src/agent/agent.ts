/** The agent: what starts, in which order, and how it stops. See the door for the picture. */
import { createApi, createToolServer, type Status } from '../api/index.ts'
import type { Help } from '../help/index.ts'
import type { Journal } from '../journal/index.ts'
import type { Membership, Mesh } from '../mesh/index.ts'
import { createGit, createProcesses } from '../process/index.ts'
import { createHeldSecrets, createSecretScanner, type Credential } from '../secrets/index.ts'
import { createBoard, type Board, type Tasks, type Webhooks } from '../tasks/index.ts'
import {
  CommonError,
  explain,
  Lifecycle,
  repeat,
  systemClock,
  withDeadline,
  type Startable,
} from '../util/index.ts'
import type { Work } from '../work/index.ts'
import { createHeadroom } from '../work/index.ts'
import { createAsks } from './asks.ts'
import { belong } from './belong.ts'
import { dryHome, removing } from './dry-home.ts'
import { holdKeys, holdPassed } from './holding.ts'
import { homeLock } from './home-lock.ts'
import { introduce } from './introduce.ts'
import { deskOf, makeHelp } from './make-help.ts'
import { makeWork } from './make-work.ts'
import { membershipSources, sayAsks } from './membership.ts'
import { loadNow, withStandings } from './peers.ts'
import { makeCredential, makeJournal, makeMesh, makeTasks, makeWebhooks } from './rooms.ts'
import { version } from './version.ts'
import { sandboxOf, saySandbox } from './sandbox.ts'
import { peerRows } from './roster.ts'
import { answerOf, questionsOf } from './questions.ts'
import { sweeping } from './sweeping.ts'
import type { Agent, AgentComponents, AgentInit } from './types.ts'
import { statusOf } from './view.ts'
import { announcing, patientJournal } from './written.ts'

/** Longest time that stopping one part may take, ms; tasks first hand their work back. */
const stopMs = { tasks: 40_000, other: 12_000 }
/** How often changes that nobody announces (load, memory, journal head) are looked at, ms. */
const refreshMs = 15_000

interface Rooms {
  mesh: Mesh
  membership: Membership
  journal: Journal
  board: Board
  help: Help | undefined
  tasks: Tasks | undefined
  work: Work | undefined
  credential: Credential | undefined
  webhooks: Webhooks | undefined
}

/**
 * Errors of `start`: those of each room, such as `HOME_IN_USE`, `SECRET_MISSING`, `LISTEN_FAILED`,
 * `GITHUB_UNAUTHORIZED`, and `AgentErrorCode`. It waits for as long as no signer lets it in.
 */
export function createAgent(init: AgentInit, components: AgentComponents): Agent {
  const { env = process.env, dryRun = false } = init
  /** In a dry run its home may be another one, which is not for long. */
  let { config } = init
  const { logger, onStopAsked, held = createHeldSecrets() } = components
  const scanner = createSecretScanner({ ignore: config.work.ignoreSecretRules }, { held })
  const { home, name, roles } = config
  const startedAtMs = Date.now()
  let rooms: Rooms | undefined
  let draining = false
  let up = false
  let stopping = new AbortController()
  /** What was started, newest last. */
  const started: { what: string; ms: number; part: Startable }[] = []

  async function begin(what: string, part: Startable, ms = stopMs.other): Promise<void> {
    if (draining) throw new CommonError('ABORTED', 'The agent was asked to stop while it started.')
    started.push({ what, ms, part })
    await part.start()
  }

  async function start(): Promise<void> {
    draining = false
    stopping = new AbortController()
    await begin('lock', homeLock(home))
    const processes = createProcesses({ stateDir: home, logger, ...sandboxOf(config) })
    await begin('processes', sweeping(processes, logger))
    const git = createGit({ processes })
    const credential = roles.includes('worker')
      ? makeCredential(init, { processes, held, logger })
      : undefined
    await credential?.check()

    const { signal } = stopping
    const dry = dryRun ? await dryHome({ config: init.config, env }, logger) : undefined
    started.push({ what: 'dry home', ms: stopMs.other, part: removing(dry) })
    config = { ...init.config, home: dry?.home ?? home }
    const membership =
      dry?.membership ?? (await belong({ config, env, dryRun }, { logger, held, signal }))
    const mesh = makeMesh(config, { membership, dryRun, logger })
    const journal = makeJournal(config, mesh, logger)
    const board = createBoard({ journal, logger })
    const later = {
      help: undefined,
      tasks: undefined,
      work: undefined,
      credential,
      webhooks: undefined,
    }
    rooms = { mesh, membership, journal, board, ...later }
    const introduced = introduce({ mesh, journal, repos: config.github.repos }, logger)
    // The journal stops before the mesh, so that its last entries reach the peers.
    await begin('mesh', mesh)
    await begin('journal', journal)
    introduced()
    await begin('announcements', announcing(mesh, journal, wakeTasks))
    await begin('board', board)
    await begin('asks', sayAsks(membership, logger))
    await begin('api', apiOf(rooms))
    await journal.opened(stopping.signal)
    const help = makeHelp({ mesh, membership, journal, held, tasks: () => rooms?.tasks, logger })
    rooms.help = help
    await begin('help', help)
    if (credential !== undefined) {
      await git(['--version'], { cwd: home })
      await holdKeys(held, config.home)
      holdPassed(held, config, env)
      await begin('secret scanner', { start: () => Promise.resolve(), stop: () => scanner.stop() })
      let found: Awaited<ReturnType<typeof work.detect>> | undefined
      const announce = () => {
        if (found === undefined) return
        const executors = withStandings(found.executors, work.standings())
        mesh.announce({ ...found, executors })
        wakeTasks()
      }
      const guard = { held, scanner, dryRun }
      const patient = patientJournal(journal, { signal, logger })
      const peers = () => peerRows({ mesh, membership, journal })
      const toolServer = createToolServer({ peers, logger })
      const swept = await toolServer.sweep(signal)
      if (swept > 0)
        logger.info({ event: 'tools.swept', swept }, 'sockets of a killed agent were removed')
      const own = { peerId: mesh.peerId, onStanding: announce, toolServer }
      const memory = { journal: patient, ...own }
      const work = makeWork(config, { processes, git, guard, logger }, memory)
      rooms.work = work
      await begin('work', work)
      saySandbox(processes.sandbox(), logger)
      found = await work.detect()
      announce()
      const headroom =
        config.work.slots === 'auto' ? createHeadroom({ clock: systemClock }) : undefined
      if (headroom !== undefined) await begin('headroom', headroom)
      const parts = {
        mesh,
        membership,
        journal: patient,
        work,
        headroom,
        git,
        guard,
        logger,
        help: deskOf(help, mesh),
      }
      const tasks = makeTasks(config, credential, parts)
      rooms.tasks = tasks
      await begin('tasks', tasks, stopMs.tasks)
      rooms.webhooks = makeWebhooks(init, tasks, { held, logger })
      if (rooms.webhooks !== undefined) await begin('webhooks', rooms.webhooks)
    }
    await begin('refresh', refreshing(mesh, journal))
    const facts = { event: 'agent.started', name, peerId: mesh.peerId, addresses: mesh.addresses() }
    logger.info(facts, `${name} is up`)
    up = true
  }

  function wakeTasks(): void {
    for (const repo of config.github.repos) rooms?.tasks?.hint({ repo, event: 'journal' })
  }

  async function stop(): Promise<void> {
    draining = true
    for (const { what, ms, part } of started.splice(0).reverse()) {
      await withDeadline(`To stop ${what}`, ms, () => part.stop()).catch((error: unknown) => {
        const fields = { event: 'agent.stop', what, err: explain(error) }
        logger.error(fields, `${what} did not stop cleanly`)
      })
    }
    if (up) logger.info({ event: 'agent.stopped', name }, `${name} is down`)
    up = false
  }

  function apiOf({ mesh, membership, journal, board }: Rooms): Startable {
    const { socket } = config.api
    return createApi(
      { home, ...(socket === undefined ? {} : { socketPath: socket }) },
      {
        status,
        peers: () => peerRows({ mesh, membership, journal }),
        membership: membershipSources(membership, mesh),
        help: createAsks({ rooms: ready, journal }),
        tasks: () => board.rows(),
        task: async (ref) => {
          const detail = await board.read(ref)
          const questions = questionsOf(rooms?.work, ref)
          const spent = rooms?.work?.spent(ref)
          const more = spent === undefined ? {} : { spent }
          return detail && { ...detail, ...rooms?.tasks?.look(ref), questions, ...more }
        },
        answer: (ref, question, answer) => answerOf(rooms?.work, ref, question, answer),
        logs: (query) => journal.read(query),
        tail: (query, signal) => journal.tail(query, signal),
        bundle: (query) => journal.bundle(query),
        verify: (agent) => journal.verify(agent),
        stop: () => {
          draining = true
          onStopAsked?.()
        },
      },
      { logger },
    )
  }

  function refreshing(mesh: Mesh, journal: Journal): Startable {
    return repeat(async () => mesh.announce({ journal: journal.head(), ...loadNow() }), {
      everyMs: refreshMs,
      onError: (error) =>
        logger.warn({ err: explain(error) }, 'capabilities could not be refreshed'),
    })
  }

  function ready(): Rooms {
    if (rooms === undefined) throw new CommonError('INVALID', 'The agent has not been started.')
    return rooms
  }

  function status(): Status {
    const facts = { name, version, startedAtMs, home, roles, draining }
    return statusOf({ ...facts, apiUrl: config.github.apiUrl }, ready())
  }

  const lifecycle = new Lifecycle(start, stop)
  return {
    start: () => lifecycle.start(),
    stop: () => {
      draining = true
      stopping.abort()
      return lifecycle.stop()
    },
    get mesh() {
      return ready().mesh
    },
    get membership() {
      return ready().membership
    },
    get journal() {
      return ready().journal
    },
    get board() {
      return ready().board
    },
    status,
  }
}

/** How each room is made from the configuration, and what it is given of the others. Nothing starts here. */
import { join } from 'node:path'
import type { Config } from '../config/index.ts'
import { createJournal, type Journal } from '../journal/index.ts'
import {
  createMesh,
  verifySignature,
  type Membership,
  type Mesh,
  type TopicMessage,
  type OpenTopic,
} from '../mesh/index.ts'
import type { Git, Processes } from '../process/index.ts'
import {
  createCredential,
  fixedToken,
  Secret,
  type HeldSecrets,
  type SecretScanner,
  resolveSecret,
  webhookSecret,
  type CommandRunner,
  type Credential,
} from '../secrets/index.ts'
import { createTasks, createWebhooks, type Tasks, type Webhooks } from '../tasks/index.ts'
import type { Logger } from '../util/index.ts'
import {
  budgetsSchema,
  createWork,
  type ExecutorConfigInput,
  type Headroom,
  type Work,
} from '../work/index.ts'
import type { AgentInit } from './agent.ts'
import { executorsOf } from './executors.ts'
import { withoutSecrets } from './holding.ts'
import { abilitiesOf, toCandidate, toLocal } from './peers.ts'
import { version } from './version.ts'
import { mayBegin } from './written.ts'

export function makeMesh(
  config: Config,
  { membership, dryRun, logger }: { membership: Membership; dryRun: boolean; logger: Logger },
): Mesh {
  const { listen, announce, relay, autonat, holePunch, upnp, dht } = config.mesh
  const { enabled, interfaces } = config.mesh.mdns
  return createMesh(
    {
      home: config.home,
      name: config.name,
      version,
      roles: config.roles,
      listen,
      announce,
      relay,
      autonat,
      holePunch,
      upnp,
      mdns: { enabled, ...(interfaces.length === 0 ? {} : { interfaces }) },
      dht,
      capabilities: { ...toLocal(config), ...(dryRun ? { slots: { total: 0, used: 0 } } : {}) },
    },
    { membership, logger },
  )
}

export const journalDirectory = (home: string) => join(home, 'journal')

export function makeJournal(config: Config, mesh: Mesh, logger: Logger): Journal {
  const { home, name } = config
  const { replicate, diskBudgetBytes: budgetBytes } = config.journal
  return createJournal(
    {
      dir: journalDirectory(home),
      agent: { name, version, incarnation: mesh.incarnation },
      replicate,
      limits: { budgetBytes },
    },
    { transport: mesh, verify: verifySignature, logger },
  )
}

/** What keeps secrets here, and writes nothing in a dry run. */
export interface Guard {
  held: HeldSecrets
  scanner: SecretScanner
  dryRun: boolean
}

export interface WorkParts {
  processes: Processes
  git: Git
  /** Without one it is only looked at what is here. */
  guard?: Guard
  logger: Logger
}

/** What of a journal the tasks and the work use; nothing that is held gets into it. */
const guarded = (journal: Journal, held: HeldSecrets) => ({
  head: () => journal.head(),
  treeHashAt: (length: number) => journal.treeHashAt(length),
  append: withoutSecrets(journal, held),
  read: (query?: Parameters<Journal['read']>[0]) => journal.read(query),
  tail: (query: Parameters<Journal['tail']>[0], signal: AbortSignal) => journal.tail(query, signal),
})

/** Where an agent remembers what was spent and how its executors stand; a command has none. */
export interface WorkMemory {
  journal: Journal
  peerId: string
  onStanding: () => void
}

interface WorkOptions extends Partial<WorkMemory> {
  /** False where nobody could answer, as in a command. Default true. */
  askPeople?: boolean
  /** Executors that are tried before they are configured. Default none. */
  also?: ExecutorConfigInput[]
}

export function makeWork(
  config: Config,
  { processes, git, guard, logger }: WorkParts,
  { askPeople = true, also = [], ...memory }: WorkOptions = {},
): Work {
  const isNamed = ({ name }: { name: string }) => also.some((one) => one.name === name)
  const { protectedPaths: protect, allowPaths: allow, network } = config.work
  return createWork(
    {
      dir: join(config.home, 'work'),
      executors: [...also, ...executorsOf(config).filter((one) => !isNamed(one))],
      path: process.env['PATH'] ?? '',
      limits: config.work,
      ...(config.work.permissions === undefined ? {} : { permissions: config.work.permissions }),
      askPeople,
      paths: { protect, allow },
      network,
      readable: config.work.readable,
      use: useOf(config),
      budgets: budgetsSchema.parse(config.work.budget),
      ...(memory.peerId === undefined ? {} : { peerId: memory.peerId }),
    },
    {
      processes,
      git,
      ...(guard === undefined ? {} : { scanner: guard.scanner, held: guard.held }),
      logger,
      ...(memory.journal === undefined || guard === undefined
        ? {}
        : { journal: guarded(memory.journal, guard.held) }),
      ...(memory.onStanding === undefined ? {} : { onStanding: memory.onStanding }),
    },
  )
}

function useOf({ work }: Config) {
  const { memoryBytes, processes, diskBytes, openFiles } = work
  return {
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    processes,
    diskBytes,
    openFiles,
  }
}

const topicOf = <T extends OpenTopic>(mesh: Mesh, topic: T) => ({
  publish: (message: TopicMessage<T>) => mesh.publish(topic, message),
  subscribe: (handler: (message: TopicMessage<T>, from: string) => void) =>
    mesh.subscribe(topic, handler),
})

/** Signs in to GitHub; what is read is read when it is asked for. */
export function makeCredential(
  { config, token, env = process.env }: AgentInit,
  { processes, held, logger }: { processes: Processes; held: HeldSecrets; logger: Logger },
): Credential {
  if (token !== undefined) {
    held.add('GitHub token', new Secret(token))
    return fixedToken(token)
  }
  const { github, home } = config
  const run: CommandRunner['run'] = (request) =>
    processes.run({ ...request, cwd: home, lease: false })
  return createCredential(
    { ...github, userAgent: `bzzz/${version}` },
    { env, commands: { run }, held, logger },
  )
}

export interface TasksParts {
  mesh: Mesh
  membership: Membership
  journal: Journal
  work: Work
  /** Absent where the configuration names the slots. */
  headroom: Headroom | undefined
  git: Git
  guard: Guard
  logger: Logger
}

export function makeTasks(config: Config, token: Credential, parts: TasksParts): Tasks {
  const { mesh, membership, journal, work, headroom, git, guard, logger } = parts
  const { held, scanner, dryRun } = guard
  const { github, name } = config
  return createTasks(
    {
      dir: join(config.home, 'repositories'),
      name,
      apiUrl: github.apiUrl,
      ...(github.gitUrl === undefined ? {} : { gitUrl: github.gitUrl }),
      token,
      ...(github.assignee === undefined ? {} : { assignee: github.assignee }),
      userAgent: `bzzz/${version}`,
      repos: github.repos,
      paused: github.paused,
      trust: github.trust,
      trigger: github.labels.trigger,
      failed: github.labels.failed,
      priority: github.labels.priority,
      branchPrefix: github.branchPrefix,
      refPrefix: github.claims.refPrefix,
      transport: github.claims.transport,
      leaseMs: github.claims.leaseMs,
      staggerMs: github.claims.staggerMs,
      pollMs: github.pollMs,
      ...(github.safetyPollMs === undefined ? {} : { safetyMs: github.safetyPollMs }),
      maxAttempts: github.maxAttempts,
      feedback: {
        maxRounds: github.maxRounds,
        quietMs: github.feedbackQuietMs,
        drafts: github.drafts,
        followUps: github.followUps,
        needsHuman: github.labels.needsHuman,
        draftLabel: github.labels.draft,
      },
      slots: slotsOf(config, headroom),
      checkpointMs: config.work.checkpointMs,
      dryRun,
    },
    {
      journal: guarded(journal, held),
      mask: (text, signal) => scanner.mask(text, signal),
      mesh: {
        peerId: mesh.peerId,
        incarnation: mesh.incarnation,
        sign: (data) => mesh.sign(data),
        candidates: () => mesh.peers().flatMap(toCandidate),
        tell: (announcement) => mesh.publish('tasks', announcement),
        heard: (handler) => mesh.subscribe('tasks', handler),
        issues: topicOf(mesh, 'issues'),
        limits: topicOf(mesh, 'limits'),
      },
      work,
      git,
      verify: verifySignature,
      logger,
      mayTake: () => membership.roles(mesh.peerId).includes('worker') && mayBegin(journal),
      self: () => ({
        peerId: mesh.peerId,
        name,
        repositories: github.repos,
        ...abilitiesOf(mesh.capabilities()),
      }),
      onChange: ({ login, slotsUsed }) =>
        mesh.announce({
          ...(login === null ? {} : { login }),
          slots: {
            total: dryRun ? 0 : totalOf(slotsOf(config, headroom), slotsUsed),
            used: slotsUsed,
          },
        }),
    },
  )
}

type SlotsOf = Exclude<Parameters<typeof createTasks>[0]['slots'], number>

function slotsOf({ work }: Config, headroom: Headroom | undefined): number | SlotsOf {
  if (work.slots !== 'auto') return work.slots
  return headroom === undefined ? 1 : (used) => headroom.slots(used)
}

/** What others may count on: no more than are used while nothing is added. */
function totalOf(slots: number | SlotsOf, used: number): number {
  if (typeof slots === 'number') return slots
  const { total, full } = slots(used)
  return full === undefined ? total : Math.max(1, used)
}

/** Undefined when the configuration asks for none. */
export function makeWebhooks(
  { config, env = process.env }: AgentInit,
  tasks: Pick<Tasks, 'hint'>,
  { held, logger }: { held: HeldSecrets; logger: Logger },
): Webhooks | undefined {
  const { repos, webhooks } = config.github
  const { listen, path, secret } = webhooks
  if (listen === undefined) return undefined
  return createWebhooks(
    {
      listen,
      path,
      repos,
      secret: async () => (await resolveSecret(secret, { env, name: webhookSecret, held })).value,
    },
    { onHint: (hint) => tasks.hint(hint), logger },
  )
}

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
  resolveSecret,
  webhookSecret,
  type CommandRunner,
  type Credential,
} from '../secrets/index.ts'
import {
  createTasks,
  createWebhooks,
  type HelpDesk,
  type Tasks,
  type Webhooks,
} from '../tasks/index.ts'
import type { Logger } from '../util/index.ts'
import type { Headroom, Work } from '../work/index.ts'
import type { AgentInit } from './types.ts'
import { guarded, type Guard } from './holding.ts'
import { helpSettingsOf } from './make-help.ts'
import { abilitiesOf, toCandidate, toLocal } from './peers.ts'
import { version } from './version.ts'
import { mayBegin } from './written.ts'

export function makeMesh(
  config: Config,
  { membership, dryRun, logger }: { membership: Membership; dryRun: boolean; logger: Logger },
): Mesh {
  const { listen, announce, connections, relay, autonat, holePunch, upnp, dht } = config.mesh
  const { enabled, interfaces } = config.mesh.mdns
  return createMesh(
    {
      home: config.home,
      name: config.name,
      version,
      roles: config.roles,
      listen,
      announce,
      enoughConnections: connections,
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
  help: HelpDesk
  logger: Logger
}

export function makeTasks(config: Config, token: Credential, parts: TasksParts): Tasks {
  const { mesh, membership, journal, work, headroom, git, guard, help, logger } = parts
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
      stopped: github.labels.stopped,
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
      help: helpSettingsOf(config),
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
      help,
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

/** Between rooms: a peer's capabilities as the tasks see them, and the own ones before detection. Pure. */
import { cpus, freemem, loadavg, totalmem } from 'node:os'
import type { Config } from '../config/index.ts'
import type { Capabilities, LocalCapabilities, MeshPeer } from '../mesh/index.ts'
import type { Candidate } from '../tasks/index.ts'
import { WORKSPACES, type StandingView } from '../work/index.ts'

/** Of an announcement of 16 KiB, what repository names may take, bytes: the rest needs its room, too. */
const maxRepositoryBytes = 6 * 1024

/** What is known before the machine was looked at. */
export function toLocal(config: Config): LocalCapabilities {
  const isWorker = config.roles.includes('worker')
  return {
    executors: [],
    models: [],
    languages: [],
    tools: [],
    tags: isWorker ? config.work.tags : [],
    ...loadNow(),
    gpu: [],
    slots: {
      total: isWorker ? (config.work.slots === 'auto' ? 1 : config.work.slots) : 0,
      used: 0,
    },
    repositories: isWorker ? fitting(config.github.repos, maxRepositoryBytes) : [],
  }
}

/** The first names that fit. Peers only use them to spread load: one that is left out is still worked. */
function fitting(names: readonly string[], maxBytes: number): string[] {
  let bytes = 0
  return names.filter((name) => (bytes += Buffer.byteLength(name) + 3) <= maxBytes)
}

/** Cores and the 1-minute load average (0 where the system has none); memory in bytes. */
export function loadNow(): Pick<LocalCapabilities, 'cpu' | 'memory'> {
  return {
    cpu: { cores: cpus().length, load1: loadavg()[0] ?? 0 },
    memory: { totalBytes: totalmem(), freeBytes: freemem() },
  }
}

/** Executors as they are announced: with why some of them are left alone. */
export function withStandings(
  executors: LocalCapabilities['executors'],
  standings: readonly StandingView[],
): LocalCapabilities['executors'] {
  const away = new Map(
    standings.flatMap(({ executor, is, why, reason, untilMs }) =>
      is !== 'away' || why === null || untilMs === null
        ? []
        : [[executor, { why, reason: reason ?? '', untilMs: Math.round(untilMs) }]],
    ),
  )
  return executors.map((one) => {
    const how = away.get(WORKSPACES) ?? away.get(one.name)
    return how === undefined ? one : { ...one, away: how }
  })
}

type Offering = Pick<Capabilities, 'tags' | 'tools' | 'languages' | 'models' | 'gpu' | 'executors'>

/** Every word that a `needs:` may ask this peer for, in lower case. */
export function offersOf(capabilities: Offering): Set<string> {
  const { tags, tools, languages, models, gpu } = capabilities
  const executors = usable(capabilities)
  const words = [
    ...tags,
    ...models,
    ...tools.map((tool) => tool.name),
    ...languages.map((language) => language.name),
    ...executors.flatMap((executor) => [executor.name, ...executor.models]),
    ...(gpu.length > 0 ? ['gpu'] : []),
  ]
  return new Set(words.map((word) => word.toLowerCase()))
}

const usable = ({ executors }: Pick<Capabilities, 'executors'>) =>
  executors.filter(({ away }) => away === undefined)

/** What load is spread by, as announced; a peer's word, so the tasks clamp it. */
export function abilitiesOf(
  capabilities: Capabilities,
): Pick<Candidate, 'offers' | 'kinds' | 'slots' | 'load1' | 'cores' | 'memory'> {
  const { cpu, memory, slots } = capabilities
  return {
    offers: offersOf(capabilities),
    kinds: new Set(usable(capabilities).map(({ kind }) => kind)),
    slots: slots.total,
    load1: cpu.load1,
    cores: cpu.cores,
    memory: { free: memory.freeBytes, total: memory.totalBytes },
  }
}

/**
 * Workers that are alive, connected or by another member's word, and that the mesh lets work: one that
 * is away cannot be waited for.
 */
export function toCandidate(peer: MeshPeer): Candidate[] {
  const { capabilities, presence, peerId, roles } = peer
  if (presence !== 'alive' || capabilities === undefined || !roles.includes('worker')) return []
  const { name, login, repositories, slots } = capabilities
  return [
    {
      peerId,
      name,
      repositories,
      ...abilitiesOf(capabilities),
      freeSlots: slots.total - slots.used,
      ...(login === undefined ? {} : { login }),
    },
  ]
}

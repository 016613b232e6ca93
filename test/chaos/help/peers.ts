/** Peers in processes of their own, linked as a test wants it: each knows the addresses of its neighbours only. */
import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { until } from '../../../src/util/index.ts'
import type { Lab } from '../../mesh/support.ts'
import type { Order, Said } from './orders.ts'

type Of<K extends Said['is']> = Extract<Said, { is: K }>

export interface Start {
  /** Whose home; it must be a member's. */
  name: string
  bootstrap: readonly string[]
  helps: boolean
  /** How long its help takes, ms. */
  workMs: number
}

/** A process, in which one peer after the other may run. */
export interface Peer {
  readonly peerId: string
  /** All that it said. */
  readonly said: readonly Said[]
  /** Starts a peer, or starts it anew after `kill`. */
  start(how: Start): Promise<void>
  addresses(): string[]
  tell(order: Order): void
  /** The next of a kind after now. */
  next<K extends Said['is']>(kind: K, ms?: number): Promise<Of<K>>
  kill(): Promise<void>
}

export type Links = readonly (readonly [number, number])[]

export const line = (count: number): Links =>
  Array.from({ length: count - 1 }, (_, at) => [at, at + 1] as const)
export const ring = (count: number): Links => [...line(count), [count - 1, 0]]
/** The last is the hub. */
export const star = (count: number): Links =>
  Array.from({ length: count - 1 }, (_, at) => [at, count - 1] as const)

/** Hops from the first, by the shortest way. */
export function distances(links: Links, from = 0): Map<number, number> {
  const found = new Map([[from, 0]])
  for (const at of found.keys())
    for (const [a, b] of links)
      for (const [one, other] of [
        [a, b],
        [b, a],
      ] as const)
        if (one === at && !found.has(other)) found.set(other, (found.get(at) ?? 0) + 1)
  return found
}

/** Requests that a flood would send which ends after `hops` links, each peer sending to all but whom it has it from. */
export function floodFrames(links: Links, hops: number): number {
  const at = distances(links)
  const degree = (peer: number) => links.filter((link) => link.includes(peer)).length
  return [...at].reduce((sum, [peer, hop]) => {
    if (hop >= hops) return sum
    return sum + degree(peer) - (hop === 0 ? 0 : 1)
  }, 0)
}

const startMs = 60_000
const orderMs = 30_000

/** Makes processes; `end` ends all that are left. */
export function createPeers({ home }: Pick<Lab, 'home'>) {
  const children = new Set<ChildProcess>()

  function make(): Peer {
    const said: Said[] = []
    let child: ChildProcess | undefined
    let up: Of<'up'> | undefined
    const spawn = () => {
      const made = fork(fileURLToPath(new URL('peer.ts', import.meta.url)), {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      })
      children.add(made)
      made.once('exit', () => {
        children.delete(made)
        if (child === made) child = undefined
      })
      made.on('message', (message: Said) => {
        said.push(message)
        if (message.is === 'up') up = message
      })
      return made
    }
    const peer: Peer = {
      get peerId() {
        return up?.peerId ?? ''
      },
      said,
      async start({ name, bootstrap, helps, workMs }) {
        child ??= spawn()
        up = undefined
        const from = said.length
        const how = { name, home: home(name), bootstrap: [...bootstrap], helps, workMs }
        peer.tell({ do: 'start', ...how })
        await until(`${name} to be up`, startMs, () => {
          const failed = said.slice(from).find((one) => one.is === 'failed')
          if (failed?.is === 'failed') throw new Error(`${name} ${failed.doing}: ${failed.why}`)
          return up
        })
      },
      addresses: () => up?.addresses ?? [],
      tell: (order) => void child?.send(order),
      async next(kind, ms = orderMs) {
        const from = said.length
        return (await until(`${kind} of a peer`, ms, () =>
          said.slice(from).find((one) => one.is === kind),
        )) as never
      },
      async kill() {
        if (child !== undefined) await end(child)
      },
    }
    return peer
  }

  /** Starts them so that each knows its neighbours, and nobody else. */
  async function link(
    peers: readonly Peer[],
    links: Links,
    how: (at: number) => Omit<Start, 'bootstrap'>,
  ) {
    for (const [at, peer] of peers.entries()) {
      const before = neighbours(links, at).filter((to) => to < at)
      await peer.start({ ...how(at), bootstrap: before.flatMap((to) => peers[to]!.addresses()) })
    }
    await whole(peers, links)
  }

  return {
    make,
    link,
    end: async () => void (await Promise.all([...children].map(end))),
  }
}

async function end(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve))
  if (!child.kill('SIGKILL')) return
  await gone
}

export const neighbours = (links: Links, at: number): number[] =>
  links.flatMap(([a, b]) => (a === at ? [b] : b === at ? [a] : []))

/** Waits until all links are there. */
export async function whole(peers: readonly Peer[], links: Links): Promise<void> {
  await until('all links', startMs, async () => {
    const reports = await reportsOf(peers)
    return links.every(
      ([a, b]) =>
        reports[a]?.linked.includes(peers[b]!.peerId) === true &&
        reports[b]?.linked.includes(peers[a]!.peerId) === true,
    )
  })
}

export async function reportsOf(peers: readonly Peer[]): Promise<Of<'report'>[]> {
  return Promise.all(
    peers.map(async (peer) => {
      const report = peer.next('report')
      peer.tell({ do: 'report' })
      return report
    }),
  )
}

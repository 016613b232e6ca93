/**
 * One request in each topology of 12 processes: who is asked, how far it goes, and how many messages it
 * takes. What the peers did is read from their journals.
 */
import { treesOf, type HelpTree, type TreeNode } from '../../../src/help/index.ts'
import { until } from '../../../src/util/index.ts'
import type { Lab } from '../../mesh/support.ts'
import { distances, floodFrames, line, reportsOf, ring, star, type createPeers, type Links, type Peer } from './peers.ts' // prettier-ignore

export const count = 12
/** Links that a request may go. */
const maxHops = 3
const lifeMs = 60_000

export interface Shape {
  name: string
  links: Links
  /** The only peer that can help; the first one asks. */
  helper: number
}

const random: Links = [...line(count), [0, 4], [2, 9], [3, 11], [5, 10], [1, 8], [6, 11]]

export const shapes: readonly Shape[] = [
  { name: 'line', links: line(count), helper: 3 },
  { name: 'line-too-far', links: line(count), helper: 4 },
  { name: 'ring', links: ring(count), helper: count - 3 },
  { name: 'star', links: star(count), helper: 5 },
  { name: 'random', links: random, helper: 5 },
]

export interface Seen {
  shape: string
  outcome: string
  hops: number | undefined
  /** Messages sent, by kind, of all peers. */
  frames: Record<string, number>
  flood: number
  tree: HelpTree
  violations: string[]
}

export async function inShape(
  { name, links, helper }: Shape,
  { lab, peers, all }: { lab: Lab; peers: ReturnType<typeof createPeers>; all: readonly Peer[] },
): Promise<Seen> {
  const homes = all.map((_, at) => `${name}-${at}`)
  for (const home of homes) await lab.admit(home)
  await peers.link(all, links, (at) => ({
    name: homes[at]!,
    helps: at === helper,
    workMs: 200,
  }))
  const [origin] = all
  const ended = origin!.next('outcome', lifeMs + 10_000)
  origin!.tell({ do: 'ask', issue: 7, lifeMs })
  const { outcome } = await ended
  await until('nothing under way', 40_000, async () =>
    (await reportsOf(all)).every(({ open }) => open.length === 0),
  )
  const reports = await reportsOf(all)
  const [tree] = treesOf(reports.flatMap(({ entries }) => entries))
  if (tree === undefined) throw new Error('no peer wrote of a request')
  const frames: Record<string, number> = {}
  for (const report of reports)
    for (const [kind, n] of Object.entries(report.frames)) frames[kind] = (frames[kind] ?? 0) + n
  const flood = floodFrames(links, maxHops)
  const violations: string[] = []
  const must = (holds: boolean, what: string) => void (holds || violations.push(`${name}: ${what}`))
  const away = distances(links).get(helper) ?? Infinity
  must(outcome === (away <= maxHops ? 'answered' : 'nobody'), `it ended as ${outcome}`)
  const hops = nodesOf(tree.root).find(({ did }) => did === 'answered')?.hop
  must(away > maxHops || (hops ?? Infinity) <= maxHops, `the helper was found at hop ${hops}`)
  must(
    nodesOf(tree.root).every(({ hop }) => hop <= maxHops),
    'a peer beyond hop 3 was asked',
  )
  must((frames['request'] ?? 0) <= flood, `${frames['request']} requests, a flood takes ${flood}`)
  for (const [at, { linked }] of reports.entries()) {
    const far = linked.filter(
      (peerId) =>
        !links.some((link) => link.includes(at) && link.some((to) => all[to]!.peerId === peerId)),
    )
    // A letter may dial its receiver directly where the address is known; here it is not.
    must(far.length === 0, `peer ${at} is linked to ${far.length} that are not its neighbours`)
  }
  return { shape: name, outcome, hops, frames, flood, tree, violations }
}

const nodesOf = (node: TreeNode): TreeNode[] => [node, ...node.children.flatMap(nodesOf)]

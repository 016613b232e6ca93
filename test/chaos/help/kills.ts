/**
 * One of four processes in a line gets SIGKILL at a phase of a request, and is started anew in the same
 * home. What must hold is read from the journals: at most one acceptance, nobody helps without, all
 * ends within its time, and the next request is answered.
 */
import type { LoggedEntry } from '../../../src/journal/index.ts'
import { until } from '../../../src/util/index.ts'
import type { Lab } from '../../mesh/support.ts'
import { line, neighbours, reportsOf, whole, type createPeers, type Peer } from './peers.ts'

export const size = 4
export const roles = ['origin', 'first forwarder', 'second forwarder', 'helper'] as const
/** What somebody writes down last before the kill: who, by place in the line, and what. */
export const phases = {
  asked: [0, 'help.forwarded'],
  forwarded: [1, 'help.forwarded'],
  'handed to the helper': [2, 'help.forwarded'],
  offered: [3, 'help.offered'],
  accepted: [0, 'help.accepted'],
  helping: [3, 'help.accepted'],
  answered: [3, 'help.answered'],
} as const
export type Phase = keyof typeof phases

export interface Case {
  victim: number
  phase: Phase
}

export const allCases: readonly Case[] = (Object.keys(phases) as Phase[]).flatMap((phase) =>
  roles.map((_, victim) => ({ victim, phase })),
)

export const nameOf = ({ victim, phase }: Case) => `${roles[victim]} killed when ${phase}`

const links = line(size)
const lifeMs = 60_000
/** After the life of a request: for what is left to be told after a restart. */
const spareMs = 40_000
/** How long the helper helps: the kill must fall into it. */
const workMs = 1_500

export interface KillSeen {
  case: string
  /** `gone`: the origin was killed before it could say. */
  outcome: string
  violations: string[]
}

export async function kill(
  one: Case,
  { lab, peers, all }: { lab: Lab; peers: ReturnType<typeof createPeers>; all: readonly Peer[] },
): Promise<KillSeen> {
  const { victim, phase } = one
  const prefix = `${victim}-${phase.replaceAll(' ', '-')}`
  for (let at = 0; at < size; at += 1) await lab.admit(`${prefix}-${at}`)
  const how = (at: number) => ({ name: `${prefix}-${at}`, helps: at === size - 1, workMs })
  await peers.link(all, links, how)
  const [origin] = all
  const [author, type] = phases[phase]
  const from = all.map(({ said }) => said.length)
  const outcomes = () =>
    (origin?.said.slice(from[0]) ?? []).flatMap((said) => (said.is === 'outcome' ? [said] : []))
  origin?.tell({ do: 'ask', issue: 1, lifeMs })
  await until(`${type} by ${author}`, lifeMs, () =>
    all[author]?.said
      .slice(from[author])
      .some((said) => said.is === 'entry' && said.entry.type === type),
  )
  await all[victim]?.kill()
  const near = neighbours(links, victim).flatMap((to) => all[to]?.addresses() ?? [])
  await all[victim]?.start({ ...how(victim), bootstrap: near })
  await whole(all, links)
  await until('nothing under way', lifeMs + spareMs, async () =>
    (await reportsOf(all)).every(({ open }) => open.length === 0),
  )
  const violations = judge(
    (await reportsOf(all)).map(({ entries }) => entries),
    all.map(({ peerId }) => peerId),
  )
  const outcome = outcomes()[0]?.outcome ?? 'gone'
  if (outcome === 'gone' && victim !== 0) violations.push('the origin never learnt how it ended')
  const again = origin?.next('outcome', lifeMs + spareMs)
  origin?.tell({ do: 'ask', issue: 2, lifeMs })
  const next = await again
  if (next?.outcome !== 'answered') violations.push(`the next request ended as ${next?.outcome}`)
  return {
    case: nameOf(one),
    outcome,
    violations: violations.map((what) => `${nameOf(one)}: ${what}`),
  }
}

/** Of the journals of all, in the order of the line. */
function judge(journals: readonly LoggedEntry[][], ids: readonly string[]): string[] {
  const found: string[] = []
  const of = (at: number, type: string) =>
    journals[at]?.filter((entry) => entry.type === type) ?? []
  const accepted = of(0, 'help.accepted')
  const helped = journals.flatMap((_, at) => (at === 0 ? [] : of(at, 'help.accepted')))
  if (accepted.length > 1) found.push(`${accepted.length} acceptances`)
  if (helped.length > accepted.length) found.push('help without an acceptance')
  if (helped.some(({ peerId }) => peerId !== ids[size - 1])) found.push('the wrong peer helped')
  if (of(0, 'help.result').length !== 1)
    found.push(`${of(0, 'help.result').length} ends at the origin`)
  const ends = ['help.answered', 'help.failed']
  const ended = journals[size - 1]?.filter(({ type }) => ends.includes(type)) ?? []
  if (helped.length > 0 && ended.length === 0) found.push('help that never ended')
  return found
}

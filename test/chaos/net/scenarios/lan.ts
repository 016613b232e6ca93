/**
 * Faults of a local network. Every machine keeps its way to the forge, so both sides of a partition
 * go on working; agents find each other by multicast alone, as on a user's desk.
 */
import { sleep, until } from '../../../../src/util/index.ts'
import type { Crew, Member } from '../crew.ts'
import { bounds, busy, onLan, type Part } from '../parts.ts'
import type { Context } from '../scenario.ts'

/** Between two issues for anybody, ms. */
const flowMs = 4_000
/** That only members of one side may do. */
const issuesOfGroup = 2

type Groups = (members: readonly Member[]) => readonly (readonly Member[])[]

const one: Groups = ([first, ...others]) => [others, [first!]]
const halves: Groups = (members) => [members.slice(0, 2), members.slice(2)]
/** Everybody sees itself and its two neighbours: a majority for each, and no two the same. */
const ring = 'ring'

async function split({ world }: Context, how: Groups | typeof ring, members: readonly Member[]) {
  if (how !== ring) {
    const groups = how(members)
    await world.partition(groups.map((group) => group.map(({ machine }) => machine)))
    return groups
  }
  for (const [index, a] of members.entries()) {
    for (const b of members.slice(index + 1)) {
      const apart = members.indexOf(b) - index
      if (apart > 1 && apart < members.length - 1) await world.block(a.machine, b.machine)
    }
  }
  return members.map((member) => [member])
}

function partition(name: string, how: Groups | typeof ring, seconds: number): Part {
  const what = { one: 'one machine is cut off', halves: 'two halves', ring: 'a ring' }[name]
  return {
    name: `${name}-${seconds}`,
    about: `${what} for ${seconds} s; all go on working, and the mesh is whole again`,
    async run(crew, context) {
      const { world, signal, figure, note } = context
      const { members } = crew
      note(`${what} for ${seconds} s`)
      const from = Date.now()
      const groups = await split(context, how, members)
      for (const group of groups) {
        for (let n = 0; n < issuesOfGroup; n += 1) await crew.issue(group[n % group.length])
      }
      const stop = crew.flow(flowMs)
      const seen = noticed(crew, groups, seconds * 1_000, signal)
      await sleep(seconds * 1_000, { signal })
      const to = Date.now()
      const slowness = crew.slowness()
      await world.heal()
      const after = await seen
      figure(`${this.name}, noticed after, s`, after === undefined ? 'not' : after)
      await crew.whole(this.name, seconds > 30 ? bounds.long : bounds.short)
      await stop()
      return { what: this.name, groups, span: [from, to], slowness }
    },
  }
}

/** Seconds until the first agent says that it has lost another. */
async function noticed(
  { members }: Crew,
  groups: readonly (readonly Member[])[],
  limitMs: number,
  signal: AbortSignal,
): Promise<number | undefined> {
  const began = performance.now()
  const inner = new Map(groups.flatMap((group) => group.map((one) => [one.name, group] as const)))
  const lost = async () => {
    const rows = await Promise.all(
      members.map(async ({ name, api }) => {
        const peers = await api.peers().catch(() => [])
        const away = members.filter((other) => !inner.get(name)?.includes(other))
        return away.some((other) => peers.some((row) => row.name === other.name && !row.connected))
      }),
    )
    return rows.some(Boolean)
  }
  const seen = until('a loss', limitMs, lost, { signal, everyMs: 250 })
  return seen.then(
    () => Math.round((performance.now() - began) / 100) / 10,
    () => undefined,
  )
}

const relink: Part = {
  name: 'relink',
  about: 'a link is deleted and made again with the same address; multicast works on it again',
  async run(crew, context) {
    const [first] = crew.members
    context.note(`the link of ${first!.name} is made anew`)
    await crew.issue(first)
    await context.world.relink(first!.machine)
    await crew.whole('relink', bounds.short)
    // A restarted agent is found by multicast alone: the new link must carry it both ways.
    const second = crew.members[1]!
    await second.actor.end()
    await second.actor.start()
    await crew.whole('restart of another after relink', bounds.restart)
    return undefined
  },
}

const kill: Part = {
  name: 'kill',
  about: 'an agent gets SIGKILL at work, and comes back after 5 s',
  async run(crew, { signal, note }) {
    const victim = crew.members[2]!
    await crew.issue(victim, 4_000)
    await busy(victim, signal)
    note(`SIGKILL to ${victim.name}`)
    const from = Date.now()
    await victim.actor.kill()
    await sleep(5_000, { signal })
    await victim.actor.start()
    crew.disturbances.push({ agent: victim.name, how: 'kill', from, to: Date.now() })
    await crew.whole('kill, back', bounds.restart)
    return undefined
  },
}

const freeze: Part = {
  name: 'freeze',
  about: 'an agent gets SIGSTOP at work for longer than lease and margin, then SIGCONT',
  async run(crew, { signal, note, figure }) {
    const victim = crew.members[3]!
    const others = crew.members.filter((member) => member !== victim)
    await crew.issue(victim, 4_000)
    await busy(victim, signal)
    note(`SIGSTOP to ${victim.name}`)
    const from = Date.now()
    await victim.actor.stop(false)
    const seen = await noticed(crew, [others, [victim]], 25_000, signal)
    figure('freeze, noticed after, s', seen ?? 'not')
    await sleep(Math.max(0, 25_000 - (Date.now() - from)), { signal })
    victim.actor.resume()
    crew.disturbances.push({ agent: victim.name, how: 'stop', from, to: Date.now() })
    await crew.whole('freeze, thawed', bounds.long)
    return undefined
  },
}

const short = [
  partition('one', one, 10),
  partition('halves', halves, 10),
  partition('ring', ring, 10),
  relink,
  kill,
]
const long = [
  partition('one', one, 90),
  partition('halves', halves, 90),
  partition('ring', ring, 90),
  freeze,
]

export const lan = onLan({ name: 'lan', parts: short, short: true })
export const lanLong = onLan({ name: 'lan-long', parts: long })
/** Each fault by itself, to look at one. */
export const lanParts = [...short, ...long].map((part) => onLan({ name: part.name, parts: [part] }))

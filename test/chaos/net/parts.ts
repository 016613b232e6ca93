/**
 * A part is one fault: it begins and ends with a mesh that is whole. A scenario runs one part or
 * several with the same agents on one LAN, because their start is most of the cost, and has all of it
 * judged at the end.
 */
import { until } from '../../../src/util/index.ts'
import { publishedBetween, withCrew, type Crew, type CrewInit, type Member } from './crew.ts'
import { closes } from '../processes/evidence.ts'
import { rethrowUnless } from '../processes/settle.ts'
import { readForge, type Planned } from '../processes/stage.ts'
import type { Context, Scenario } from './scenario.ts'

export interface Part {
  name: string
  about: string
  run(crew: Crew, context: Context): Promise<Check | undefined>
}

/** Looked at after the end, when the ledger is read: each of these groups published in that time. */
export interface Check {
  what: string
  groups: readonly (readonly Member[])[]
  span: readonly [number, number]
  /** How much longer everything took here in that time; see `slowness.ts`. */
  slowness: number
}

export interface OnLan {
  name: string
  parts: readonly Part[]
  short?: boolean
  /** Agents. Default 5. */
  size?: number
  crew?: Omit<CrewInit, 'machines'>
  unable?: () => Promise<string | undefined>
}

const usualSize = 5
/** For the first meeting, from the time at which all are up, ms. */
const meetMs = 30_000
/** A fault this long must be bridged by each side's own work, ms, where nothing takes longer than it should. */
const mustWorkMs = 45_000
/** Of a scenario, ms: for start and end, and for each part. */
const limits = { frameMs: 300_000, partMs: 150_000 } as const

/**
 * Stated times from the end of a fault to a whole mesh, ms. A member that hears another's answer by
 * multicast dials at once, and asks every 10 s; the redial alone takes 30 s and one dial at worst.
 */
export const bounds = { short: 15_000, long: 35_000, restart: 60_000 } as const

export function onLan(init: OnLan): Scenario {
  const { name, parts, short = false, unable } = init
  return {
    name,
    about: parts.map(({ about }) => about).join('; '),
    short,
    limitMs: limits.frameMs + limits.partMs * parts.length,
    ...(unable === undefined ? {} : { unable }),
    run: async (context) => run(init, context),
  }
}

async function run(
  { parts, crew: init = {}, size = usualSize }: OnLan,
  context: Context,
): Promise<void> {
  const { world, violation, figure } = context
  const lan = await world.lan('a')
  const machines = []
  for (let n = 1; n <= size; n += 1) machines.push(await world.machine(`m${n}`, lan))
  await withCrew(context, { machines, ...init }, async (crew) => {
    await crew.whole('start', meetMs)
    const checks: Check[] = []
    for (const part of parts) {
      const check = await part.run(crew, context)
      if (check !== undefined) checks.push(check)
      await crew.issue()
    }
    const evidence = await crew.judge()
    for (const { what, groups, span, slowness } of checks) {
      const counts = groups.map((group) => {
        const names = group.map(({ name }) => name)
        return publishedBetween(evidence, names, span)
      })
      figure(`${what}, issues done meanwhile by each side`, counts.join(' and '))
      const idle = counts.some((n) => n === 0)
      const long = span[1] - span[0] >= mustWorkMs * slowness
      if (idle && long) violation(`${what}: a side did not go on working`)
      else if (idle) figure(`${what}, not judged`, 'too short for a machine as slow as this')
    }
  })
}

/** Until the agent works on something. */
export async function busy({ name, api }: Member, signal: AbortSignal): Promise<void> {
  const works = async () => ((await api.status().catch(() => undefined))?.slots.used ?? 0) > 0
  await until(`${name} to work`, 60_000, works, { signal, everyMs: 100 })
}

/** Until an issue has a pull request. Resolves with how long that took, ms; undefined: not in time. */
export async function done(
  { stage }: Crew,
  issue: Pick<Planned, 'number'>,
  limitMs: number,
  signal: AbortSignal,
): Promise<number | undefined> {
  const began = performance.now()
  const closed = async () => {
    const { pulls } = await readForge(stage)
    return pulls.some(({ body }) => `${body}\n`.startsWith(closes(issue.number)))
  }
  return until(`#${issue.number}`, limitMs, closed, { signal, everyMs: 500 }).then(
    () => performance.now() - began,
    (error: unknown) => rethrowUnless('DEADLINE')(error) as undefined,
  )
}

/** Whether this machine offers help, and in which form. Pure. */
import type { HelpForm } from '../needs.ts'

export interface OfferInput {
  /** Forms that the origin takes, in its order of preference. */
  want: readonly HelpForm[]
  /** Helps with its executors, and by a person. */
  give: boolean
  people: boolean
  /** Works the repository, which is ready. */
  serves: boolean
  /** Kinds of executors that are here and not left alone. */
  kinds: ReadonlySet<string>
  /** What of the needs is not here. */
  lacks: readonly string[]
  openSlots: number
  /** 0 to 1: how free this machine is. */
  weight: number
}

export type OfferChoice =
  | { ready: true; form: HelpForm | 'person'; fitness: number; reason: string }
  | { ready: false; reason: string }

/** Points of 1,000 for help by a person alone: an executor is there at once. */
const personPoints = 50
const points = { takeover: 600, patch: 600, advice: 300 } as const
/** Points for being free. */
const freePoints = 400

export function decideOffer(input: OfferInput): OfferChoice {
  const choice = byExecutor(input)
  if (choice.ready || !input.people || !input.want.includes('advice')) return choice
  return { ready: true, form: 'person', fitness: personPoints, reason: 'a person may answer' }
}

function byExecutor(input: OfferInput): OfferChoice {
  const { want, give, serves, kinds, lacks, openSlots, weight } = input
  const no = (reason: string) => ({ ready: false as const, reason })
  if (!give) return no('gives no help')
  if (lacks.length > 0) return no(`lacks ${lacks.slice(0, 5).join(', ')}`.slice(0, 200))
  if (openSlots <= 0) return no('no free slot')
  if (kinds.size === 0) return no('has no executor')
  const speaks = [...kinds].some((kind) => kind !== 'command')
  const can = (form: HelpForm) => (form === 'advice' ? speaks : serves)
  const form = want.find(can)
  if (form === undefined) return no(serves ? 'runs chores only' : 'does not work the repository')
  const fitness = Math.round(points[form] + freePoints * Math.min(1, Math.max(0, weight)))
  return { ready: true, form, fitness, reason: `can give ${form}` }
}

/** Which transport and which namespace claims should use here. Pure. */
import type { LiveStep, Recommendation } from './types.ts'

/** In the order in which they are wanted. */
const ways = [
  { id: 'git.custom', transport: 'git', place: 'custom' },
  { id: 'rest.custom', transport: 'rest', place: 'custom' },
  { id: 'git.heads', transport: 'git', place: 'heads' },
  { id: 'rest.heads', transport: 'rest', place: 'heads' },
] as const

/** What each way must do. */
const musts = ['race', 'move', 'fence'] as const

/** The namespace below `refs/heads/` that stands for one outside of it. */
export const headsPrefixOf = (refPrefix: string) =>
  refPrefix.startsWith('refs/heads/') ? refPrefix : `refs/heads/${refPrefix.slice('refs/'.length)}`

export function recommend(steps: readonly LiveStep[], refPrefix: string): Recommendation | null {
  const byId = new Map(steps.map((step) => [step.id, step]))
  const lacks = (way: string) =>
    musts
      .map(
        (must) =>
          byId.get(`${way}.${must}`) ?? {
            id: `${way}.${must}`,
            result: 'unknown',
            seen: 'not tried',
          },
      )
      .find(({ result }) => result !== 'yes')
  const passed: string[] = []
  for (const { id, transport, place } of ways) {
    const lack = lacks(id)
    if (lack === undefined) {
      return {
        transport,
        refPrefix: place === 'heads' ? headsPrefixOf(refPrefix) : refPrefix,
        why: passed.length === 0 ? 'It does all that claims need.' : passed.join(' '),
      }
    }
    passed.push(`${lack.id}: ${lack.seen}.`)
  }
  return null
}

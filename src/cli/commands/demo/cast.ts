/**
 * Who plays what in the demo. The agents stand in a line; the last one takes no issues and has the program
 * that one issue takes, and the one two places before it takes that issue:
 *
 *   ada ── bo ── cleo ── dara
 *          asks  passes  helps
 *
 * With fewer agents help has a shorter way, and one alone needs none. Pure.
 */
export interface Part {
  name: string
  /** Name of the one before it in the line. */
  before?: string
  tags: string[]
  /** Takes issues. */
  takes: boolean
  /** Helps others; whoever does not passes their questions on. */
  gives: boolean
  hasGlossary: boolean
}

interface Cast {
  parts: Part[]
  /** Links between who asks and who helps; 0: nobody needs help. */
  hops: number
}

const askerTag = 'drafts'
/** What only one of those that take issues has. */
const rareTag = 'release'
const mostHops = 2

export function castOf(names: readonly string[]): Cast {
  const last = names.length - 1
  const hops = Math.min(mostHops, last)
  const asker = last - hops
  const rare = Math.max(0, last - 1)
  const parts = names.map((name, at): Part => {
    const before = names[at - 1]
    const isHelper = at === last
    return {
      name,
      ...(before === undefined ? {} : { before }),
      tags: [
        // Whoever helps must have all that the issue needs.
        ...(at === asker || isHelper ? [askerTag] : []),
        ...(at === rare ? [rareTag] : []),
      ],
      takes: !isHelper || hops === 0,
      gives: isHelper || at === asker,
      hasGlossary: isHelper,
    }
  })
  return { parts, hops }
}

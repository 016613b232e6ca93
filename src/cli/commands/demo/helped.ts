/** Which issues were solved with help, and over whom, as the journals that are here tell. Pure. */
import type { HelpTree, TreeNode } from '../../../help/index.ts'

export interface HelpRow {
  issue: number
  /** Names from who asked to who helped. */
  path: string[]
  helper: string
  /** Links between the two. */
  hop: number
}

/** Answers that were used. `nameOf`: of a peer id. */
export function helpRows(
  trees: readonly HelpTree[],
  nameOf: (peerId: string) => string,
): HelpRow[] {
  return trees.flatMap(({ outcome, helper, task, root }) => {
    if (outcome !== 'used' || helper === undefined) return []
    const way = wayTo(helper, root)
    if (way === undefined) return []
    const path = way.map(nameOf)
    return [{ issue: task.issue, path, helper: nameOf(helper), hop: way.length - 1 }]
  })
}

/** Peer ids from the origin to the helper, by the branch in which it answered. */
function wayTo(helper: string, { peerId, did, children }: TreeNode): string[] | undefined {
  if (peerId === helper && did === 'answered') return [peerId]
  for (const child of children) {
    const rest = wayTo(helper, child)
    if (rest !== undefined) return [peerId, ...rest]
  }
  return undefined
}

export const helpLine = ({ issue, helper, hop, path }: HelpRow, title: string): string =>
  `#${issue} ${title}: helped by ${helper}, at hop ${hop} (${path.join(' → ')}).`

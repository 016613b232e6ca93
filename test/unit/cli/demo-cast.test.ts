import { describe, expect, it } from 'vitest'
import type { HelpTree, TreeNode } from '../../../src/help/index.ts'
import { castOf } from '../../../src/cli/commands/demo/cast.ts'
import { helpLine, helpRows } from '../../../src/cli/commands/demo/helped.ts'

describe('the cast', () => {
  it('is a line in which one asks, one passes on, and the last one helps', () => {
    const { parts, hops } = castOf(['ada', 'bo', 'cleo', 'dara'])
    expect(hops).toBe(2)
    expect(parts.map(({ before }) => before)).toEqual([undefined, 'ada', 'bo', 'cleo'])
    expect(parts.map(({ tags }) => tags)).toEqual([[], ['drafts'], ['release'], ['drafts']])
    expect(parts.map(({ gives }) => gives)).toEqual([false, true, false, true])
    expect(parts.map(({ takes }) => takes)).toEqual([true, true, true, false])
    expect(parts.filter(({ hasGlossary }) => hasGlossary).map(({ name }) => name)).toEqual(['dara'])
  })

  it.each([1, 2, 3, 5, 32])('of %i can do every issue', (count) => {
    const { parts, hops } = castOf(Array.from({ length: count }, (_, at) => `a${at}`))
    const workers = parts.filter(({ takes }) => takes)
    expect(workers.filter(({ tags }) => tags.includes('release'))).toHaveLength(1)
    const drafting = parts.flatMap(({ takes, tags }, at) =>
      takes && tags.includes('drafts') ? [at] : [],
    )
    expect(drafting).toEqual([count - 1 - hops])
    expect(hops).toBe(Math.min(2, count - 1))
    expect(parts.findIndex(({ hasGlossary }) => hasGlossary)).toBe(count - 1)
  })
})

describe('who helped', () => {
  function node(peerId: string, hop: number, did: TreeNode['did'], children: TreeNode[] = []) {
    return { peerId, hop, why: '', did, reason: '', entries: [], children }
  }
  const tree: HelpTree = {
    id: 'x',
    task: { repo: 'octo/tidy-text', issue: 12 },
    round: 1,
    outcome: 'used',
    helper: 'D',
    root: node('B', 0, 'asked', [
      node('A', 1, 'declined', [node('D', 2, 'silent')]),
      node('C', 1, 'forwarded', [node('D', 2, 'answered')]),
    ]),
  }

  it('is told with the way, by the branch in which it answered', () => {
    const rows = helpRows([tree, { ...tree, outcome: 'refused' }], (id) => id.toLowerCase())
    expect(rows).toEqual([{ issue: 12, path: ['b', 'c', 'd'], helper: 'd', hop: 2 }])
    expect(helpLine(rows[0]!, 'Spell it')).toBe('#12 Spell it: helped by d, at hop 2 (b → c → d).')
  })
})

/** Which files issues are about, and which two of them are in each other's way. */
import { describe, expect, it } from 'vitest'
import { emptyMemory } from '../../../src/tasks/look/floor.ts'
import { fileHints, overlap } from '../../../src/tasks/intake/files.ts'
import { inTheWay } from '../../../src/tasks/intake/together.ts'
import type { Issue } from '../../../src/tasks/github/github.ts'

describe('hints', () => {
  it('are paths in the text, and those of the block', () => {
    const text =
      'Fix `src/sum.js` and ./docs/guide.md, see lib/ (not e.g. 1.2.3 or example.com/x). In test/**/*.ts: more.'
    expect(fileHints(text)).toEqual(['src/sum.js', 'docs/guide.md', 'lib', 'test/**/*.ts'])
    expect(fileHints('README.md.', ['src/a/', '../out', './b.ts'])).toEqual([
      'src/a',
      'b.ts',
      'README.md',
    ])
    expect(fileHints('and/or, on 1/2, version 2.0.1, node.js rocks')).toEqual(['node.js'])
  })

  it('are bounded, also in time', () => {
    const many = Array.from({ length: 500 }, (_, index) => `src/f${index}.ts`).join(' ')
    expect(fileHints(many)).toHaveLength(50)
    // A pattern that backtracks would not come back from these.
    fileHints('a/'.repeat(200_000))
    fileHints('.'.repeat(200_000))
  })

  it('overlap when one is the other, holds it, or may match it', () => {
    expect(overlap(['src/a.ts'], ['src/b.ts'])).toBeUndefined()
    expect(overlap(['src/a.ts', 'x.md'], ['x.md'])).toBe('x.md')
    expect(overlap(['src'], ['src/a/b.ts'])).toBe('src')
    expect(overlap(['src/a/b.ts'], ['src'])).toBe('src/a/b.ts')
    expect(overlap(['srcs/a.ts'], ['src'])).toBeUndefined()
    expect(overlap(['test/**/*.ts'], ['test/unit/a.ts'])).toBe('test/**/*.ts')
    expect(overlap(['test/**/*.ts'], ['src/a.ts'])).toBeUndefined()
    expect(overlap([], ['src'])).toBeUndefined()
  })
})

describe('an issue', () => {
  const issue = (number: number, body: string) => ({ number, title: '', body }) as Issue
  const block = '```bzzz\nfiles: [src/a]\n```'

  it('waits for another one that is worked here, or is held by somebody who is there', () => {
    const memory = emptyMemory()
    const [one, two] = [issue(1, 'see src/a/x.ts'), issue(2, block)]
    for (const each of [one, two])
      memory.issues.set(each.number, { issue: each, readAt: 0, changedAt: 0 })
    let active: number[] = []
    let heard = false
    const floor = { activeIssues: () => active, heardClaimed: () => heard }
    const ask = () => inTheWay(floor, 'octo/lib', memory, one)
    expect(ask()).toBeUndefined()
    active = [1, 2]
    expect(ask()).toEqual({ issue: 2, file: 'src/a/x.ts' })
    active = []
    heard = true
    expect(ask()).toMatchObject({ issue: 2 })
    heard = false
    const record = { state: 'held', peerId: 'bob' }
    const tip = { is: 'record', oid: 'x', record } as never
    memory.tips.set(2, { tip, readAt: 0 })
    expect(ask()).toMatchObject({ issue: 2 })
    memory.away.set('bob', 0)
    expect(ask()).toBeUndefined()
  })
})

import { describe, expect, it } from 'vitest'
import { drawAsk } from '../../../src/cli/client/ask/tree.ts'
import { askRow, askTree, helpEntries, helpNames } from '../api/help-fixture.ts'

const init = { name: (id: string) => helpNames[id] ?? id, nowMs: Date.UTC(2026, 0, 2, 13) }
/** Clocks are those of the machine. */
const plain = (text: string) =>
  text.replace(/(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d/g, 'TIME').split('\n')

describe('a request for help', () => {
  it('is drawn from journals alone, safe to print', () => {
    const drawn = drawAsk({ row: askRow, tree: askTree, entries: helpEntries }, init)
    expect(plain(drawn)).toEqual([
      `request ${askRow.id}`,
      'task     octo/lib#4, request 1 of it',
      'from     owl',
      'asked    TIME, attempt 1, needs playwright, for 30m00s; 812 bytes',
      'outcome  used the help of bee after 2m00s: The checks pass.',
      '',
      'owl  asks',
      '│   TIME took the offer of bee: the fittest  #10',
      '│   TIME used: The checks pass.  #13',
      '└─ cat  hop 1, forwarded it  (why it: a free slot)',
      '   │   TIME got it with 29m58s left  #3',
      '   ├─ bee  hop 2, answered  (why it: has all that is needed)',
      '   │      TIME got it with 29m56s left  #6',
      '   │      TIME offered, fitness 720: has playwright  #9',
      '   │      TIME was accepted, begins  #11',
      '   │      TIME answered: patch of 2,311 bytes  #12',
      '   └─ dog  hop 2, declined  (why it: little load)',
      '          TIME got it with 29m56s left  #7',
      '          TIME declined: no free slot�[2J  #8',
    ])
  })

  it('is told by others where the journal of who asks is not here', () => {
    const entries = helpEntries.slice(2, 4)
    const waits = { question: 'How?\u001b[2J', summary: 'About sums', leftMs: 60_000 }
    const drawn = drawAsk({ row: { ...askRow, waits }, tree: null, entries }, init)
    expect(plain(drawn).slice(0, 6)).toEqual([
      `request ${askRow.id}`,
      'task     octo/lib#4, request 1 of it',
      'from     owl',
      'outcome  used the help of bee',
      'question How?�[2J',
      'about    About sums',
    ])
    expect(plain(drawn).slice(7)).toHaveLength(3)
  })
})

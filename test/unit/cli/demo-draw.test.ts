import { describe, expect, it } from 'vitest'
import { draw } from '../../../src/cli/commands/demo/draw.ts'
import type { Scene } from '../../../src/cli/commands/demo/scene.ts'
import { rowsTaken } from '../../../src/cli/commands/demo/view.ts'
import { truncateStyled, width } from '../../../src/cli/output/text.ts'

const url = 'http://127.0.0.1:36513'
const repo = 'octo/tidy-text'
const states = ['done', 'done', 'failed', 'working', 'publishing', 'cancelled', 'waiting'] as const
const peer = (name: string) => ({
  name,
  connected: true,
  slots: { total: 1, used: 1 },
  tags: name === 'dara' ? ['release'] : [],
})

function scene(issues: number, more: Partial<Scene> = {}): Scene {
  return {
    url,
    repo,
    rows: Array.from({ length: issues }, (_, index) => ({
      repo,
      issue: index + 1,
      title:
        index % 3 === 0 ? '長い題名は端末の幅より長いことがある、だから切る' : 'a title '.repeat(9),
      state: states[index % states.length] ?? 'open',
      agent: 'ada',
      attempt: 1,
      pullRequest: { number: index + 20, url: `${url}/${repo}/pull/${index + 20}` },
      durationMs: 65_000,
    })),
    waiting: [{ issue: 7, reason: 'no agent offers release '.repeat(8) }],
    peers: ['ada', 'bo', 'cleo', 'dara'].map(peer),
    starting: 0,
    journals: [],
    contention: 1,
    elapsedMs: 18_000,
    ...more,
  }
}

const red = (_style: unknown, text: string) => `\u001b[31m${text}\u001b[39m`
// eslint-disable-next-line no-control-regex
const plain = (line: string) => line.replace(/\u001b\[[0-9;]*m/g, '')
const at = (columns: number, rows: number, one: Scene) =>
  draw(one, { columns, rows }, red).map(plain)

describe('a frame of the demo', () => {
  it.each([
    [60, 18],
    [80, 24],
    [130, 45],
    [30, 6],
    [12, 3],
    [1, 2],
    [200, 12],
  ])('fits %d columns and %d rows', (columns, rows) => {
    for (const issues of [0, 1, 11, 40]) {
      for (const starting of [0, 4]) {
        const lines = at(columns, rows, scene(issues, { starting }))
        expect(lines.length).toBeLessThanOrEqual(rows - 1)
        for (const line of lines) expect(width(line), line).toBeLessThanOrEqual(columns)
      }
    }
  })

  it('names the pull request by its number where its address has no room', () => {
    const narrow = at(80, 24, scene(11)).join('\n')
    expect(narrow).toMatch(/PULL$/m)
    expect(narrow).toMatch(/ #30$/m)
    expect(narrow).toContain(`pull requests  ${url}/${repo}/pulls`)
    const wide = at(130, 45, scene(11)).join('\n')
    expect(wide).toContain(`${url}/${repo}/pull/30`)
    expect(wide).toContain('PEER')
  })

  it('keeps the links whole at 60 columns', () => {
    const lines = at(60, 24, scene(11))
    expect(lines.slice(-2)).toEqual([
      `issues  ${url}/${repo}/issues`,
      `pulls   ${url}/${repo}/pulls`,
    ])
  })

  it('shows what has not ended first, and says how much is left out', () => {
    const lines = at(80, 14, scene(40))
    const shown = lines.filter((line) => /^#\d+ +/.test(line) && !line.includes('waits:'))
    expect(shown.length).toBeGreaterThan(4)
    for (const line of shown) expect(line).not.toMatch(/ (done|failed|cancelled) /)
    expect(lines).toContain(`… ${40 - shown.length} more`)
  })

  it('says why a task waits, and that agents are being started', () => {
    expect(at(80, 30, scene(11)).join('\n')).toContain('#7 waits: no agent offers release')
    const peers = [{ ...peer('ada'), connected: false }, peer('bo')]
    const first = at(80, 30, scene(11, { starting: 4, peers }))[0]
    expect(first).toBe('bzzz demo  18s  starting 4 agents … 1 connected')
    expect(at(80, 30, scene(11, { starting: 4, peers: [] })).join('\n')).not.toContain('PEER')
  })

  it('lets nothing of a title or a reason move the cursor', () => {
    const evil = '\u001b[2J\u009b31m\u202e\nx'
    const hostile = scene(1, { waiting: [{ issue: 1, reason: evil }] })
    hostile.rows[0] = { ...hostile.rows[0]!, title: evil, state: 'waiting' }
    for (const line of draw(hostile, { columns: 80, rows: 24 }, (_, text) => text)) {
      // eslint-disable-next-line no-control-regex
      expect(line).not.toMatch(/[\u0000-\u001f\u009b\u202e]/)
    }
  })
})

describe('lines on a terminal', () => {
  it('take more rows after it became narrower', () => {
    expect(rowsTaken([0, 10, 80, 81], 80)).toBe(5)
    expect(rowsTaken([0, 10, 80, 81], 40)).toBe(1 + 1 + 2 + 3)
  })

  it.each([
    ['plain text', 20, 'plain text'],
    ['plain text', 5, 'plai…'],
    ['\u001b[31mred\u001b[39m text', 8, '\u001b[31mred\u001b[39m text'],
    ['\u001b[31mred\u001b[39m text', 5, '\u001b[31mred\u001b[39m …\u001b[0m'],
    ['\u001b[31mred\u001b[39m text', 3, '\u001b[31mre…\u001b[0m'],
    ['題名題名', 4, '題…'],
    ['abc', 0, ''],
  ])('%j cut to %d', (line, columns, expected) => {
    expect(truncateStyled(line, columns)).toBe(expected)
  })
})

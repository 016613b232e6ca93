import { describe, expect, it } from 'vitest'
import { createNotes, MAX_DIGEST_BYTES } from '../../../src/work/checkpoint/notes.ts'
import type { ExecutorEvent, TurnResult } from '../../../src/work/executor.ts'

const result = (usage?: TurnResult['usage']): TurnResult => ({
  outcome: 'done',
  reason: '',
  durationMs: 1,
  summary: '',
  output: { sha256: '', bytes: 0, truncated: false },
  ...(usage === undefined ? {} : { usage }),
})

async function told(
  events: ExecutorEvent[],
  init: Partial<Parameters<typeof createNotes>[0]> = {},
) {
  const notes = createNotes({ executor: 'robot', ...init })
  notes.turns()
  const passed: ExecutorEvent[] = []
  const source = async function* () {
    yield* events
  }
  for await (const event of notes.watch(source())) passed.push(event)
  expect(passed).toEqual(events)
  return notes
}

describe('what is told to whoever goes on', () => {
  it('names what was tried, the plan, steps, files and last words', async () => {
    const notes = await told([
      { type: 'plan', steps: ['read', 'edit'] },
      { type: 'tool', id: '1', title: 'Edit sum.js', status: 'completed' },
      { type: 'file', path: 'sum.js' },
      { type: 'session', how: 'new' },
      { type: 'asked', question: 'q', title: 'Run it?', kind: 'execute', deadlineMs: 1 },
      { type: 'permission', title: 'Run it?', allowed: true },
      { type: 'text', text: 'I am nearly there' },
    ])
    const digest = notes.digest({ tried: ['ran it'], wallMs: 61_000, left: ['left out AGENTS.md'] })
    expect(digest).toBe(
      [
        'robot worked for 61 s and was not finished.',
        'What was tried:\n- ran it',
        'Its plan:\n- read\n- edit',
        'Its last steps:\n- Edit sum.js (completed)',
        'Files it wrote:\n- sum.js',
        'Not kept, so missing here:\n- left out AGENTS.md',
        'Its last words:\nI am nearly there',
      ].join('\n\n'),
    )
  })

  it('is clean and bounded, and carries on what was known before', async () => {
    const hidden = '\u202e\u001b[31mred\u200b'
    const notes = await told([{ type: 'text', text: `${hidden}${'x'.repeat(100_000)}` }], {
      earlier: `${hidden} before`.repeat(1_000),
    })
    const tried = Array.from({ length: 500 }, (_, n) => `line ${n} ${'y'.repeat(1_000)}`)
    const digest = notes.digest({ tried, wallMs: 1, left: [] })
    expect(Buffer.byteLength(digest)).toBeLessThanOrEqual(MAX_DIGEST_BYTES)
    // eslint-disable-next-line no-control-regex
    expect(digest).not.toMatch(/[\u202e\u001b\u200b]/)
    expect(digest).toContain('line 499')
    const short = notes.digest({ tried: [], wallMs: 1, left: [] })
    expect(short).toContain('Before that:\nred before')
  })

  it('adds up what was used, those before included', async () => {
    const before = { wallMs: 1_000, turns: 2, inputTokens: 5 }
    const notes = await told([{ type: 'usage', inputTokens: 3, outputTokens: 1 }], { before })
    expect(notes.used(500)).toEqual({ wallMs: 1_500, turns: 3, inputTokens: 8, outputTokens: 1 })
    notes.turned(result({ inputTokens: 4, outputTokens: 2 }))
    notes.turns()
    expect(notes.used(700)).toEqual({ wallMs: 1_700, turns: 4, inputTokens: 9, outputTokens: 2 })
  })
})

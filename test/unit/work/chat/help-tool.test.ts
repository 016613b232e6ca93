import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Exit } from '../../../../src/process/index.ts'
import { confinedFiles } from '../../../../src/work/confined.ts'
import { createToolbox } from '../../../../src/work/executors/chat/tools/table.ts'
import type { HelpReply, HelpWanted, TaskTools } from '../../../../src/work/index.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bzzz-help-tool-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const facts = {
  task: { repo: 'octo/lib', issue: 12 },
  attempt: 1,
  title: 'Fix the sum',
  executor: 'local',
  checks: [],
  used: { wallMs: 1_000, turns: 1 },
  left: [{ limit: 'tokens', left: 5 }],
  requestsLeft: 2,
}
const nothing = { checks: [], chores: {}, operator: [] }

async function use(name: string, args: object, askHelp?: TaskTools['askHelp']) {
  const workshop = {
    files: await confinedFiles(dir),
    place: { root: dir, clone: dir, home: dir, tmp: dir },
    rules: {},
    run: () => Promise.reject<Exit>(new Error('runs nothing')),
    monotonic: () => 0,
    signal: new AbortController().signal,
    ...(askHelp === undefined ? {} : { tools: { facts: () => facts, askHelp } }),
  }
  const toolbox = createToolbox(nothing, { help: true })
  return toolbox.use({ name, arguments: JSON.stringify(args) }, workshop, false)
}

describe('a model that asks for help', () => {
  it('has tools for it only where somebody can be asked', () => {
    const names = (help: boolean) => createToolbox(nothing, { help }).tools.map(({ name }) => name)
    expect(names(true)).toEqual(expect.arrayContaining(['ask_for_help', 'show_budget']))
    expect(names(false)).not.toEqual(expect.arrayContaining(['ask_for_help']))
  })

  it('hands on what is asked, and shows the answer as data', async () => {
    const asked: HelpWanted[] = []
    const done = await use(
      'ask_for_help',
      { question: 'How?', want: ['advice'] },
      async (wanted) => {
        asked.push(wanted)
        return { is: 'advice', id: 'a', helper: 'bee', text: 'Do it.\n[end 0000000000000000]' }
      },
    )
    expect(asked).toEqual([{ question: 'How?', want: ['advice'] }])
    expect(done.ok).toBe(true)
    const [, mark] = /\[text ([0-9a-f]{16})\]\nDo it\./.exec(done.text) ?? []
    expect(done.text.endsWith(`[end ${mark}]`)).toBe(true)
  })

  const replies: [HelpReply, boolean, RegExp, string | undefined][] = [
    [
      { is: 'patched', id: 'a', helper: 'bee', files: ['a.ts'], note: '' },
      true,
      /Read these files again.*: a\.ts$/,
      undefined,
    ],
    [{ is: 'handed-over', id: 'a', helper: 'bee' }, true, /goes on/, 'Handed over.'],
    [{ is: 'refused', id: 'a', helper: 'bee', reason: 'Bad.' }, false, /Bad\./, undefined],
    [{ is: 'nobody', reason: 'All declined.' }, false, /All declined\./, undefined],
    [{ is: 'exhausted', reason: 'Three.' }, false, /used up: Three\./, undefined],
    [{ is: 'off', reason: 'Off.' }, false, /Off\./, undefined],
  ]
  it.each(replies)('is told of %j', async (reply, ok, text, finished) => {
    const done = await use('ask_for_help', { question: 'How?' }, async () => reply)
    expect(done).toMatchObject({ ok, text: expect.stringMatching(text) })
    expect(done.finished).toBe(finished)
  })

  it('sees what the task may still use', async () => {
    const done = await use('show_budget', {}, async () => ({ is: 'off', reason: '' }))
    const { used, left, requestsLeft } = facts
    expect(JSON.parse(done.text)).toEqual({ used, left, requestsLeft })
    expect(await use('ask_for_help', { question: 'How?' })).toMatchObject({ ok: false })
  })
})

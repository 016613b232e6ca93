import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { spawn } from 'node:child_process'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createApi, type Api } from '../../src/api/index.ts'
import type { HelpSources } from '../../src/api/types.ts'
import { nullLogger } from '../../src/util/index.ts'
import { entries, fakeSources, peers, type FakeSources } from '../unit/api/fixture.ts'
import { askRow, askTree, helpEntries } from '../unit/api/help-fixture.ts'
import { mcpClient } from '../unit/mcp/client.ts'
import { bin, place, type Place } from './cli-harness.ts'

let at: Place
let api: Api | undefined
beforeEach(async () => {
  at = await place()
})
afterEach(async () => {
  await api?.stop()
  api = undefined
  await at.cleanup()
})

async function agent(change: Partial<HelpSources> = {}): Promise<FakeSources> {
  const base = fakeSources()
  const sources = {
    ...base,
    help: { ...base.help, ...change },
    logs: async function* logs() {
      yield* [...entries, ...helpEntries]
    },
  }
  api = createApi({ home: join(at.dir, 'home') }, sources, { logger: nullLogger })
  await api.start()
  return sources
}

describe('bzzz ask', () => {
  it('lists and shows, for people and for programs', async () => {
    const waits = { question: 'How?', summary: 'About sums', leftMs: 60_000 }
    const row = { ...askRow, outcome: 'open', waits }
    await agent({ list: async () => [row] })
    const [list, json, ids, shown, document] = await Promise.all([
      at.bzzz('ask', 'ls'),
      at.bzzz('ask', 'ls', '--json'),
      at.bzzz('-q', 'ask', 'ls'),
      at.bzzz('ask', 'show', '3f2a'),
      at.bzzz('ask', 'show', '3f2a', '--json'),
    ])
    expect(list.stdout).toMatch(/^ID +TASK +REQUEST +FROM +AGE +OUTCOME +HELPER +HERE$/m)
    expect(list.stdout).toMatch(
      /^3f2a91c0 +octo\/lib#4 +1 +\S+ +\S+ +open +\S+ +waits for a person$/m,
    )
    expect(list.stderr).toContain('bzzz ask answer 3f2a91c0')
    expect(JSON.parse(json.stdout)).toEqual([row])
    expect(ids.stdout).toBe(`${askRow.id}\n`)
    expect(shown.stdout).toContain('answered: patch of 2,311 bytes')
    expect(JSON.parse(document.stdout)).toEqual({ row, tree: askTree, entries: helpEntries })
  })

  it('sends a question and says what came of it', async () => {
    const { asked } = await agent()
    await writeFile(join(at.dir, 'question.txt'), 'How?\n')
    const from = ['--question-file', 'question.txt']
    const more = ['--need', 'gpu,playwright', '--want', 'patch']
    const sent = await at.bzzz('ask', 'send', '4', ...from, ...more)
    expect(sent).toMatchObject({ code: 0, stdout: 'bee advises:\nx\n' })
    expect(asked.find(([what]) => what === 'ask')).toEqual([
      'ask',
      { repo: 'octo/lib', issue: 4 },
      { question: 'How?\n', needs: ['gpu', 'playwright'], want: ['patch'] },
    ])
    await api?.stop()
    await agent({ send: async () => ({ is: 'nobody', reason: 'All declined.' }) })
    const alone = await at.bzzz('ask', 'send', '4', '--question', 'How?')
    expect(alone).toMatchObject({ code: 1, stdout: 'Nobody helps: All declined.\n' })
    for (const given of [[], ['--question', ' '], ['--question', 'a', '--question-file', '-']])
      expect(await at.bzzz('ask', 'send', '4', ...given)).toMatchObject({ code: 2, stdout: '' })
  })

  it('gives a person’s advice', async () => {
    const { asked } = await agent()
    expect(await at.bzzz('ask', 'answer', '3f2a', '--text', 'Use the old one.')).toMatchObject({
      code: 0,
    })
    expect(asked.at(-1)).toEqual(['answer', askRow.id, 'Use the old one.'])
    await writeFile(join(at.dir, 'long.txt'), 'x'.repeat(32_001))
    const long = await at.bzzz('ask', 'answer', '3f2a', '--text-file', 'long.txt')
    expect(long).toMatchObject({ code: 2 })
    expect(long.stderr).toContain('32,000 characters')
    expect(await at.bzzz('ask', 'answer', 'beef', '--text', 'x')).toMatchObject({ code: 5 })
  })
})

describe('bzzz mcp', () => {
  it('serves an agent of this machine to any client of the protocol', async () => {
    await agent()
    const child = spawn(process.execPath, [bin, 'mcp', '--task', '4'], {
      cwd: at.dir,
      env: { PATH: process.env['PATH'] ?? '', HOME: at.dir, BZZZ_HOME: join(at.dir, 'home') },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    try {
      const client = await mcpClient(child.stdin, child.stdout)
      const textOf = async (name: string, args: object = {}) =>
        (await client.call(name, args)).content[0]?.text ?? ''
      expect(await textOf('ask_for_help', { question: 'How?' })).toContain('advises')
      expect(JSON.parse(await textOf('show_task'))).toMatchObject({
        task: { repo: 'octo/lib', issue: 4 },
        state: 'done',
      })
      expect(JSON.parse(await textOf('list_peers'))).toMatchObject([{ name: peers[0]?.name }])
      expect(JSON.parse(await textOf('show_budget', { task: '4' }))).toMatchObject({ used: null })
      expect(await client.call('show_task', { task: '99' })).toMatchObject({ isError: true })
    } finally {
      child.stdin.end()
    }
    expect(await ended).toBe(0)
  })

  it('answers all of a script before it ends', async () => {
    await agent()
    const child = spawn(process.execPath, [bin, 'mcp'], {
      cwd: at.dir,
      env: { PATH: process.env['PATH'] ?? '', HOME: at.dir, BZZZ_HOME: join(at.dir, 'home') },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const clientInfo = { name: 'script', version: '1' }
    const hello = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo }
    const lines = [
      { id: 1, method: 'initialize', params: hello },
      { id: 2, method: 'tools/call', params: { name: 'list_peers', arguments: {} } },
    ].map((line) => `${JSON.stringify({ jsonrpc: '2.0', ...line })}\n`)
    child.stdin.end(lines.join(''))
    const answers = (await text(child.stdout)).trim().split('\n')
    expect(answers.map((line) => (JSON.parse(line) as { id: number }).id)).toEqual([1, 2])
    expect(answers[1]).toContain(peers[0]?.name)
  })
})

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { place, type Place } from './cli-harness.ts'

const AGENT = join(import.meta.dirname, 'fixtures/acp-agent.ts')
const GOOD = { edits: { 'greeting.txt': 'hello from bzzz\n' }, says: ['Done.'] }
let at: Place
beforeEach(async () => {
  at = await place()
})
afterEach(() => at.cleanup())

const file = () => join(at.dir, 'bzzz.yaml')
const command = (options: object) => [process.execPath, AGENT, 'edit', JSON.stringify(options)]
/** The children of a sandbox see what the system has, and what is named here. */
const work = (more = '') =>
  `work:\n  readable: [${JSON.stringify(join(import.meta.dirname, '../..'))}]\n${more}`

describe('bzzz executor', () => {
  it('ls says what is here, in which sandbox, and what to type about the rest', async () => {
    const [text, json] = await Promise.all([
      at.start(['executor', 'ls'], { env: { PATH: '/nowhere' } }).ended,
      at.start(['executor', 'ls', '--json'], { env: { PATH: '/nowhere' } }).ended,
    ])
    expect(text.code).toBe(0)
    expect(text.stdout).toMatch(/^command +command +- +ready$/m)
    expect(text.stdout).toMatch(/^claude .* npm i -g @agentclientprotocol\/claude-agent-acp$/m)
    expect(text.stdout).toMatch(/^sandbox +\w+: /m)
    const { executors, sandbox } = JSON.parse(json.stdout) as {
      executors: { name: string; usable: boolean }[]
      sandbox: { kind: string }
    }
    expect(executors.filter(({ usable }) => usable).map(({ name }) => name)).toEqual(['command'])
    expect(sandbox.kind).not.toBe('')
  })

  it('test lets one do the smallest task, and tells each step', async () => {
    const robot = JSON.stringify({ name: 'robot', kind: 'acp', command: command(GOOD) })
    await writeFile(file(), work(`  executors: [${robot}]\n`))
    const [chore, agent, nobody] = await Promise.all([
      at.bzzz('executor', 'test', 'command'),
      at.bzzz('executor', 'test', 'robot', '--json'),
      at.bzzz('executor', 'test', 'nobody'),
    ])
    expect(chore.stdout).toMatch(/^ok +result +changed greeting\.txt/m)
    expect(chore.code).toBe(0)
    const tried = JSON.parse(agent.stdout)
    expect(tried).toMatchObject({ executor: 'robot', ok: true, usage: { inputTokens: 10 } })
    const steps = tried.steps.map(({ step }: { step: string }) => step)
    expect([...new Set(steps)]).toEqual(['found', 'sandbox', 'work', 'executor', 'check', 'result'])
    expect(agent.code).toBe(0)
    expect(nobody).toMatchObject({ code: 5, stdout: '' })
    expect(nobody.stderr).toContain('robot')
  })

  it('add writes what works, keeps the rest of the file, and writes nothing else', async () => {
    await writeFile(file(), `# mine\n${work('  slots: 2 # two\n')}`)
    const add = (name: string, options: object, ...more: string[]) =>
      at.bzzz('executor', 'add', name, ...more, '--', ...command(options))
    const bad = await add('bad', { stopReason: 'refusal' }, '--json')
    expect(bad.code).toBe(1)
    expect(JSON.parse(bad.stderr).error).toMatchObject({ code: 'EXECUTOR_UNFIT' })
    expect(await readFile(file(), 'utf8')).not.toContain('bad')
    const good = await add('good', GOOD)
    expect(good).toMatchObject({ code: 0 })
    const text = await readFile(file(), 'utf8')
    expect(text).toMatch(/^# mine\n/)
    expect(text).toContain('slots: 2 # two')
    expect(text).toContain('name: good')
    expect((await add('good', GOOD)).code).toBe(2)
    expect((await add('bad', {}, '--force')).code).toBe(0)
    const listed = await at.bzzz('executor', 'ls', '-q')
    expect(listed.stdout.split('\n')).toEqual(expect.arrayContaining(['good', 'bad', 'command']))
  })

  it('add refuses what makes no sense before it tries anything', async () => {
    const all = await Promise.all([
      at.bzzz('executor', 'add', 'mine'),
      at.bzzz('executor', 'add', 'mine', '--url', 'http://127.0.0.1:1/v1'),
      at.bzzz('executor', 'add', 'mine', '--model', 'm', '--', 'x'),
      at.bzzz('executor', 'add', 'mine', '--url', 'ftp://x', '--model', 'm'),
    ])
    for (const one of all)
      expect([one.code, one.stderr]).toEqual([2, expect.stringContaining('next:')])
  })
})

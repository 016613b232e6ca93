import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { addExecutor, loadConfig } from '../../../src/config/index.ts'

let dir: string
let file: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bzzz-edit-'))
  file = join(dir, 'bzzz.yaml')
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const mine = { name: 'mine', kind: 'acp', command: ['my-agent', '--acp'] } as const
const env = { HOME: '/nonexistent' }
const add = (executor: Parameters<typeof addExecutor>[0] = mine as never, replace = false) =>
  addExecutor(executor, { env, cwd: dir }, { replace })
const agent = { ...mine, command: [...mine.command] }
const load = async () => (await loadConfig({ env, cwd: dir })).config.work

describe('addExecutor', () => {
  it('makes a file where there is none', async () => {
    expect(await add(agent)).toEqual({ file, made: true, replaced: false, used: false })
    expect((await load()).executors).toMatchObject([agent])
  })

  it('keeps comments, order and the rest, and the mode of the file', async () => {
    const text = '# why\ngithub:\n  repos: [a/b] # one\nwork:\n  slots: 2\n  use: [command]\n'
    writeFileSync(file, text, { mode: 0o600 })
    expect(await add(agent)).toMatchObject({ made: false, used: true })
    const after = readFileSync(file, 'utf8')
    expect(after.startsWith(text.slice(0, text.indexOf('  use')))).toBe(true)
    expect(await load()).toMatchObject({ slots: 2, use: ['command', 'mine'], executors: [agent] })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readdirSync(dir)).toEqual(['bzzz.yaml'])
  })

  it('replaces one of the name only when told', async () => {
    await add(agent)
    await expect(add(agent)).rejects.toMatchObject({ code: 'EXECUTOR_KNOWN' })
    const other = { ...agent, command: ['other'] }
    expect(await add(other, true)).toMatchObject({ replaced: true })
    expect((await load()).executors).toMatchObject([other])
  })

  it('changes nothing where the result would be refused, or was broken before', async () => {
    await expect(add({ ...agent, name: '-x' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    expect(readdirSync(dir)).toEqual([])
    writeFileSync(file, 'work: {slots: 0}\n')
    await expect(add(agent)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    writeFileSync(file, 'work: [\n')
    await expect(add(agent)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    expect(readFileSync(file, 'utf8')).toBe('work: [\n')
    expect(readdirSync(dir)).toEqual(['bzzz.yaml'])
  })

  it('follows a link, and leaves it one', async () => {
    writeFileSync(join(dir, 'real.yaml'), '# real\n')
    symlinkSync(join(dir, 'real.yaml'), file)
    await add(agent)
    expect(readFileSync(join(dir, 'real.yaml'), 'utf8')).toContain('mine')
    expect(readFileSync(file, 'utf8')).toContain('# real')
  })
})

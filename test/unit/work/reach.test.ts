import { lstatSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Processes, SandboxKind } from '../../../src/process/index.ts'
import { reachTools } from '../../../src/work/tools/reach.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'bzzz-reach-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const tools = { socket: '/tmp/task.sock', token: 'secret-token' }
const mcp = { command: ['/bin/node', '/bzzz/bin.mjs', 'mcp'] as const, read: ['/bzzz'] }
const nothing = { env: {}, sockets: [], read: [] }

function reach(kind: SandboxKind, place: { proxy?: string; tools?: typeof tools }, known = true) {
  const prepare = async () => ({ kind, off: false, why: '', lacks: [] })
  const processes = { prepare } as Partial<Processes> as Processes
  return reachTools({ home, ...place }, { processes, ...(known ? { mcp } : {}) })
}

describe('the way to the tools of a task', () => {
  it('has the token in a file of the task alone, and never in words of a command', async () => {
    const { server, ...rest } = await reach('bubblewrap', { tools })
    const file = join(home, '.bzzz-task-token')
    expect(rest).toEqual({
      env: {
        BZZZ_TASK_SOCKET: tools.socket,
        BZZZ_TASK_TOKEN_FILE: file,
        BZZZ_MCP: JSON.stringify(mcp.command),
      },
      sockets: [tools.socket],
      read: ['/bzzz'],
    })
    expect(server).toEqual({
      name: 'bzzz',
      command: '/bin/node',
      args: ['/bzzz/bin.mjs', 'mcp'],
      env: { BZZZ_TASK_SOCKET: tools.socket, BZZZ_TASK_TOKEN_FILE: file },
    })
    expect(readFileSync(file, 'utf8')).toBe(tools.token)
    expect(lstatSync(file).mode & 0o777).toBe(0o600)
    expect(JSON.stringify([rest, server])).not.toContain(tools.token)
  })

  it('does not write where a link in the home leads', async () => {
    const other = join(home, 'other')
    writeFileSync(other, 'keep')
    symlinkSync(other, join(home, '.bzzz-task-token'))
    await reach('bubblewrap', { tools })
    expect(readFileSync(other, 'utf8')).toBe('keep')
  })

  it('opens no socket in Landlock that is not open already', async () => {
    expect(await reach('landlock', { tools })).toEqual(nothing)
    expect((await reach('landlock', { tools, proxy: '/tmp/p.sock' })).sockets).toEqual([
      tools.socket,
    ])
  })

  it('is not there without tools, and only the socket without a server', async () => {
    expect(await reach('bubblewrap', {})).toEqual(nothing)
    expect((await reach('none', { tools }, false)).server).toBeUndefined()
  })
})

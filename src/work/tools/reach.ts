/**
 * How the processes of an executor reach the tools of their task: variables, the socket, and the file
 * with the token. The token is in a file of the task's own home, since coding agents hand the variables
 * of an MCP server on in arguments of processes.
 *
 * In a Landlock sandbox a socket that may be connected to opens all that the user may connect to. Where
 * work has no proxy there, and so no socket yet, it gets none: the tools are not served.
 */
import { lchown, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ChildSettings } from '../executor-settings.ts'
import type { Place } from '../executor.ts'

export interface ToolReach {
  env: Record<string, string>
  sockets: string[]
  read: string[]
  /** For executors that take MCP servers. */
  server?: { name: string; command: string; args: string[]; env: Record<string, string> }
}

const NOT_SERVED: ToolReach = { env: {}, sockets: [], read: [] }
const TOKEN_FILE = '.bzzz-task-token'

/** To be called before the executor's first process. */
export async function reachTools(
  place: Pick<Place, 'home' | 'proxy' | 'tools'>,
  { processes, mcp }: Pick<ChildSettings, 'processes' | 'mcp'>,
): Promise<ToolReach> {
  const { tools, home, proxy } = place
  if (tools === undefined) return NOT_SERVED
  const { kind } = await processes.prepare()
  if (kind === 'landlock' && proxy === undefined) return NOT_SERVED
  const { socket, token } = tools
  const file = join(home, TOKEN_FILE)
  // What lies there may be a link that an earlier executor made.
  await rm(file, { recursive: true, force: true })
  await writeFile(file, token, { mode: 0o600, flag: 'wx' })
  // Root writes for another user, whose file it must be.
  if (process.getuid?.() === 0) {
    const { uid, gid } = await stat(home)
    await lchown(file, uid, gid)
  }
  const env = { BZZZ_TASK_SOCKET: socket, BZZZ_TASK_TOKEN_FILE: file }
  if (mcp === undefined) return { env, sockets: [socket], read: [] }
  const [command, ...args] = mcp.command
  return {
    env: { ...env, BZZZ_MCP: JSON.stringify(mcp.command) },
    sockets: [socket],
    read: [...mcp.read],
    server: { name: 'bzzz', command, args, env },
  }
}

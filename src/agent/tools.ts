/** How executors start `bzzz mcp` of this installation within their sandbox: the program, and what it reads. */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { commandRoots } from '../process/index.ts'
import type { McpCommand } from '../work/index.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Not the whole checkout: what else lies there (a configuration, a repository) is none of their business. */
export function mcpCommand(): McpCommand {
  const packages = createRequire(import.meta.url).resolve('zod')
  return {
    command: [process.execPath, join(root, 'src', 'cli', 'bin.mjs'), 'mcp'],
    read: [
      ...new Set([
        ...commandRoots([process.execPath, packages]),
        join(root, 'src'),
        join(root, 'package.json'),
      ]),
    ],
  }
}

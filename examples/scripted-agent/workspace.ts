/** Files of a session's directory: through the client when it offers that, else directly. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { methods, type AgentContext, type ClientCapabilities } from '@agentclientprotocol/sdk'
import { z } from 'zod'

const fileSchema = z.object({ content: z.string() })

export interface Workspace {
  /** Absolute, as the protocol wants it. */
  pathOf(path: string): string
  read(path: string): Promise<string>
  write(path: string, content: string): Promise<void>
}

export function workspace(
  client: AgentContext,
  session: { sessionId: string; cwd: string },
  capabilities: ClientCapabilities | undefined,
): Workspace {
  const { sessionId, cwd } = session
  const pathOf = (path: string) => join(cwd, path)
  const { fs } = capabilities ?? {}
  return {
    pathOf,
    async read(path) {
      if (fs?.readTextFile !== true) return readFile(pathOf(path), 'utf8')
      const params = { sessionId, path: pathOf(path) }
      return fileSchema.parse(await client.request(methods.client.fs.readTextFile, params)).content
    },
    async write(path, content) {
      if (fs?.writeTextFile !== true) return writeFile(pathOf(path), content)
      const params = { sessionId, path: pathOf(path), content }
      await client.request(methods.client.fs.writeTextFile, params)
    },
  }
}

/**
 * The embedded forge for the benchmarks, in the process of the benchmark. What it answers is seen
 * through Node's own diagnostics channel, so that nothing stands between it and its clients.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { forge } from '../src/forge/index.ts'
import type { Bench } from './lib.ts'

export const owner = 'octo'

/** One answered request. */
export interface Seen {
  /** Wall clock when the answer was written, ms since 1970. */
  at: number
  method: string
  /** Without the query. */
  path: string
  status: number
}

export interface BenchForge {
  /** For octokit. */
  apiUrl: string
  /** For git: `<url>/<owner>/<name>.git`. */
  url: string
  /** Of the owner or one of the users, who may push. */
  token(login: string): string
  /** Makes a repository; returns its full name. */
  repository(name: string, files: Record<string, string>): Promise<string>
  /** All answers so far, oldest first. */
  readonly seen: readonly Seen[]
  stop(): Promise<void>
}

const channel = 'http.server.response.finish'

export async function startForge(
  { dir, processes }: Bench,
  { users }: { users: readonly string[] },
): Promise<BenchForge> {
  const token = (login: string) => `token-of-${login}`
  const server = forge(
    {
      dir: join(dir, 'forge'),
      users: [
        { login: owner, token: token(owner), role: 'admin' },
        ...users.map((login) => ({ login, token: token(login), role: 'push' as const })),
      ],
      rateLimit: 1_000_000,
    },
    { processes },
  )
  const seen: Seen[] = []
  const onFinish = (message: unknown) => {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse }
    const path = (request.url ?? '').split('?')[0] ?? ''
    seen.push({ at: Date.now(), method: request.method ?? '', path, status: response.statusCode })
  }
  subscribe(channel, onFinish)
  await server.start()
  return {
    apiUrl: server.apiUrl,
    url: server.url,
    token,
    async repository(name, files) {
      const from = join(dir, `files-${name}`)
      for (const [path, text] of Object.entries(files)) {
        await mkdir(dirname(join(from, path)), { recursive: true })
        await writeFile(join(from, path), text)
      }
      await server.createRepository({ owner, name, from })
      return `${owner}/${name}`
    },
    seen,
    async stop() {
      unsubscribe(channel, onFinish)
      await server.stop()
    },
  }
}

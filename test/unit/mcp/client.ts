/** The other end of an MCP server's pipes, as lines of JSON-RPC. */
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { until } from '../../../src/util/index.ts'

interface Message {
  id?: number
  method?: string
  params?: Record<string, unknown>
  result?: Record<string, unknown>
  error?: { code: number; message: string }
}

export interface ToolAnswer {
  isError?: boolean
  content: { type: string; text: string }[]
}

export interface McpClient {
  messages: Message[]
  notify(method: string, params?: object): void
  /** Sends a request; gives its id. */
  send(method: string, params?: object): number
  /** The answer to a request. */
  answer(id: number): Promise<Message>
  request(method: string, params?: object): Promise<Message>
  /** What a tool says. */
  call(name: string, args?: object, meta?: object): Promise<ToolAnswer>
}

/** Says hello as clients of 2025 do. */
export async function mcpClient(input: Writable, output: Readable): Promise<McpClient> {
  const messages: Message[] = []
  createInterface(output).on('line', (line) => messages.push(JSON.parse(line) as Message))
  let ids = 0
  const write = (message: object) =>
    void input.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  const client: McpClient = {
    messages,
    notify: (method, params = {}) => write({ method, params }),
    send(method, params = {}) {
      ids += 1
      write({ id: ids, method, params })
      return ids
    },
    answer: (id) =>
      until(`an answer to ${id}`, 30_000, () =>
        messages.find((one) => one.id === id && one.method === undefined),
      ),
    request: (method, params) => client.answer(client.send(method, params)),
    async call(name, args = {}, meta) {
      const more = meta === undefined ? {} : { _meta: meta }
      const { result, error } = await client.request('tools/call', {
        name,
        arguments: args,
        ...more,
      })
      if (result === undefined) throw new Error(JSON.stringify(error))
      return result as never
    },
  }
  await client.request('initialize', {
    protocolVersion: '2025-06-18',
    capabilities: {},
    clientInfo: { name: 'test', version: '1' },
  })
  client.notify('notifications/initialized')
  return client
}

/** A receiver of webhooks on loopback, and a judge of their payloads by GitHub's published schemas. */
import { createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { Ajv, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import { until } from '../../../src/util/index.ts'

const require = createRequire(import.meta.url)

type Body = Record<string, unknown> & { action?: string }

export interface Received {
  event: string
  guid: string
  headers: IncomingHttpHeaders
  raw: string
  body: Body
}

export interface Receiver {
  url: string
  all: Received[]
  /** What the next answers are; default 200. Null: none at all. */
  answer: { status: number | null }
  /** The first delivery of `name` (`issues.labeled`, `push`) after `from`, as soon as it is there. */
  next(name: string, from?: number): Promise<Received>
  names(): string[]
  close(): Promise<void>
}

const nameOf = ({ event, body }: Received) =>
  body.action === undefined ? event : `${event}.${body.action}`

export async function receiver(): Promise<Receiver> {
  const all: Received[] = []
  const answer: { status: number | null } = { status: 200 }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const raw = Buffer.concat(chunks).toString('utf8')
      const form = request.headers['content-type'] === 'application/x-www-form-urlencoded'
      const text = form ? (new URLSearchParams(raw).get('payload') ?? '') : raw
      all.push({
        event: String(request.headers['x-github-event']),
        guid: String(request.headers['x-github-delivery']),
        headers: request.headers,
        raw,
        body: JSON.parse(text) as Body,
      })
      if (answer.status !== null) response.writeHead(answer.status).end('seen')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const find = (name: string, from: number) => all.slice(from).find((each) => nameOf(each) === name)
  return {
    url: `http://127.0.0.1:${port}/hook`,
    all,
    answer,
    names: () => all.map(nameOf),
    next: async (name, from = 0) => {
      await until(`a webhook ${name}`, 15_000, () => find(name, from) !== undefined)
      return find(name, from) as Received
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export const signature = (secret: string, raw: string): string =>
  `sha256=${createHmac('sha256', secret).update(raw).digest('hex')}`

/** Fields that GitHub sends by now and its schemas of 2024 forbid. */
const NEWER = [
  'user_view_type',
  'sub_issues_summary',
  'issue_dependencies_summary',
  'closed_by',
  'verified_at',
]

/** Lets the newer fields pass wherever a schema forbids what it does not list. */
function allowNewer(schema: unknown): void {
  if (typeof schema !== 'object' || schema === null) return
  const { additionalProperties } = schema as { additionalProperties?: unknown }
  if (additionalProperties === false)
    Object.assign(schema, { patternProperties: { [`^(?:${NEWER.join('|')})$`]: {} } })
  for (const part of Object.values(schema)) allowNewer(part)
}

export interface PayloadJudge {
  /** What is wrong with a payload; '' when nothing is. */
  fault(received: Pick<Received, 'event' | 'body'>): string
}

export function payloadJudge(): PayloadJudge {
  const schema = require('@octokit/webhooks-schemas') as {
    definitions: Record<string, unknown>
  }
  // Without these two the compilation takes seconds.
  const ajv = new Ajv({ strict: false, inlineRefs: false, code: { optimize: false } })
  const formats = addFormats as unknown as (on: Ajv) => void
  formats(ajv)
  allowNewer(schema)
  ajv.addSchema(schema, 'webhooks')
  const compiled = new Map<string, ValidateFunction>()
  return {
    fault: ({ event, body }) => {
      const name = body.action === undefined ? `${event}$event` : `${event}$${body.action}`
      if (!Object.hasOwn(schema.definitions, name)) return `no schema ${name}`
      const validate =
        compiled.get(name) ??
        ajv.compile({ $ref: `webhooks#/definitions/${encodeURIComponent(name)}` })
      compiled.set(name, validate)
      if (validate(body)) return ''
      return `${name}: ${ajv.errorsText(validate.errors?.slice(0, 8) ?? null)}`
    },
  }
}

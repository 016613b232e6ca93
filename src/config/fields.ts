/**
 * The forms that single values may have. Each refuses what would only fail later and elsewhere: at
 * GitHub, in git, in the mesh.
 */
import { isIPv4, isIPv6 } from 'node:net'
import { resolve } from 'node:path'
import { z } from 'zod'
import { urlProblem } from '../util/index.ts'

const unique = (values: readonly string[]) =>
  new Set(values.map((value) => value.toLowerCase())).size === values.length

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

const isPlain = (text: string) => !/^https:/i.test(text)
const isHere = (text: string) => LOOPBACK.test(new URL(text).hostname)
const OTHERS_HTTP = 'is plain http to another machine'

/** Tells what is wrong with the URL; `more` is asked only of one that is right so far. */
const baseUrl = (more: (text: string) => string | undefined) =>
  z
    .string()
    .max(2_048)
    .superRefine((text, context) => {
      const message = urlProblem(text) ?? more(text)
      if (message !== undefined) context.addIssue({ code: 'custom', message })
    })

/** https anywhere, http only to this machine: a token goes along. */
export const url = baseUrl((text) => (isPlain(text) && !isHere(text) ? OTHERS_HTTP : undefined))

export const repo = z
  .string()
  .regex(/^[A-Za-z0-9][\w.-]{0,99}\/(?!\.\.?$)[\w.-]{1,100}$/, 'not owner/name')

export const repos = z.array(repo).max(100).refine(unique, 'the same repository is named twice')

export const agentName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'not 1 to 64 of A-Z a-z 0-9 . _ -')

export const meshName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'not 1 to 32 of a-z 0-9 -')

export const label = z.string().regex(/^[^,\p{Cc}]{1,50}$/u, 'not 1 to 50 characters without comma')

export const labels = z.array(label).max(20).refine(unique, 'a label stands twice')

export const refPrefix = z
  .string()
  .max(200)
  .regex(/^refs\/(?:[A-Za-z0-9_][A-Za-z0-9_-]*\/)+$/, 'not refs/…/ of letters, digits, - and _')

export const branchPrefix = z
  .string()
  .max(100)
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_-]*(?:\/[A-Za-z0-9_][A-Za-z0-9_-]*)*[/-]?$/, 'not a branch name')

const HOST =
  /^\/(?:ip4\/[\d.]{7,15}|ip6\/[0-9a-fA-F:.]{2,45}|dns[46]?\/[\w.-]{1,253})\/tcp\/\d{1,5}/
const endsWith = (end: string) => new RegExp(`${HOST.source}${end}$`)

const hostName =
  /^[A-Za-z0-9_](?:[\w-]{0,61}[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[\w-]{0,61}[A-Za-z0-9_])?)*\.?$/

/** Of what has the form of `HOST`. */
function isHost(text: string): boolean {
  const [, kind, host = ''] = text.split('/')
  if (kind === 'ip4') return isIPv4(host)
  return kind === 'ip6' ? isIPv6(host) : hostName.test(host)
}
const isTcpPort = (text: string) => Number(text.split('/')[4]) <= 65_535

const address = (end: string, message: string) =>
  z
    .string()
    .regex(endsWith(end), { error: message, abort: true })
    .refine(isHost, 'names no IP address or host that there can be')
    .refine(isTcpPort, 'the port is above 65535')

export const listenAddress = address('', 'not a TCP multiaddr such as /ip4/0.0.0.0/tcp/0')

export const announceAddress = listenAddress.regex(
  /\/tcp\/[1-9]\d*$/,
  'not a multiaddr with a port such as /ip4/198.51.100.7/tcp/4001',
)

export const peerAddress = address(
  '/p2p/[1-9A-HJ-NP-Za-km-z]{46,64}',
  'not a multiaddr with peer id such as /ip4/192.0.2.7/tcp/4001/p2p/12D3KooW…',
)

export const word = z
  .string()
  .regex(/^[A-Za-z0-9][\w.:+-]{0,63}$/, 'not a word of up to 64 letters, digits and . _ : + -')

export const words = (max: number) => z.array(word).max(max).refine(unique, 'a word stands twice')

export const path = z
  .string()
  .min(1)
  .max(4_096)
  .regex(/^[^\0]*$/, 'holds a NUL character')

/** Made when it is not there. Below /proc no directory can be made, and Node would try for ever. */
export const home = path.refine(
  (text) => !/^\/(proc|sys|dev)(\/|$)/.test(resolve(text)),
  'lies in a file system of the kernel, where nothing can be kept',
)

export const envName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'not a variable name')

const places = [
  z.strictObject({ file: path }),
  z.strictObject({
    credential: z.string().regex(/^[\w][\w.-]{0,127}$/, 'not the name of a credential'),
  }),
  z.strictObject({ env: envName }),
] as const

/** Where a secret is, never the secret itself. */
export const secretReference = z.union([...places, z.strictObject({ gh: z.literal(true) })])
/** The same for what `gh` does not have. */
export const storedSecret = z.union(places)

/** Number or client id. */
export const appId = z.union([
  z.int().min(1).max(Number.MAX_SAFE_INTEGER),
  z.string().regex(/^Iv[\w.]{8,64}$/, 'not a number or a client id'),
])

/** Also of an App: `slug[bot]`. */
export const login = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}(?:\[bot\])?$/, 'not a GitHub login')

const isPort = (text: string) => Number(text.slice(text.lastIndexOf(':') + 1)) <= 65_535

export const hostPort = z
  .string()
  .regex(/^(?:\[[0-9a-fA-F:]{2,45}\]|[A-Za-z0-9][A-Za-z0-9.-]{0,252}):\d{1,5}$/, 'not HOST:PORT')
  .refine(isPort, 'the port is above 65535')

export const urlPath = z.string().regex(/^\/[\w./-]{0,199}$/, 'not a path such as /webhook')

const programme = z.array(z.string().min(1).max(4_096)).min(1).max(64)
/** Names of variables that it may see. */
const passEnv = z.array(envName).max(50).default([])

const modelUrl = baseUrl(() => undefined)
const price = z.number().min(0).max(1_000_000)

/** A model behind an OpenAI-compatible API. What the fields mean is explained in docs/chat.md. */
const chatExecutor = z
  .strictObject({
    kind: z.literal('chat'),
    name: word,
    url: modelUrl,
    model: z.string().regex(/^[^\p{Cc}]{1,200}$/u, 'not 1 to 200 characters'),
    apiKey: storedSecret.optional(),
    allowHttp: z.boolean().default(false),
    contextTokens: z.int().min(2_048).max(10_000_000).optional(),
    maxOutputTokens: z.int().min(256).max(200_000).default(4_096),
    maxRounds: z.int().min(1).max(1_000).default(120),
    maxTokens: z.int().min(1_000).max(1_000_000_000).default(5_000_000),
    price: z.strictObject({ inputPerMillion: price, outputPerMillion: price }).optional(),
    temperature: z.number().min(0).max(2).optional(),
    run: z.array(programme).max(50).default([]),
  })
  .refine(({ url, allowHttp }) => allowHttp || !isPlain(url) || isHere(url), {
    path: ['url'],
    message: `${OTHERS_HTTP}: use https, or write allowHttp: true if nobody listens on the way`,
    when: ({ value }) => modelUrl.safeParse((value as { url?: unknown }).url).success,
  })

export const executor = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('acp'),
    name: word,
    /** Program and arguments; no shell. Known coding agents need none. */
    command: programme.optional(),
    /** Program and arguments that print its version. */
    version: programme.optional(),
    /** `user` lets it use the user's own logins; `temporary` gives it an empty home. */
    home: z.enum(['temporary', 'user']).default('temporary'),
    passEnv,
    /** The way to sign in that it is told before a session: an id of the `authMethods` that it offers. */
    auth: z.string().min(1).max(200).optional(),
    /** Models that it can use, for the announcement. */
    models: z.array(z.string().min(1).max(128)).max(50).default([]),
  }),
  chatExecutor,
  z.strictObject({ kind: z.literal('command'), name: word, passEnv }),
  z.strictObject({ kind: z.literal('mock'), name: word }),
])

export const executors = z
  .array(executor)
  .max(32)
  .refine((all) => unique(all.map((one) => one.name)), 'two executors have the same name')

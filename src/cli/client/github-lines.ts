/** What `bzzz status` says of GitHub: who signs in with what, until when, and what comes by webhook. Pure. */
import type { Status } from '../../api/client.ts'
import { age, count, thousands } from '../output/text.ts'

type GitHub = Status['github']
const dayMs = 24 * 60 * 60_000

/** Name and value of each line; a further line of the same name has an empty one. */
export function githubLines(github: GitHub, nowMs: number): [string, string][] {
  return [
    ['github', hub(github, nowMs)],
    ...signedIn(github.credential, nowMs),
    ...hooks(github.webhooks, nowMs),
  ]
}

function hub(github: GitHub, nowMs: number): string {
  const { login, viewer } = github
  const signedIn = viewer === undefined ? `as ${login}` : `as ${viewer}, assigning ${login}`
  const as = login === null ? 'not signed in yet' : signedIn
  const limit = github.rateLimit
  if (limit === null) return `${github.apiUrl} ${as}`
  const left = `${thousands(limit.remaining)} of ${thousands(limit.limit)} requests left`
  return `${github.apiUrl} ${as}, ${left}, new ones in ${age(limit.resetAtMs - nowMs)}`
}

function signedIn(credential: GitHub['credential'], nowMs: number): [string, string][] {
  if (credential === null) return []
  const { kind, source, expiresAtMs, error } = credential
  const what = kind === 'app' ? 'as an App, key' : 'token'
  const from = source === null ? 'not read yet' : `from ${source}`
  const end = expiresAtMs === null ? '' : `, ${expiry(kind, expiresAtMs - nowMs)}`
  return [
    ['', `${what} ${from}${end}`],
    ...(error === null ? [] : [['', error] satisfies [string, string]]),
  ]
}

function expiry(kind: 'token' | 'app', leftMs: number): string {
  if (leftMs <= 0) return 'expired'
  // An App's token is renewed by itself.
  if (kind === 'app') return `token good for ${age(leftMs)}`
  return `expires in ${count(Math.floor(leftMs / dayMs), 'day')}`
}

function hooks(webhooks: GitHub['webhooks'], nowMs: number): [string, string][] {
  if (webhooks === null) return []
  const { url, deliveries, lastDeliveryMs } = webhooks
  const some = Object.entries(deliveries).filter(([, amount]) => amount > 0)
  const counts = some.map(([result, amount]) => `${amount} ${result}`).join(', ')
  const last = lastDeliveryMs === null ? 'none yet' : `last ${age(nowMs - lastDeliveryMs)} ago`
  return [['webhooks', `${url ?? 'not listening'}, ${last}${counts === '' ? '' : ` (${counts})`}`]]
}

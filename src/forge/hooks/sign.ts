/** The request of one delivery: raw body, and headers with its signatures. */
import { createHmac } from 'node:crypto'
import type { HookRow } from '../store/rows.ts'

export interface Envelope {
  guid: string
  event: string
  /** JSON. */
  payload: string
}

export function requestOf(
  hook: HookRow,
  { guid, event, payload }: Envelope,
): { body: string; headers: Record<string, string> } {
  const form = hook.content_type === 'form'
  const body = form ? new URLSearchParams({ payload }).toString() : payload
  const mac = (kind: 'sha1' | 'sha256') =>
    `${kind}=${createHmac(kind, hook.secret ?? '')
      .update(body)
      .digest('hex')}`
  return {
    body,
    headers: {
      accept: '*/*',
      'content-type': form ? 'application/x-www-form-urlencoded' : 'application/json',
      'user-agent': 'GitHub-Hookshot/forge',
      'x-github-delivery': guid,
      'x-github-event': event,
      'x-github-hook-id': String(hook.id),
      'x-github-hook-installation-target-id': String(hook.repo_id),
      'x-github-hook-installation-target-type': 'repository',
      ...(hook.secret === null || hook.secret === ''
        ? {}
        : { 'x-hub-signature': mac('sha1'), 'x-hub-signature-256': mac('sha256') }),
    },
  }
}

/** What the commands about membership say. Pure. */
import type { InviteView, Rotated } from '../../../api/client.ts'
import { age, count } from '../../output/text.ts'

export const joinLine = (token: string) => `bzzz join ${token}`

/** `bzzz join bzzz1.…`, as it was pasted, or the token alone. */
export const tokenIn = (text: string) => text.trim().replace(/^bzzz\s+join\s+/, '')

type Life = Pick<InviteView, 'usesLeft' | 'expiresAt' | 'revoked'>

/** `for 14m`, `for ever`, `expired`, `used`, `revoked`. */
export function lifeOf({ usesLeft, expiresAt, revoked }: Life, nowMs: number): string {
  if (revoked) return 'revoked'
  if (usesLeft === 0) return 'used'
  if (expiresAt === null) return 'for ever'
  return expiresAt <= nowMs ? 'expired' : `for ${age(expiresAt - nowMs)}`
}

export function goodFor(invite: Life & Pick<InviteView, 'roles'>, nowMs: number): string {
  const { usesLeft, expiresAt, roles } = invite
  const many = usesLeft === null ? 'any number of machines' : count(usesLeft, 'machine')
  // The clock has moved on since it was made.
  const long = expiresAt === null ? 'until it is revoked' : `within ${age(expiresAt - nowMs + 999)}`
  return `For ${many}, as ${roles.join(', ')}, ${long}. Whoever has it can join: treat it as a password.`
}

/** The least that `bzzz up` needs. */
export const minimalConfig = (repo: string) =>
  `# All options: bzzz config schema, docs/configuration.md\ngithub:\n  repos: [${repo}]\n`

/** `granted`: by the mesh; `wanted`: by the configuration. */
export function joinedText(
  meshName: string,
  granted: readonly string[],
  wanted: readonly string[],
): string[] {
  const joined = `This machine is a member of the mesh ${meshName} now, as ${granted.join(', ')}.`
  const lacking = wanted.filter((role) => role === 'worker' && !granted.includes(role))
  if (lacking.length === 0) return [joined, 'Start its agent with `bzzz up`.']
  return [
    joined,
    'It may not work issues, so set `roles: [observer]` in bzzz.yaml, then type `bzzz up`.',
  ]
}

export function rotatedText({ epoch, left, members, removals }: Rotated): string[] {
  return [
    `The mesh has its key number ${epoch + 1}, held by this machine; ${count(members, 'member')} and ${count(removals, 'removal')} were signed anew. The others learn of it when they meet this machine.`,
    left === 0
      ? 'The recovery key cannot be used again: found a new mesh before this one needs it.'
      : `Keep the recovery key off this machine: it can do this ${left} more times.`,
  ]
}

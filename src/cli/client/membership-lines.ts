/** How this machine stands with its mesh, and who asks to be let in, for `bzzz status`. Pure. */
import type { MembershipStatus } from '../../api/client.ts'
import { age, count } from '../output/text.ts'

export function membershipLines(
  { meshId, meshName, standing, roles, expiresAtMs, renewalLate, asks }: MembershipStatus,
  nowMs: number,
): [string, string][] {
  const mesh = `${meshName} (${meshId.slice(0, 12)})`
  const left = expiresAtMs === null ? 0 : expiresAtMs - nowMs
  const soon = renewalLate === true ? ' and no signer has renewed it' : ''
  const lines: [string, string][] = [
    [
      'member',
      standing === 'member'
        ? `of ${mesh} as ${roles.join(', ')}; ends in ${age(left)}${soon}`
        : `${standing}: ${mesh} does not let this machine in; it takes no new tasks`,
    ],
  ]
  if (asks > 0)
    lines.push(['asks', `${count(asks, 'machine')} to be let in: see \`bzzz peers ls\``])
  return lines
}

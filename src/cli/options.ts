/** What the definitions of commands have in common: help with examples, and checked arguments. */
import { InvalidArgumentError } from '@commander-js/extra-typings'

/** A description with examples right below it, where readers look first. */
export function help(what: string, ...examples: string[]): string {
  if (examples.length === 0) return what
  return [what, '', 'Examples:', ...examples.map((line) => `  ${line}`)].join('\n')
}

export function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= least && value <= most) return value
    throw new InvalidArgumentError(`Write a whole number from ${least} to ${most}.`)
  }
}

/** `--home "$UNSET"` means no directory, and certainly not the current one. */
export function path(text: string): string {
  if (text.trim() !== '') return text
  throw new InvalidArgumentError('It is empty; write a path, or leave the option out.')
}

export function seconds(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && value > 0 && value <= 86_400) return value
  throw new InvalidArgumentError('Write seconds, above 0 and at most 86400.')
}

export function question(text: string): string {
  if (/^[0-9a-f]{1,40}$/.test(text)) return text
  throw new InvalidArgumentError('Write its id, as `bzzz task show` prints it.')
}

const repoForm = /^[\w.-]{1,100}\/[\w.-]{1,100}$/

export function repository(text: string): string {
  if (repoForm.test(text)) return text
  throw new InvalidArgumentError('Write it as owner/name.')
}

const roleNames = ['worker', 'observer', 'signer'] as const

/** Repeatable, and several with commas between them. */
export function roles(text: string, all: MeshRole[] | undefined): MeshRole[] {
  const wanted = text.split(',').map((word) => {
    const found = roleNames.find((name) => name === word.trim())
    if (found !== undefined) return found
    throw new InvalidArgumentError(`Write ${roleNames.join(', ')}, or several with commas.`)
  })
  return [...new Set([...(all ?? []), ...wanted])]
}
export type MeshRole = (typeof roleNames)[number]

/** A whole number, or `any`. */
export function uses(text: string): number | 'any' {
  return text === 'any' ? text : whole(1, 1_000)(text)
}

const unitsMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const maxLifeMs = 3_650 * unitsMs.d

/** `30s`, `15m`, `2h`, `7d` as ms, or `never`. */
export function life(text: string): number | 'never' {
  if (text === 'never') return text
  const [, amount, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? []
  const ms = Number(amount) * unitsMs[(unit ?? 's') as keyof typeof unitsMs]
  if (ms >= 1_000 && ms <= maxLifeMs) return ms
  throw new InvalidArgumentError('Write 30s, 15m, 2h or 7d, up to ten years, or never.')
}

export function address(text: string, all: string[] | undefined): string[] {
  if (/^\/[a-z0-9]+\/[^\s]{1,500}$/.test(text)) return [...(all ?? []), text]
  throw new InvalidArgumentError('Write a multiaddr such as /ip4/192.0.2.7/tcp/4001.')
}

export function meshName(text: string): string {
  if (/^[a-z0-9][a-z0-9-]{0,31}$/.test(text)) return text
  throw new InvalidArgumentError('Write 1 to 32 of a-z, 0-9 and -.')
}

export function peers(text: string, all: string[] | undefined): string[] {
  if (text.trim() !== '' && text.length <= 256) return [...(all ?? []), text]
  throw new InvalidArgumentError('Write a name or a peer id, as `bzzz peers ls` shows it.')
}

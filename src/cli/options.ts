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

const repoForm = /^[\w.-]{1,100}\/[\w.-]{1,100}$/

export function repository(text: string): string {
  if (repoForm.test(text)) return text
  throw new InvalidArgumentError('Write it as owner/name.')
}

/** An error for people (what, why, next command) and for programs (the envelope). Pure. */
import { CodedError } from '../../util/index.ts'
import { clean, safeJson } from './text.ts'

export interface FailureOptions {
  json: boolean
  /** Shows the stack of an error without a code. */
  verbose: boolean
}

export function renderFailure(error: unknown, { json, verbose }: FailureOptions): string {
  const coded = error instanceof CodedError ? error : undefined
  const message = messageOf(error)
  const next = coded === undefined ? 'Run it again with -v, and report what it prints.' : coded.next
  if (json) {
    return safeJson({
      error: {
        code: coded?.code ?? 'INTERNAL',
        message,
        ...(next === undefined ? {} : { next }),
        ...(coded === undefined || Object.keys(coded.data).length === 0
          ? {}
          : { data: coded.data }),
      },
    })
  }
  const causes = chain(error)
  return [
    `bzzz: ${lines(message)}`,
    ...(causes.length === 0 ? [] : [`  why:  ${lines(causes.join(': '))}`]),
    ...(next === undefined ? [] : [`  next: ${lines(next)}`]),
    ...(verbose && coded === undefined && error instanceof Error && error.stack !== undefined
      ? [lines(error.stack)]
      : []),
  ].join('\n')
}

/** The causes, each in one line, without what the one above says already. */
function chain(error: unknown): string[] {
  const causes: string[] = []
  let last = error instanceof Error ? error.message : ''
  let at = error instanceof Error ? error.cause : undefined
  for (let depth = 0; at instanceof Error && depth < 8; depth += 1, at = at.cause) {
    const [message = ''] = messageOf(at).split('\n')
    if (message !== '' && !last.includes(message)) causes.push(message)
    last = at.message
  }
  return causes
}

const lines = (text: string) => text.split('\n').map(clean).join('\n')

/** Some libraries put the stack of a cause into their message. */
const withoutStack = (text: string) =>
  text
    .split('\n')
    .filter((line) => !/^\s+at \S.*(?::\d+:\d+\)?|\(native\)|<anonymous>\)?)$/.test(line))
    .join('\n')
    .trimEnd()

const messageOf = (error: unknown) =>
  withoutStack(error instanceof Error ? error.message : String(error))

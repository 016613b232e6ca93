/** The token that a machine joins with: from the command line, a file or stdin; of bounded size. */
import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import type { Context } from '../../context.ts'
import { CliError } from '../../errors.ts'
import { tokenIn } from './texts.ts'

/** Far above any token, which has at most 700 characters. */
const maxTokenBytes = 16 * 1024

/** Undefined when none is given. Errors: `USAGE` for two, `TOKEN_UNREADABLE`. */
export async function tokenOf(
  { cwd }: Pick<Context, 'cwd'>,
  given: string | undefined,
  tokenFile: string | undefined,
): Promise<string | undefined> {
  if (given !== undefined && tokenFile !== undefined) {
    throw new CliError('USAGE', 'The token is given twice.', {
      next: 'Write it as the argument, or name its file with --token-file; not both.',
    })
  }
  if (tokenFile === undefined) return given === undefined ? undefined : tokenIn(given)
  const what = tokenFile === '-' ? 'stdin' : resolve(cwd, tokenFile)
  const unreadable = (why: string, cause?: unknown) =>
    new CliError('TOKEN_UNREADABLE', `No token can be read from ${what}: ${why}.`, {
      data: { file: what },
      next: 'Put there what `bzzz invite` printed, and nothing else.',
      cause,
    })
  const stream = tokenFile === '-' ? process.stdin : createReadStream(what)
  const parts: Buffer[] = []
  let bytes = 0
  try {
    for await (const part of stream as AsyncIterable<Buffer>) {
      bytes += part.length
      if (bytes > maxTokenBytes) break
      parts.push(part)
    }
  } catch (error) {
    throw unreadable('it cannot be opened', error)
  }
  if (bytes > maxTokenBytes) throw unreadable(`it has more than ${maxTokenBytes} bytes`)
  const text = tokenIn(Buffer.concat(parts).toString('utf8'))
  if (text === '') throw unreadable('it is empty')
  return text
}

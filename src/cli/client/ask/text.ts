/** A text that a person gives: on the command line, from a file, or on stdin; of bounded size. */
import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import { isUtf8 } from 'node:buffer'
import type { Context } from '../../context.ts'
import { CliError } from '../../errors.ts'
import { count } from '../../output/text.ts'

export interface GivenText {
  /** Of the option; that of the file has `-file` behind it. */
  what: string
  text: string | undefined
  /** `-` is stdin. */
  file: string | undefined
  /** Characters. */
  most: number
}

/** Errors: `USAGE`. */
export async function givenText(
  { cwd, signal }: Pick<Context, 'cwd' | 'signal'>,
  { what, text, file, most }: GivenText,
): Promise<string> {
  const usage = (message: string, next: string, cause?: unknown) =>
    new CliError('USAGE', message, { next, cause })
  const how = `Write --${what} TEXT, or --${what}-file FILE (- for stdin).`
  if (text !== undefined && file !== undefined) throw usage(`The ${what} is given twice.`, how)
  if (text === undefined && file === undefined) throw usage(`The ${what} is missing.`, how)
  const given = text ?? (await read(file ?? '-'))
  if (given.trim() === '') throw usage(`The ${what} is empty.`, how)
  if (given.length <= most) return given
  throw usage(`The ${what} is longer than ${count(most, 'character')}.`, 'Make it shorter.')

  async function read(from: string): Promise<string> {
    const named = from === '-' ? 'stdin' : resolve(cwd, from)
    const stream = from === '-' ? process.stdin : createReadStream(named)
    const onAbort = () => void stream.destroy()
    signal.addEventListener('abort', onAbort, { once: true })
    const parts: Buffer[] = []
    let bytes = 0
    try {
      for await (const part of stream as AsyncIterable<Buffer>) {
        bytes += part.length
        // No text of so many bytes is short enough.
        if (bytes > 4 * most) break
        parts.push(part)
      }
    } catch (error) {
      throw usage(`${named} cannot be read.`, how, error)
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
    if (bytes > 4 * most)
      throw usage(`${named} is longer than ${count(most, 'character')}.`, 'Make it shorter.')
    const all = Buffer.concat(parts)
    if (!isUtf8(all)) throw usage(`${named} is no text in UTF-8.`, how)
    return all.toString('utf8')
  }
}

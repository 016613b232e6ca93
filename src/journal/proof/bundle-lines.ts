/** The lines of a bundle from hostile bytes: bounded before they are held, decoded before they are used. */
import type { z } from 'zod'
import { CommonError, decodeJson, explain } from '../../util/index.ts'
import { maxLineBytes } from './bundle.ts'
import { JournalError } from '../errors.ts'

/** Errors: `BUNDLE_INVALID`. */
export function decodeLine<S extends z.ZodType>(
  line: Uint8Array,
  number: number,
  schema: S,
): z.infer<S> {
  try {
    return decodeJson(line, { what: 'it', schema, maxBytes: maxLineBytes })
  } catch (error) {
    if (!(error instanceof CommonError)) throw error
    const why = error.cause === undefined ? '' : `: ${explain(error.cause)}`
    throw invalid(number, `${error.message.replace(/\.$/, '')}${why}`)
  }
}

export function invalid(line: number, reason: string): JournalError {
  return new JournalError(
    'BUNDLE_INVALID',
    `This is no bundle, or a damaged one: line ${line}: ${reason}`,
    {
      data: { line, reason },
      next: 'Give a file that `bzzz logs export` wrote, as it is: not compressed, not edited.',
    },
  )
}

export function tooLarge(what: string, data: Record<string, number>): JournalError {
  return new JournalError('BUNDLE_TOO_LARGE', `The bundle ${what}.`, {
    data,
    next: 'Export fewer journals, with --agent or --task.',
  })
}

/** Lines without their ends; a last one without an end counts. Errors: `BUNDLE_INVALID`, `BUNDLE_TOO_LARGE`. */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array[] = []
  let size = 0
  let total = 0
  let number = 1
  const grow = (part: Uint8Array) => {
    rest.push(part)
    size += part.byteLength
    if (size > maxLineBytes) throw invalid(number, `it is longer than ${maxLineBytes} bytes`)
  }
  for await (const chunk of chunks) {
    total += chunk.byteLength
    if (total > maxBytes) throw tooLarge(`is larger than ${maxBytes} bytes`, { maxBytes })
    let from = 0
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, from)) {
      grow(chunk.subarray(from, at))
      yield Buffer.concat(rest)
      rest = []
      size = 0
      number += 1
      from = at + 1
    }
    if (from < chunk.byteLength) grow(chunk.subarray(from))
  }
  if (size > 0) yield Buffer.concat(rest)
}

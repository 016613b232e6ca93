/**
 * `bzzz logs export`: what the journals hold, with proofs, in one file. It is written beside its place
 * and put there when it is whole, so that a file of that name is never half a bundle.
 */
import { open, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from '../../util/index.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { exitCodes } from '../exit.ts'
import { clean, count } from '../output/text.ts'
import { agentOf, parseTask } from './agent.ts'
import { assertKnown } from './known.ts'

export interface ExportOptions {
  agent?: string
  task?: string
  output: string
}

/** Bytes that are gathered to one write. */
const chunkBytes = 256 * 1024

interface End {
  journals: number
  entries: number
}

export async function logsExport(context: Context, options: ExportOptions): Promise<number> {
  const { out, signal } = context
  const query = {
    ...(options.agent === undefined ? {} : { agent: options.agent }),
    ...(options.task === undefined ? {} : { task: parseTask(options.task) }),
  }
  const { output } = options
  if (output !== '-') await assertNoDirectory(output)
  const agent = await agentOf(context)
  await assertKnown(agent, query)
  const lines = agent.bundle(query)
  if (output === '-') {
    await copy(lines, (text) => out.raw(text), signal)
    return signal.aborted ? exitCodes.interrupted : exitCodes.ok
  }
  const draft = `${output}.part`
  const file = await open(draft, 'w', 0o600).catch((cause: unknown) => unwritable(output, cause))
  let bytes = 0
  try {
    const end = await copy(
      lines,
      async (text) => void (bytes += (await file.write(text)).bytesWritten),
      signal,
    )
    if (signal.aborted) return exitCodes.interrupted
    await file.sync()
    await file.close()
    await rename(draft, output)
    const facts = { file: output, bytes, ...end }
    if (out.json) await out.document(facts)
    else if (out.quiet) await out.data(clean(output))
    else {
      const what = `${end.entries} entries of ${count(end.journals, 'journal')}`
      await out.data(`${clean(output)}: ${what}, ${count(bytes, 'byte')}`)
      out.message(`Check it anywhere with \`bzzz logs verify ${clean(output)}\`.`)
    }
    return exitCodes.ok
  } catch (cause) {
    return fsCodes.some((code) => hasCode(cause, code)) ? unwritable(output, cause) : raise(cause)
  } finally {
    await file.close().catch(() => undefined)
    await rm(draft, { force: true })
  }
}

/** Errors: `USAGE`. */
async function assertNoDirectory(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isDirectory() !== true) return
  throw new CliError('USAGE', `${path} is a directory.`, {
    data: { path },
    next: `Name a file in it, such as ${join(path, 'all.bundle')}.`,
  })
}

const fsCodes = ['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO', 'EISDIR', 'EACCES', 'EPERM', 'EROFS']

function raise(cause: unknown): never {
  throw cause
}

function unwritable(path: string, cause: unknown): never {
  throw new CliError('OUTPUT_FAILED', `${path} cannot be written.`, {
    data: { path },
    next: 'Name another file, or make room.',
    cause,
  })
}

/** Writes the lines; what the last one says of the whole. */
async function copy(
  lines: AsyncIterable<object>,
  write: (text: string) => Promise<void>,
  signal: AbortSignal,
): Promise<End> {
  let text = ''
  let end: End | undefined
  for await (const line of lines) {
    if ('end' in line) end = line.end as End
    text += `${JSON.stringify(line)}\n`
    if (text.length < chunkBytes) continue
    await write(text)
    text = ''
  }
  if (text !== '') await write(text)
  if (end !== undefined || signal.aborted) return end ?? { journals: 0, entries: 0 }
  throw new CliError('OUTPUT_FAILED', 'The agent stopped before the bundle was whole.', {
    next: 'Export again when it runs.',
  })
}

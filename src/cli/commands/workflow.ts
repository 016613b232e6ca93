/** `bzzz config validate --workflow`: a repository’s WORKFLOW.md as agents will read it, before it is merged. */
import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { explain } from '../../util/index.ts'
import { parsePolicy } from '../../work/index.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { exitCodes } from '../exit.ts'
import { clean } from '../output/text.ts'

/** Far more than agents accept; they say so themselves. */
const MAX_BYTES = 1024 * 1024

/** Errors: `WORKFLOW_UNREADABLE`, `WORKFLOW_INVALID`. */
export async function checkWorkflow({ out, cwd }: Context, named: string): Promise<number> {
  const file = resolve(cwd, named)
  const { checks, chores } = parsePolicy({ workflow: await read(file), agents: undefined })
  const names = { checks: checks.map(({ name }) => name), chores: Object.keys(chores) }
  if (out.json) await out.document({ ok: true, file, ...names })
  else
    out.message(
      `${clean(file)} is valid: checks ${listed(names.checks)}; chores ${listed(names.chores)}.`,
    )
  return exitCodes.ok
}

const listed = (names: readonly string[]) => clean(names.join(', ')) || 'none'

async function read(file: string): Promise<string> {
  const unreadable = (why: string, cause?: unknown) =>
    new CliError('WORKFLOW_UNREADABLE', `The file ${file} cannot be read: ${why}.`, {
      data: { file },
      next: 'Name a WORKFLOW.md that is there.',
      cause,
    })
  const entry = await stat(file).catch((error: unknown) => {
    throw unreadable(explain(error), error)
  })
  if (!entry.isFile()) throw unreadable('it is no regular file')
  if (entry.size > MAX_BYTES) throw unreadable(`it has more than ${MAX_BYTES} bytes`)
  const bytes = await readFile(file).catch((error: unknown) => {
    throw unreadable(explain(error), error)
  })
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw unreadable('it is not UTF-8', error)
  }
}

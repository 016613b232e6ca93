/** The operator's policy file: bounded, YAML 1.2 with unique keys, and refused as a whole when a rule is wrong. */
import { readFile, stat } from 'node:fs/promises'
import { decodeYaml, placedTexts, type Fields, type Problem } from '../../config/index.ts'
import { explain, hasCode } from '../../util/index.ts'
import { WorkError } from '../errors.ts'
import { permissionSchema, TOOL_KINDS, type PermissionPolicy } from './policy.ts'

/** 200 rules of some 300 bytes have 60 kB. */
const MAX_FILE_BYTES = 256 * 1024

const pattern = 'a pattern such as “npm *”, or a list of up to 50'
const conditions: Fields = {
  kind: `one of ${TOOL_KINDS.join(', ')}, or a list of them`,
  title: pattern,
  path: pattern,
  command: pattern,
}
const rule = { form: '{kind, title, path, command}', fields: conditions }
const options = [
  {
    path: 'rules',
    form: 'a list of {allow: …}, {deny: …} and {ask: …}, up to 200, each with kind, title, path and command',
    fields: () => ({ allow: rule, deny: rule, ask: rule }),
  },
  { path: 'default', form: 'workspace, ask or deny' },
  { path: 'askMs', form: 'a whole number, 1000 to 86400000 (ms)' },
]

/**
 * Errors: `PERMISSIONS_INVALID`, for what is in it with data {file, problems} and {line, column, path} of
 * the first; for a file that cannot be read with {file, reason}.
 */
export async function readPermissions(file: string): Promise<PermissionPolicy> {
  const text = await readText(file)
  const decoded = decodeYaml(text, { file, schema: permissionSchema, options })
  if ('value' in decoded) return decoded.value
  throw invalid(decoded.problems)
}

function invalid(all: readonly Problem[]): WorkError {
  const { text, problems } = placedTexts(all)
  const { file, line, column, path } = problems[0] ?? {}
  return new WorkError('PERMISSIONS_INVALID', text, {
    data: { file, line, column, path, problems },
    next: 'Correct what is named; docs/executors.md shows the form of rules.',
  })
}

async function readText(file: string): Promise<string> {
  const tooLarge = `it has more than ${MAX_FILE_BYTES} bytes`
  const unreadable = (reason: string, cause?: unknown) =>
    new WorkError('PERMISSIONS_INVALID', `The permissions ${file} cannot be read: ${reason}.`, {
      data: { file, reason },
      next: 'Correct `work.permissions`, or the file and who may read it.',
      cause,
    })
  try {
    const entry = await stat(file)
    if (!entry.isFile()) throw unreadable('it is no regular file')
    if (entry.size > MAX_FILE_BYTES) throw unreadable(tooLarge)
    const bytes = await readFile(file)
    if (bytes.byteLength > MAX_FILE_BYTES) throw unreadable(tooLarge)
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    if (cause instanceof WorkError) throw cause
    throw unreadable(reasons.find(([code]) => hasCode(cause, code))?.[1] ?? explain(cause), cause)
  }
}

const reasons = [
  ['ENOENT', 'there is no such file'],
  ['ENOTDIR', 'there is no such file'],
  ['EACCES', 'this user may not read it'],
  ['ERR_ENCODING_INVALID_ENCODED_DATA', 'it is not UTF-8'],
] as const

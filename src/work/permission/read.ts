/** The operator's policy file: bounded, YAML 1.2 with unique keys, and refused as a whole when a rule is wrong. */
import { readFile, stat } from 'node:fs/promises'
import { LineCounter, parseDocument } from 'yaml'
import { explain } from '../../util/index.ts'
import { WorkError } from '../errors.ts'
import { permissionSchema, type PermissionPolicy } from './policy.ts'

/** 200 rules of some 300 bytes have 60 kB. */
const MAX_FILE_BYTES = 256 * 1024
const MAX_ALIASES = 64

/** Errors: `PERMISSIONS_INVALID` (data: file, line, path), also for a file that cannot be read. */
export async function readPermissions(file: string): Promise<PermissionPolicy> {
  const text = await readText(file)
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, version: '1.2' })
  const [broken] = [...document.errors, ...document.warnings]
  if (broken !== undefined) {
    const { line } = lines.linePos(broken.pos[0])
    throw invalid(
      file,
      line,
      '',
      (broken.message.split('\n')[0] ?? '').replace(/ at line \d+.*$/, ''),
    )
  }
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES }) ?? {}
  } catch (error) {
    throw invalid(file, 1, '', explain(error))
  }
  const parsed = permissionSchema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const path = issue?.path ?? []
  throw invalid(file, lineOf(document, lines, path), path.join('.'), reasonOf(issue))
}

async function readText(file: string): Promise<string> {
  try {
    const entry = await stat(file)
    if (!entry.isFile()) throw new Error('it is not a regular file')
    if (entry.size > MAX_FILE_BYTES) throw new Error(`it has more than ${MAX_FILE_BYTES} bytes`)
    const bytes = await readFile(file)
    if (bytes.byteLength > MAX_FILE_BYTES)
      throw new Error(`it has more than ${MAX_FILE_BYTES} bytes`)
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new WorkError('PERMISSIONS_INVALID', `The permissions ${file} cannot be read.`, {
      data: { file },
      next: 'Correct `work.permissions`, or the file and who may read it.',
      cause,
    })
  }
}

function lineOf(
  document: ReturnType<typeof parseDocument>,
  lines: LineCounter,
  path: readonly PropertyKey[],
): number {
  for (let length = path.length; length > 0; length -= 1) {
    const node: unknown = document.getIn(path.slice(0, length), true)
    const range = (node as { range?: [number, number, number] } | undefined)?.range
    if (range !== undefined) return lines.linePos(range[0]).line
  }
  return 1
}

function reasonOf(issue: { code: string; message: string } | undefined): string {
  if (issue?.code !== 'invalid_union') return issue?.message ?? 'it has another form'
  return 'a rule is {allow: …}, {deny: …} or {ask: …} with kind, title, path and command'
}

function invalid(file: string, line: number, path: string, reason: string): WorkError {
  const where = path === '' ? '' : ` ${path}:`
  return new WorkError('PERMISSIONS_INVALID', `${file} line ${line}:${where} ${reason}.`, {
    data: { file, line, path },
    next: 'Correct the rule; docs/executors.md shows their form.',
  })
}

/**
 * What is wrong with a change before it may leave: names, protected paths, links, submodules, hooks,
 * pointers of Git LFS, secrets. For a publication the first finding is an error; a checkpoint leaves
 * the files that have findings out.
 */
import type { SecretScanner, ScanPart } from '../../secrets/index.ts'
import { hasCode } from '../../util/index.ts'
import { oneLine } from '../clean.ts'
import { WorkError } from '../errors.ts'
import { outsideLinks, type ChangedEntry } from '../tree.ts'
import { addedLines, isPointer } from './added.ts'
import { badName, collisions, isHook } from './names.ts'
import { protectedPaths, type PathRules } from './protected.ts'

const MAX_NAMED = 10
const DELETED = '000000'
const BY_HAND = 'Change these files by hand, or word the issue so that they need no change.'

type Run = (args: string[]) => Promise<string>

export interface Finding {
  code: 'PROTECTED_PATH' | 'SECRET_FOUND'
  /** Files that it is about. */
  paths: string[]
  /** One sentence for a person; of a secret where it is and by which rule, never what. */
  text: string
  next: string
  data?: Record<string, unknown>
}

export interface InspectInit {
  /** Commits or trees. */
  from: string
  to: string
  changed: readonly ChangedEntry[]
  paths: PathRules
  /** Without one nothing is searched for secrets. */
  scanner?: SecretScanner | undefined
}

/** All findings, the gravest kind first. Errors: `SECRET_FOUND` when it could not be scanned. */
export async function inspect(
  init: InspectInit,
  run: Run,
  signal: AbortSignal,
): Promise<Finding[]> {
  const { changed, from, to, scanner, paths } = init
  const present = changed.filter(({ mode }) => mode !== DELETED)
  const parts = await addedLines(run, from, to)
  const pointers = parts.filter(isPointer).map(({ where }) => where)
  const pick = (wanted: (entry: ChangedEntry) => boolean) =>
    present.filter(wanted).map(({ path }) => path)
  const added = present.map(({ path }) => path)
  const all = (await run(['ls-tree', '-r', '-z', '--name-only', to])).split('\0').filter(Boolean)
  const twins = collisions(added, all)
  const bad = added.filter((path) => badName(path) !== undefined)
  const found: Finding[] = [
    about(
      bad,
      (shown) => `It made files with bad names: ${shown}; the first ${badName(bad[0] ?? '')}`,
    ),
    about(
      added.filter((path) => twins.some((twin) => within(path, twin.path))),
      (shown) => `It made files that other machines take for existing ones: ${shown}`,
    ),
    about(protectedPaths(changed, paths), (shown) => `It changed protected files: ${shown}`),
    about(
      pick(({ mode }) => mode === '160000'),
      (shown) => `It changed submodules: ${shown}`,
    ),
    about(await outsideLinks(run, present), (shown) => `It made links that lead outside: ${shown}`),
    about(
      pick(({ path, mode }) => isHook(path, mode)),
      (shown) => `It made programs that git runs by itself: ${shown}`,
    ),
    about(pointers, (shown) => `It wrote pointers of Git LFS without their content: ${shown}`),
  ].flatMap((finding) => finding ?? [])
  if (scanner === undefined) return found
  const names = added.map((path) => ({ where: path, text: path, lines: [0] }))
  return [...found, ...(await secretsIn([...parts, ...names], scanner, signal))]
}

/** One finding with all places, or none. Errors: `SECRET_FOUND` when it could not be scanned. */
export async function secretsIn(
  parts: readonly ScanPart[],
  scanner: SecretScanner,
  signal: AbortSignal,
): Promise<Finding[]> {
  const hits = await scanner.scan(parts, signal).catch((cause: unknown) => {
    if (!hasCode(cause, 'SCAN_FAILED')) throw cause
    throw new WorkError('SECRET_FOUND', (cause as Error).message, { cause })
  })
  if (hits.length === 0) return []
  const places = hits.map(({ where, line, rule }) =>
    line === 0 ? `the name of a file (${rule})` : `${oneLine(where, 200)} line ${line} (${rule})`,
  )
  const shown = [...new Set(places)]
  const more = shown.length > MAX_NAMED ? ` and ${shown.length - MAX_NAMED} more` : ''
  return [
    {
      code: 'SECRET_FOUND',
      paths: [...new Set(hits.map(({ where }) => where))],
      text: `It would publish a secret: ${shown.slice(0, MAX_NAMED).join(', ')}${more}.`,
      next: 'Replace what may have been seen, and word the issue so that no secret is written down. If it is none, the operator of the agent can switch the rule off: `work.ignoreSecretRules`.',
      data: {
        hits: hits.slice(0, MAX_NAMED).map(({ where, line, rule }) => ({ where, line, rule })),
      },
    },
  ]
}

/** Errors: `SECRET_FOUND`. */
export async function refuseSecrets(
  part: ScanPart,
  { scanner }: { scanner?: SecretScanner | undefined },
  signal: AbortSignal,
): Promise<void> {
  if (scanner === undefined) return
  const [found] = await secretsIn([part], scanner, signal)
  if (found !== undefined) throw errorOf(found)
}

export function errorOf({ code, text, next, paths, data }: Finding): WorkError {
  return new WorkError(code, text, { data: { paths: paths.slice(0, MAX_NAMED), ...data }, next })
}

export function named(paths: readonly string[]): string {
  const shown = paths.slice(0, MAX_NAMED).map((path) => oneLine(path, 200))
  const more = paths.length - shown.length
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

function about(paths: string[], text: (shown: string) => string): Finding | undefined {
  if (paths.length === 0) return undefined
  return { code: 'PROTECTED_PATH', paths, text: `${text(named(paths))}.`, next: BY_HAND }
}

const within = (path: string, head: string) => path === head || path.startsWith(`${head}/`)

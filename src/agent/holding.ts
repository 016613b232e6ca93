/**
 * What of this agent must never leave: keys of its home and variables that executors are passed. Tokens
 * come by themselves, whenever a credential is read or gives one out.
 */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config/index.ts'
import type { Journal } from '../journal/index.ts'
import { Secret, type HeldSecrets, type SecretScanner } from '../secrets/index.ts'

const MAX_KEY_BYTES = 16 * 1024
const MAX_KEYS = 20
const SECRET_NAME = /token|secret|passw|credential|key|auth/i
/** Of what is not called a secret: text in which one character of four is new tells it from a word. */
const MIN_RANDOM = 20

/** What keeps secrets here, and writes nothing in a dry run. */
export interface Guard {
  held: HeldSecrets
  scanner: SecretScanner
  dryRun: boolean
}

/** Private keys in the home: identity, mesh key, recovery key. Those that come later are in the next start. */
export async function holdKeys(held: HeldSecrets, home: string): Promise<void> {
  const names = (await readdir(home)).filter((name) => name.endsWith('.key')).slice(0, MAX_KEYS)
  for (const name of names) {
    const path = join(home, name)
    if ((await stat(path)).size > MAX_KEY_BYTES) continue
    held.add(name, new Secret(await readFile(path, 'utf8')))
  }
}

/** Values of variables that the configuration lets executors have. */
export function holdPassed(
  held: HeldSecrets,
  { work }: Pick<Config, 'work'>,
  env: Readonly<Record<string, string | undefined>>,
): void {
  const names = work.executors.flatMap((one) => ('passEnv' in one ? (one.passEnv ?? []) : []))
  for (const name of new Set(names)) {
    const value = env[name]
    if (value !== undefined && (SECRET_NAME.test(name) || looksRandom(value)))
      held.add(`variable ${name}`, new Secret(value))
  }
}

/** No path or sentence, and of many different characters with digits among them. */
export function looksRandom(value: string): boolean {
  if (value.length < MIN_RANDOM || /[\s/\\]/.test(value) || !/\d/.test(value)) return false
  return new Set(value).size >= Math.min(16, value.length / 2)
}

/** What the tasks write down loses what this agent holds, whoever put it there. */
export function withoutSecrets(
  journal: Journal,
  held: Pick<HeldSecrets, 'redact'>,
): Journal['append'] {
  const clean = (value: unknown): unknown => {
    if (typeof value === 'string') return held.redact(value)
    if (Array.isArray(value)) return value.map(clean)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, clean(inner)]))
  }
  return (entry, options) => journal.append(clean(entry) as typeof entry, options)
}

/** What of a journal the tasks and the work use; nothing that is held gets into it. */
export const guarded = (journal: Journal, held: HeldSecrets) => ({
  head: () => journal.head(),
  treeHashAt: (length: number) => journal.treeHashAt(length),
  append: withoutSecrets(journal, held),
  read: (query?: Parameters<Journal['read']>[0]) => journal.read(query),
  tail: (query: Parameters<Journal['tail']>[0], signal: AbortSignal) => journal.tail(query, signal),
})

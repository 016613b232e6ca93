/**
 * What is wrong with a configuration that its own schema has let pass: executors that could not be made, and
 * files that it names. Found before anything starts, and told with the place of the option.
 */
import { access } from 'node:fs/promises'
import {
  invalid,
  placedText,
  problemsIn,
  type Config,
  type LoadedConfig,
  type Problem,
} from '../config/index.ts'
import { readToken } from '../mesh/index.ts'
import {
  joinToken,
  pkcs8,
  resolveSecret,
  webhookSecret,
  type SecretName,
  type SecretReference,
} from '../secrets/index.ts'
import { CodedError, explain, hasCode } from '../util/index.ts'
import { executorConfigSchema, PRESETS, readPermissions } from '../work/index.ts'

type Loaded = Pick<LoadedConfig, 'config' | 'where'>
type Env = Readonly<Record<string, string | undefined>>

export interface ConfigCheck {
  /** In the order of the options. */
  problems: Problem[]
  /** What may be right elsewhere, such as a variable that is not set here, and what should be better, such as a file that others can read. */
  warnings: string[]
}

/** What keeps an agent from its work. Errors: `CONFIG_INVALID` with all of it. */
export async function assertUsable(loaded: Loaded): Promise<void> {
  const problems = await usable(loaded)
  if (problems.length > 0) throw invalid(problems)
}

/** The same, and every secret that the configuration itself names. Reads no secret but to see that it is there. */
export async function checkConfig(loaded: Loaded, env: Env): Promise<ConfigCheck> {
  const problems = await usable(loaded)
  const warnings = await missingPlaces(loaded)
  for (const one of named(loaded.config)) {
    const { problem: found, exposed } = await look(one, loaded, env)
    warnings.push(...exposed)
    if (found === undefined) continue
    if (one.mayBeAway === true || !('file' in one.reference)) warnings.push(placedText(found))
    else problems.push(found)
  }
  return { problems, warnings }
}

async function usable(loaded: Loaded): Promise<Problem[]> {
  const { work, roles } = loaded.config
  const issues = work.executors.flatMap((executor, index) => {
    const parsed = executorConfigSchema.safeParse(executor)
    if (parsed.success) return []
    const at = ['work', 'executors', index]
    return parsed.error.issues.map((issue) => ({ ...issue, path: [...at, ...issue.path] }))
  })
  const problems = [...problemsIn(loaded, issues), ...unknownNames(loaded)]
  if (work.permissions === undefined || !roles.includes('worker')) return problems
  return [...problems, ...(await permissionsProblems(work.permissions, loaded))]
}

/** A sandbox shows what is there of `work.readable`, and says nothing of the rest. */
async function missingPlaces({ config, where }: Loaded): Promise<string[]> {
  const told = config.work.readable.map(async (place, index) => {
    const at = { ...where(['work', 'readable', index]), path: `work.readable[${index}]` }
    const there = await access(place).then(
      () => true,
      () => false,
    )
    return there ? [] : [placedText({ ...at, message: `${place} is not there` })]
  })
  return (await Promise.all(told)).flat()
}

/** `work.use` names what there is not: nothing would be used, without a word. */
function unknownNames({ config, where }: Loaded): Problem[] {
  const { use, executors } = config.work
  if (use === 'auto') return []
  const known = [
    'command',
    ...executors.map(({ name }) => name),
    ...PRESETS.map(({ name }) => name),
  ]
  return use.flatMap((name, index) => {
    if (known.includes(name)) return []
    const place = where(['work', 'use', index])
    const allowed = [...new Set(known)].join(', ')
    return [{ ...place, path: `work.use[${index}]`, message: 'names no executor', allowed }]
  })
}

/** At its place in the file; at the option where the file cannot be read. */
async function permissionsProblems(file: string, { where }: Loaded): Promise<Problem[]> {
  try {
    await readPermissions(file)
    return []
  } catch (error) {
    if (!(error instanceof CodedError) || !hasCode(error, 'PERMISSIONS_INVALID')) throw error
    const { problems, reason } = error.data as { problems?: Problem[]; reason?: string }
    if (problems !== undefined) return problems
    const message = `names ${file}, which cannot be read: ${reason ?? explain(error)}`
    return [{ ...where(['work', 'permissions']), path: 'work.permissions', message }]
  }
}

interface Named {
  path: (string | number)[]
  reference: SecretReference
  name: SecretName
  /** An agent may do without. */
  mayBeAway?: true
  check?: (text: string, source: string) => unknown
}

/** Where secrets are, as the configuration says; where it says nothing, they are looked for at the start. */
function named({ github, mesh, work, roles }: Config): Named[] {
  const worker = roles.includes('worker')
  const { token, app, webhooks } = github
  const all: (Omit<Named, 'reference'> & {
    reference: SecretReference | undefined
    on: boolean
  })[] = [
    {
      path: ['github', 'token'],
      reference: token !== undefined && 'gh' in token ? undefined : token,
      name: nameOf('GitHub token', 'github.token'),
      on: worker && app.id === undefined,
    },
    {
      path: ['github', 'app', 'privateKey'],
      reference: app.privateKey,
      name: nameOf('private key of the GitHub App', 'github.app.privateKey'),
      check: pkcs8,
      on: worker && app.id !== undefined,
    },
    {
      path: ['github', 'webhooks', 'secret'],
      reference: webhooks.secret,
      name: webhookSecret,
      on: worker && webhooks.listen !== undefined,
    },
    {
      path: ['mesh', 'join'],
      reference: mesh.join,
      name: joinToken,
      // A home that has joined needs it no more.
      mayBeAway: true,
      check: (text) => readToken(text.replace(/^bzzz\s+join\s+/, '')),
      on: true,
    },
    ...work.executors.map((executor, index) => ({
      path: ['work', 'executors', index, 'apiKey'],
      reference: executor.kind === 'chat' ? executor.apiKey : undefined,
      name: nameOf(`API key of ${executor.name}`, 'apiKey'),
      on: worker,
    })),
  ]
  return all.flatMap(({ reference, on, ...one }) =>
    reference === undefined || !on ? [] : [{ ...one, reference }],
  )
}

const nameOf = (what: string, option: string): SecretName => ({ what, id: '-', env: ['-'], option })

async function look(
  { path, reference, name, check }: Named,
  { where }: Loaded,
  env: Env,
): Promise<{ problem?: Problem; exposed: string[] }> {
  const exposed: string[] = []
  const placed = (message: string) => ({ ...where(path), path: pathOf(path), message })
  try {
    const { value, source, warnings } = await resolveSecret(reference, { env, name })
    // It ends with what to type, which a full stop would spoil.
    exposed.push(...warnings.map((warning) => placedText(placed(warning)).replace(/\.$/, '')))
    check?.(value.reveal(), source)
    return { exposed }
  } catch (error) {
    if (!(error instanceof CodedError)) throw error
    const message = error.message.replace(/\.$/, '')
    const next = error.next === undefined ? {} : { allowed: error.next.replace(/\.$/, '') }
    return { problem: { ...placed(message), ...next }, exposed }
  }
}

const pathOf = (path: readonly (string | number)[]) =>
  path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`))
    .join('')
    .slice(1)

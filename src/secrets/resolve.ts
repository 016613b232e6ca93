/** From a reference, or from the default places in their order, to a secret. */
import { throwIfAborted } from '../util/index.ts'
import { SecretError } from './errors.ts'
import {
  containerSource,
  credentialSource,
  envFileSource,
  envSource,
  fileSource,
  ghSource,
  type Source,
} from './source.ts'
import {
  githubToken,
  type MaybeReference,
  type ResolvedSecret,
  type ResolveOptions,
  type SecretName,
  type SecretReference,
} from './types.ts'

/**
 * Without a reference: the file in the first variable's `…_FILE`, systemd's credential, the
 * container's secret, then the variables. Errors: `SECRET_MISSING` (data: `looked`),
 * `SECRET_UNREADABLE`, `SECRET_EMPTY`, `ABORTED`.
 */
export async function resolveSecret(
  reference: MaybeReference,
  options: ResolveOptions,
): Promise<ResolvedSecret> {
  const name = options.name ?? githubToken
  const sources =
    reference === undefined ? defaultSources(name, options) : sourcesOf(reference, options)
  for (const source of sources) {
    throwIfAborted(options.signal)
    const found = await source.read()
    if (found === undefined) continue
    options.held?.add(name.what, found.value)
    return wellFormed(found, name)
  }
  const looked = sources.map((source) => source.label)
  throw new SecretError(
    'SECRET_MISSING',
    `There is no ${name.what}: looked at ${looked.join(', ')}.`,
    {
      data: { looked },
      next: advice(reference, name),
    },
  )
}

function wellFormed(found: ResolvedSecret, { what, form }: SecretName): ResolvedSecret {
  if (form === undefined || form.test(found.value.reveal())) return found
  throw new SecretError(
    'SECRET_UNREADABLE',
    `The ${what} from ${found.source} holds spaces, line breaks or characters that none has.`,
    { data: { source: found.source }, next: `Put nothing but the ${what} there.` },
  )
}

function defaultSources(name: SecretName, options: ResolveOptions): Source[] {
  return [
    envFileSource(name.env[0], options),
    credentialSource(name.id, options),
    containerSource(name.id, options),
    ...name.env.map((variable) => envSource(variable, options)),
  ]
}

function sourcesOf(reference: SecretReference, options: ResolveOptions): Source[] {
  if ('file' in reference) return [fileSource(reference.file)]
  if ('credential' in reference) {
    const { credential } = reference
    return [credentialSource(credential, options), containerSource(credential, options)]
  }
  if ('env' in reference) {
    return [envFileSource(reference.env, options), envSource(reference.env, options)]
  }
  return [ghSource(options.commands, options)]
}

function advice(reference: MaybeReference, { what, env, option, also }: SecretName): string {
  if (reference === undefined) {
    return `Type: export ${env[0]}=…, or write the ${what} to a file (mode 600) and export ${env[0]}_FILE=PATH, ${also ?? `or name another place in ${option}`}.`
  }
  if ('file' in reference) return `Write the ${what} to ${reference.file} (mode 600).`
  if ('credential' in reference) {
    return `Add LoadCredential=${reference.credential}:PATH to the unit, or give the container a secret of that name.`
  }
  if ('env' in reference) return `Type: export ${reference.env}=…`
  return 'Install gh and type: gh auth login'
}

/** Whether a configured model can be used, for detection, for `bzzz doctor` and before it is written into a configuration. */
import { resolveSecret, type Secret } from '../../../secrets/index.ts'
import { CodedError, explain, systemClock } from '../../../util/index.ts'
import { decodeExecutor, type ChatConfig, type ExecutorConfigInput } from '../../config.ts'
import { lookAtEndpoint, type Look } from './look.ts'

export type ModelLook = Look

/** The key of an endpoint; undefined when none is configured. Errors: `SecretError`. */
export async function chatKey(
  config: Pick<ChatConfig, 'name' | 'apiKey'>,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Secret | undefined> {
  if (config.apiKey === undefined) return undefined
  const what = `API key of ${config.name}`
  const { value } = await resolveSecret(config.apiKey, {
    env,
    name: { what, id: config.name, env: ['-'], form: /^[\x21-\x7e]+$/, option: 'apiKey' },
  })
  return value
}

export interface LookOptions {
  /** Where the key may be. */
  env: Readonly<Record<string, string | undefined>>
  now: () => number
  signal?: AbortSignal
}

/** Bounded to 5 s; rejects only when the signal fires. */
export async function lookAtModel(
  config: ChatConfig,
  { env, now, signal }: LookOptions,
): Promise<Look> {
  let key: Secret | undefined
  try {
    key = await chatKey(config, env)
  } catch (error) {
    const next = error instanceof CodedError ? error.next : undefined
    return {
      state: 'unusable',
      reason: explain(error),
      models: [],
      ollama: false,
      ...(next === undefined ? {} : { next }),
    }
  }
  return lookAtEndpoint({
    config,
    now,
    ...(key === undefined ? {} : { key }),
    ...(signal === undefined ? {} : { signal }),
  })
}

/** The same for a configuration as a person writes it. Errors: `EXECUTOR_INVALID`. */
export async function probeModel(
  input: Extract<ExecutorConfigInput, { kind: 'chat' }>,
  options: Omit<LookOptions, 'now'>,
): Promise<ModelLook> {
  const config = decodeExecutor(input)
  if (config.kind !== 'chat') throw new TypeError('not a chat executor')
  return lookAtModel(config, { ...options, now: () => systemClock.now() })
}

/**
 * What a model endpoint is: whether it answers, has the model, how long its context is. Asks
 * `GET /models`, which all have, and of Ollama what only its own API tells: what a model can do, and
 * with which context it is loaded, since Ollama cuts what is longer without a word.
 * Sources: platform.openai.com/docs/api-reference/models; github.com/ollama/ollama docs/api.md;
 * vLLM `max_model_len`, llama.cpp `meta.n_ctx`, OpenRouter `context_length`.
 */
import { z } from 'zod'
import type { Secret } from '../../../secrets/index.ts'
import { CommonError, decodeJson, hasCode, withDeadline } from '../../../util/index.ts'
import type { ChatConfig } from '../../config.ts'
import { describeTrouble } from './describe.ts'
import { openGuard, type Guard } from './guard.ts'
import { ModelTrouble } from './trouble.ts'

/** Of the whole look, ms. */
const LOOK_MS = 5_000
const MAX_BYTES = 4 * 1024 * 1024
const MAX_MODELS = 1_000

export interface Look {
  state: 'ready' | 'unusable'
  /** For people: "answers, with 12 models" or what is wrong. */
  reason: string
  /** What to type or change. */
  next?: string
  /** At most 1,000. */
  models: string[]
  /** What the endpoint says of the configured model's context. */
  contextTokens?: number
  ollama: boolean
}

export interface LookInit {
  config: Pick<ChatConfig, 'name' | 'url' | 'model'>
  key?: Secret
  now: () => number
  signal?: AbortSignal
  /** Of the whole look. Default 5,000. */
  deadlineMs?: number
}

const tokens = z.number().int().min(1).max(1e9)
const listSchema = z.looseObject({
  data: z
    .array(
      z.looseObject({
        id: z.string().min(1).max(300),
        owned_by: z.string().nullish(),
        max_model_len: tokens.nullish(),
        context_length: tokens.nullish(),
        meta: z.looseObject({ n_ctx: tokens.nullish() }).nullish(),
      }),
    )
    .nullish()
    .transform((all) => (all ?? []).slice(0, MAX_MODELS)),
})
const showSchema = z.looseObject({
  capabilities: z.array(z.string()).nullish(),
  model_info: z.record(z.string(), z.unknown()).nullish(),
})
const loadedSchema = z.looseObject({
  models: z.array(z.looseObject({ name: z.string(), context_length: tokens.nullish() })).max(100),
})

/** Never rejects, unless the signal fires. */
export async function lookAtEndpoint({
  config,
  key,
  now,
  signal,
  deadlineMs = LOOK_MS,
}: LookInit): Promise<Look> {
  const guard = openGuard({ url: config.url, now, ...(key === undefined ? {} : { key }) })
  const unusable = (reason: string, next?: string, models: string[] = []): Look => ({
    state: 'unusable',
    reason,
    models,
    ollama: false,
    ...(next === undefined ? {} : { next }),
  })
  try {
    return await withDeadline(
      `${config.name} (${new URL(config.url).host})`,
      deadlineMs,
      (inner) => look(guard, config, inner),
      { signal },
    )
  } catch (error) {
    if (signal?.aborted === true) throw error
    if (error instanceof CommonError) {
      return unusable(error.message, `Look at the server at ${config.url}.`)
    }
    const trouble =
      guard.trouble ??
      describeTrouble(error, { config, now: now(), ...(key === undefined ? {} : { key }) })
    return unusable(trouble.message, trouble.next)
  } finally {
    await guard.close()
  }
}

const NOTHING = { models: [], ollama: false }

async function look(guard: Guard, config: LookInit['config'], signal: AbortSignal): Promise<Look> {
  const base = config.url.replace(/\/+$/, '')
  const response = await guard.fetch(`${base}/models`, { signal })
  // Some endpoints list nothing: only the first request will tell.
  if (response.status === 404 || response.status === 405 || response.status === 501) {
    if (!base.endsWith('/v1') && (await guard.fetch(`${base}/v1/models`, { signal })).ok) {
      const next = `Write ${base}/v1 into \`url\` of this executor.`
      return { ...NOTHING, state: 'unusable', reason: 'Its API is below /v1.', next }
    }
    return { ...NOTHING, state: 'ready', reason: 'answers, without a list of models' }
  }
  if (!response.ok) throw await statusError(response)
  const { data } = decodeJson(await response.text(), {
    what: 'the list of models',
    schema: listSchema,
    maxBytes: MAX_BYTES,
  })
  const models = data.map(({ id }) => id)
  const own = data.find(({ id }) => isModel(id, config.model))
  const ollama = data.some(({ owned_by: owner }) => owner === 'library')
  if (own === undefined && models.length > 0) {
    const some = models.slice(0, 8).join(', ')
    return {
      state: 'unusable',
      reason: `It does not have ${config.model}, but ${some}${models.length > 8 ? ' and more' : ''}.`,
      next: ollama ? `Type: ollama pull ${config.model}` : 'Correct `model` of this executor.',
      models,
      ollama,
    }
  }
  const said = own?.max_model_len ?? own?.context_length ?? own?.meta?.n_ctx ?? undefined
  const of = ollama ? await lookAtOllama(guard, config, signal) : {}
  const contextTokens = of.contextTokens ?? said
  if (of.tools === false) {
    return {
      state: 'unusable',
      reason: `${config.model} cannot call tools.`,
      next: 'Take a model that Ollama lists with "tools".',
      models,
      ollama,
    }
  }
  return {
    state: 'ready',
    reason: `answers, with ${models.length} ${models.length === 1 ? 'model' : 'models'}`,
    models,
    ollama,
    ...(contextTokens === undefined ? {} : { contextTokens }),
  }
}

async function statusError(response: Response): Promise<Error> {
  const { APIError } = await import('openai/core/error')
  const text = await response.text()
  const body = z
    .looseObject({ error: z.union([z.looseObject({}), z.string()]) })
    .safeParse(jsonOf(text))
  const said = body.success ? body.data : undefined
  const inner = typeof said?.error === 'string' ? { message: said.error } : said?.error
  return APIError.generate(response.status, { error: inner }, text.slice(0, 500), response.headers)
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The context with which the model is loaded, and whether it can call tools. */
async function lookAtOllama(
  guard: Guard,
  config: LookInit['config'],
  signal: AbortSignal,
): Promise<{ contextTokens?: number; tools?: boolean }> {
  const { origin } = new URL(config.url)
  const ask = async <S extends z.ZodType>(path: string, schema: S, body?: object) => {
    const response = await guard.fetch(`${origin}${path}`, {
      signal,
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    })
    if (!response.ok) return undefined
    return decodeJson(await response.text(), { what: path, schema, maxBytes: MAX_BYTES })
  }
  try {
    const shown = await ask('/api/show', showSchema, { model: config.model })
    const loaded = await ask('/api/ps', loadedSchema)
    const own = loaded?.models.find(({ name }) => isModel(name, config.model))
    const contextTokens = own?.context_length ?? undefined
    const tools = shown?.capabilities?.includes('tools')
    return {
      ...(contextTokens === undefined ? {} : { contextTokens }),
      ...(tools === undefined ? {} : { tools }),
    }
  } catch (error) {
    // Its own API is a help, not a condition.
    if (hasCode(error, 'INVALID') || hasCode(error, 'TOO_LARGE')) return {}
    if (error instanceof ModelTrouble) return {}
    throw error
  }
}

/** Ollama writes "qwen3:latest" for "qwen3". */
const isModel = (id: string, wanted: string) => id === wanted || id === `${wanted}:latest`

/**
 * Has Ollama load the model as it will answer, and says with which context. Undefined when it does
 * not say. Errors: `ModelTrouble` when it cannot be loaded.
 */
export async function loadOllama({
  config,
  key,
  now,
  signal,
}: LookInit & { signal: AbortSignal }): Promise<number | undefined> {
  const guard = openGuard({ url: config.url, now, ...(key === undefined ? {} : { key }) })
  const { origin } = new URL(config.url)
  try {
    const response = await guard.fetch(`${origin}/api/generate`, {
      signal,
      method: 'POST',
      body: JSON.stringify({ model: config.model, stream: false }),
    })
    if (!response.ok) throw await statusError(response)
    await response.text()
    return (await lookAtOllama(guard, config, signal)).contextTokens
  } catch (error) {
    throw guard.trouble ?? describeTrouble(error, { config, now: now() })
  } finally {
    await guard.close()
  }
}

/**
 * How an ACP agent is told which model to use: by the session's option of the category `model`
 * (`session/set_config_option`), or by `session/set_model`, which agents had before that. Pure.
 * Source: agentclientprotocol.com/protocol/session-config-options; the `models` of a session as earlier versions of the protocol had them.
 */
import { z } from 'zod'

const id = z.string().min(1).max(500)
const MAX_CHOICES = 1_000
const value = z.object({ value: id, name: z.string().max(1_000).catch('') })
const group = z.object({ options: z.array(value).max(MAX_CHOICES) })
const option = z.object({
  id,
  type: z.literal('select'),
  category: z.string().max(100).nullish().catch(undefined),
  currentValue: id.optional().catch(undefined),
  options: z.array(z.union([value, group])).max(MAX_CHOICES),
})

/** What an answer to `session/new`, `session/resume` or `session/load` may say of models. */
export const modelFields = {
  /** Options of other types and categories are none of ours. */
  configOptions: z.array(option.nullable().catch(null)).max(100).nullish().catch(undefined),
  models: z
    .object({
      currentModelId: id.optional().catch(undefined),
      availableModels: z
        .array(z.object({ modelId: id, name: z.string().max(1_000).catch('') }))
        .max(MAX_CHOICES),
    })
    .nullish()
    .catch(undefined),
}
export type ModelOffer = z.output<z.ZodObject<typeof modelFields>>

export type ModelWay =
  /** It uses it already. */
  | { is: 'set' }
  | { is: 'option'; configId: string; value: string }
  | { is: 'model'; modelId: string }
  /** It offers no choice of models. */
  | { is: 'none' }
  /** It offers others; some of their names. */
  | { is: 'other'; offered: string[] }

const SHOWN = 8

/** By id or name, whole words only; `provider/model` also without the provider, where that is one model only. */
export function wayToModel(wanted: string, offer: ModelOffer): ModelWay {
  const chosen = (offer.configOptions ?? []).find((one) => one?.category === 'model')
  if (chosen !== undefined && chosen !== null) {
    const choices = chosen.options.flatMap((one) => ('options' in one ? one.options : [one]))
    const found = match(
      wanted,
      choices.map((one) => ({ id: one.value, name: one.name })),
    )
    if (found === undefined) return other(choices.map((one) => one.value))
    if (found === chosen.currentValue) return { is: 'set' }
    return { is: 'option', configId: chosen.id, value: found }
  }
  const { models } = offer
  if (models === undefined || models === null) return { is: 'none' }
  const found = match(
    wanted,
    models.availableModels.map(({ modelId, name }) => ({ id: modelId, name })),
  )
  if (found === undefined) return other(models.availableModels.map(({ modelId }) => modelId))
  return found === models.currentModelId ? { is: 'set' } : { is: 'model', modelId: found }
}

const other = (ids: string[]): ModelWay => ({ is: 'other', offered: ids.slice(0, SHOWN) })

function match(wanted: string, all: readonly { id: string; name: string }[]): string | undefined {
  const low = wanted.toLowerCase()
  const by = (of: (one: { id: string; name: string }) => string) =>
    all.filter((one) => of(one).toLowerCase() === low)
  const exact = by((one) => one.id)[0] ?? by((one) => one.name)[0]
  if (exact !== undefined) return exact.id
  const tails = by((one) => one.id.slice(one.id.indexOf('/') + 1))
  return tails.length === 1 ? tails[0]?.id : undefined
}

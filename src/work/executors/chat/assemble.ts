/**
 * From the chunks of a streamed answer to one answer. Chunks are hostile until decoded, and servers
 * differ in how they cut tool calls: an index or none or always 0 (Ollama), an id in the first piece,
 * in each, a new one in each, or in none, arguments as text in pieces or as one object. Only what
 * begins with a name begins a call; the rest goes to the call that it belongs to by index, by id, or
 * because it is the last.
 * Sources: platform.openai.com/docs/api-reference/chat-streaming; github.com/ollama/ollama issues
 * 7881 and 15457; github.com/BerriAI/litellm issue 11262.
 */
import { z } from 'zod'
import { ModelTrouble } from './trouble.ts'

/** Text of one answer, characters. */
export const MAX_TEXT = 1024 * 1024
/** Arguments of one call, characters. */
export const MAX_ARGUMENTS = 1024 * 1024
/** Calls in one answer. */
export const MAX_CALLS = 32
const MAX_LOOKS = 100

/** What some servers leave in the text of models that think. */
const THOUGHTS = /<think>[\s\S]*?(?:<\/think>|$)/g

const count = z.number().min(0).max(1e12)
const part = z.looseObject({ type: z.string().optional(), text: z.string().optional() })
const callPiece = z.looseObject({
  index: z.number().int().min(0).nullish(),
  id: z.string().nullish(),
  function: z
    .looseObject({
      name: z.string().nullish(),
      arguments: z.union([z.string(), z.record(z.string(), z.unknown())]).nullish(),
    })
    .nullish(),
})
const said = z.looseObject({
  content: z.union([z.string(), z.array(part)]).nullish(),
  refusal: z.string().nullish(),
  reasoning: z.string().nullish(),
  reasoning_content: z.string().nullish(),
  tool_calls: z.array(callPiece).nullish(),
})
const chunkSchema = z.looseObject({
  choices: z
    .array(
      z.looseObject({
        index: z.number().nullish(),
        delta: said.nullish(),
        /** Of servers that answer in one piece. */
        message: said.nullish(),
        finish_reason: z.string().nullish(),
      }),
    )
    .nullish(),
  usage: z
    .looseObject({ prompt_tokens: count.nullish(), completion_tokens: count.nullish() })
    .nullish(),
  error: z.unknown().optional(),
})

export interface Call {
  id?: string
  name: string
  /** JSON as the model wrote it; perhaps none. */
  arguments: string
}

export interface Answer {
  text: string
  calls: Call[]
  /** `stop`, `tool_calls`, `length`, `content_filter` or what the server says; absent when it broke off. */
  finish?: string
  usage?: { inputTokens?: number; outputTokens?: number }
}

export interface Assembler {
  /** Returns the text that this chunk adds, and the size of all that it adds. Errors: `ModelTrouble` `broken`. */
  push(chunk: unknown): { text: string; size: number }
  answer(): Answer
}

interface Slot extends Call {
  index?: number
  /** Times that it was looked at whether its arguments are complete. */
  looks: number
}

type Piece = z.output<typeof callPiece>

export function createAssembler(): Assembler {
  let text = ''
  let refusal = ''
  let finish: string | undefined
  let usage: Answer['usage']
  const slots: Slot[] = []

  function slotFor({ index, id, function: called }: Piece): Slot | undefined {
    const name = called?.name ?? ''
    const sameIndex = slots.findLast((slot) => typeof index === 'number' && slot.index === index)
    const sameId = slots.findLast((slot) => !isBlank(id) && slot.id === id)
    if (name === '') return sameIndex ?? sameId ?? slots.at(-1)
    if (sameId !== undefined && (sameIndex === undefined || sameIndex === sameId)) return sameId
    const goesOn =
      sameIndex !== undefined &&
      sameIndex.name === name &&
      (isBlank(id) || sameIndex.id === undefined) &&
      !isWhole(sameIndex)
    return goesOn ? sameIndex : undefined
  }

  function addCall(piece: Piece): number {
    const name = piece.function?.name ?? ''
    let slot = slotFor(piece)
    if (slot === undefined) {
      // A piece that begins nothing and belongs to nothing.
      if (name === '') return 0
      if (slots.length >= MAX_CALLS) throw tooMuch(`more than ${MAX_CALLS} tool calls`)
      slot = { name, arguments: '', looks: 0 }
      if (typeof piece.index === 'number') slot.index = piece.index
      slots.push(slot)
    }
    if (!isBlank(piece.id)) slot.id ??= piece.id
    const given = piece.function?.arguments ?? ''
    const more = typeof given === 'string' ? given : JSON.stringify(given)
    slot.arguments += more
    if (slot.arguments.length > MAX_ARGUMENTS) throw tooMuch('tool arguments of more than 1 MiB')
    return name.length + more.length
  }

  return {
    push(chunk) {
      const decoded = chunkSchema.safeParse(chunk)
      if (!decoded.success) {
        const at = decoded.error.issues[0]?.path.join('.') ?? ''
        throw new ModelTrouble(
          'broken',
          `A piece of its answer is not of the protocol, at "${at}".`,
        )
      }
      const { choices, usage: counted } = decoded.data
      if (counted !== null && counted !== undefined) {
        const { prompt_tokens: input, completion_tokens: output } = counted
        usage = {
          ...usage,
          ...(typeof input === 'number' ? { inputTokens: Math.round(input) } : {}),
          ...(typeof output === 'number' ? { outputTokens: Math.round(output) } : {}),
        }
      }
      const choice = choices?.find((one) => (one.index ?? 0) === 0)
      if (choice === undefined) return { text: '', size: 0 }
      if (!isBlank(choice.finish_reason)) finish = choice.finish_reason
      const piece = choice.delta ?? choice.message
      if (piece === null || piece === undefined) return { text: '', size: 0 }
      const { content } = piece
      const added = Array.isArray(content)
        ? content.map((one) => one.text ?? '').join('')
        : (content ?? '')
      text += added
      refusal += piece.refusal ?? ''
      if (text.length + refusal.length > MAX_TEXT) throw tooMuch('text of more than 1 MiB')
      const thought = (piece.reasoning_content ?? piece.reasoning ?? '').length
      const called = (piece.tool_calls ?? []).reduce((sum, one) => sum + addCall(one), 0)
      return { text: added, size: added.length + thought + called + (piece.refusal ?? '').length }
    },
    answer: () => ({
      text: text === '' ? refusal : text.replace(THOUGHTS, '').trimStart(),
      calls: slots.map(({ id, name, arguments: given }) => ({
        ...(id === undefined ? {} : { id }),
        name,
        arguments: given,
      })),
      ...(finish === undefined ? {} : { finish }),
      ...(usage === undefined ? {} : { usage }),
    }),
  }
}

const isBlank = (text: string | null | undefined): text is '' | null | undefined =>
  text === null || text === undefined || text === ''

/** Looking costs as much as the text is long: a server that repeats the name in each piece gets so many looks. */
function isWhole(slot: Slot): boolean {
  if (slot.looks >= MAX_LOOKS || !slot.arguments.trimEnd().endsWith('}')) return false
  slot.looks += 1
  try {
    JSON.parse(slot.arguments)
    return true
  } catch {
    return false
  }
}

const tooMuch = (what: string) => new ModelTrouble('broken', `Its answer has ${what}.`)
